/** What unmodified clients of Neon's protocol do on either engine. */
import { drizzle } from 'drizzle-orm/neon-http';
import { asc, eq, gt, inArray, relations, sql as drizzleSql } from 'drizzle-orm';
import { bigint, integer, numeric, pgTable, text, timestamp, unique } from 'drizzle-orm/pg-core';
import { Kysely, sql as kyselySql } from 'kysely';
import { jsonArrayFrom, jsonObjectFrom } from 'kysely/helpers/postgres';
import { NeonDialect } from 'kysely-neon';
import { neon } from '@neondatabase/serverless';
import { expect, it } from 'vitest';
import type { Deploy } from '../../support/deployments.ts';
import { driver, errorOf, serve, type Sql, tokens } from './served.ts';

/** In words that both engines have. */
async function makeTables(sql: Sql): Promise<void> {
  await sql.transaction([
    sql.query('CREATE SEQUENCE author_ids'),
    sql.query(`CREATE TABLE authors (id BIGINT PRIMARY KEY DEFAULT nextval('author_ids'), name TEXT NOT NULL UNIQUE,
      born DATE, joined TIMESTAMPTZ NOT NULL DEFAULT now())`),
    sql.query('CREATE SEQUENCE book_ids'),
    sql.query(`CREATE TABLE books (id BIGINT PRIMARY KEY DEFAULT nextval('book_ids'),
      author_id BIGINT NOT NULL REFERENCES authors (id), title TEXT NOT NULL, pages INTEGER CHECK (pages > 0),
      price NUMERIC(10,2), tags TEXT[], cover BYTEA, about JSON, UNIQUE (author_id, title))`),
  ]);
}

export function clientsContract(deploy: Deploy): void {
  it('serves the driver: every type there and back', async () => {
    const sql = driver(await serve(deploy()));
    await makeTables(sql);
    const [author] = await sql`INSERT INTO authors (name, born, joined) VALUES (${'Ada'}, ${'1815-12-10'},
      ${new Date('2026-01-02T03:04:05.678Z')}) RETURNING *`;
    expect(author).toMatchObject({ id: '1', name: 'Ada' });
    // Drizzle makes the driver of the whole process leave times as text.
    expect(new Date(author?.['joined'] as string)).toEqual(new Date('2026-01-02T03:04:05.678Z'));
    const cover = Buffer.from([0, 1, 255, 65]);
    const tags = ['plain', 'a b', 'q"', 's\\', '', 'NULL', 'x,{y}'];
    const [book] = await sql`INSERT INTO books (author_id, title, pages, price, tags, cover, about)
      VALUES (${1}, ${"it's"}, ${320}, ${'12.50'}, ${tags}, ${cover}, ${{ a: [1, null] }}) RETURNING *`;
    expect(book).toEqual({
      id: '1',
      author_id: '1',
      title: "it's",
      pages: 320,
      price: '12.50',
      tags,
      cover,
      about: { a: [1, null] },
    });
    const [nulls] = await sql`INSERT INTO books (author_id, title, pages, tags) VALUES (1, 'x', ${null}, ${null})
      RETURNING pages, price, tags, cover, about`;
    expect(nulls).toEqual({ pages: null, price: null, tags: null, cover: null, about: null });
    const rows =
      await sql`SELECT true AS yes, 9007199254740993::bigint AS big, 0.1::real AS real, 1.5::float8 AS double,
      '2026-01-02'::date::text AS day, '03:04:05.5'::time AS time, '1 year 2 mons -3 days'::interval::text AS span,
      count(*) AS count FROM books`;
    expect(rows).toMatchObject([
      { yes: true, big: '9007199254740993', real: 0.1, double: 1.5, day: '2026-01-02', time: '03:04:05.5', count: '2' },
    ]);
  });

  it('serves the driver: array mode, full results, joins and changes', async () => {
    const served = await serve(deploy());
    const sql = driver(served);
    await makeTables(sql);
    await sql`INSERT INTO authors (name) VALUES ('Ada'), ('Bo')`;
    const full = await sql.query(
      'INSERT INTO books (author_id, title, pages) VALUES (1, $1, $2), (2, $3, $4)',
      ['a', 1, 'b', 2],
      {
        fullResults: true,
      },
    );
    expect(full).toMatchObject({ command: 'INSERT', rowCount: 2, rows: [], fields: [] });
    const lists = await sql.query(
      'SELECT b.title, a.name FROM books b JOIN authors a ON a.id = b.author_id WHERE b.pages >= $1 ORDER BY 1',
      ['1'],
      { arrayMode: true, fullResults: true },
    );
    expect(lists.rows).toEqual([
      ['a', 'Ada'],
      ['b', 'Bo'],
    ]);
    expect(lists.fields.map(({ name, dataTypeID }) => [name, dataTypeID])).toEqual([
      ['title', 25],
      ['name', 25],
    ]);
    const updated = await sql`UPDATE books SET pages = pages + ${10} WHERE id = ANY(${[1, 2]}) RETURNING pages`;
    expect(updated.toSorted((x, y) => x['pages'] - y['pages'])).toEqual([{ pages: 11 }, { pages: 12 }]);
    const upserted = await sql`INSERT INTO books (author_id, title, pages) VALUES (1, 'a', 7)
      ON CONFLICT (author_id, title) DO UPDATE SET pages = excluded.pages + ${1} RETURNING id, pages`;
    expect(upserted).toEqual([{ id: '1', pages: 8 }]);
    const merged = await sql.query(
      `MERGE INTO books USING (SELECT 1 AS author, 'c' AS name) s ON books.author_id = s.author AND books.title = s.name
       WHEN MATCHED THEN UPDATE SET pages = 99 WHEN NOT MATCHED THEN INSERT (author_id, title) VALUES (s.author, s.name)`,
      [],
      { fullResults: true },
    );
    expect(merged).toMatchObject({ command: 'MERGE', rowCount: 1 });
    const gone = await sql.query('DELETE FROM books WHERE id = $1', [2], { fullResults: true });
    expect(gone).toMatchObject({ command: 'DELETE', rowCount: 1, rows: [] });
    expect(await sql`SELECT title FROM books ORDER BY title LIMIT ${'1'} OFFSET ${1}`).toEqual([{ title: 'c' }]);
    expect(await sql`SELECT title FROM books WHERE id <> ALL(${[1]})`).toEqual([{ title: 'c' }]);
    expect(await sql`SELECT title FROM books WHERE title = ANY(${[]})`).toEqual([]);
    await sql`UPDATE books SET tags = ${['x', 'y']} WHERE title = 'c'`;
    expect(await sql`SELECT title FROM books WHERE ${'y'} = ANY(tags)`).toEqual([{ title: 'c' }]);
  });

  it('runs an array as one transaction, all or nothing', async () => {
    const sql = driver(await serve(deploy()));
    await makeTables(sql);
    const [, rows] = await sql.transaction([
      sql`INSERT INTO authors (name) VALUES ('Ada')`,
      sql`SELECT name FROM authors`,
    ]);
    expect(rows).toEqual([{ name: 'Ada' }]);
    const failed = await errorOf(
      sql.transaction([sql`INSERT INTO authors (name) VALUES ('Bo')`, sql`INSERT INTO authors (name) VALUES ('Ada')`]),
    );
    expect(failed).toMatchObject({ code: '23505', table: 'authors', constraint: 'authors_name_key' });
    expect(await sql`SELECT count(*)::int AS n FROM authors`).toEqual([{ n: 1 }]);
    const options = { isolationLevel: 'RepeatableRead', readOnly: true } as const;
    expect(await sql.transaction([sql`SELECT 1 AS a`, sql`SELECT 2 AS b`], options)).toEqual([[{ a: 1 }], [{ b: 2 }]]);
    const refused = await errorOf(sql.transaction([sql`DELETE FROM authors`], options));
    expect(refused.code).toBe('25006');
  });

  it('tells errors with their SQLSTATE, and what they are about', async () => {
    const served = await serve(deploy());
    const sql = driver(served);
    await makeTables(sql);
    await sql`INSERT INTO authors (name) VALUES ('Ada')`;
    const cases: readonly (readonly [string, object])[] = [
      [
        "INSERT INTO authors (name) VALUES ('Ada')",
        { code: '23505', table: 'authors', constraint: 'authors_name_key' },
      ],
      ["INSERT INTO authors (id, name) VALUES (1, 'x')", { code: '23505', constraint: 'authors_pkey' }],
      ['INSERT INTO authors (name) VALUES (NULL)', { code: '23502', column: 'name' }],
      [
        "INSERT INTO books (author_id, title, pages) VALUES (1, 'x', 0)",
        { code: '23514', constraint: 'books_pages_check' },
      ],
      ["INSERT INTO books (author_id, title) VALUES (77, 'x')", { code: '23503' }],
      ['SELECT * FROM nothing', { code: '42P01' }],
      ['SELECT nothing FROM authors', { code: '42703' }],
      ['SELEC 1', { code: '42601' }],
      ['SELECT 1; SELECT 2', { code: '42601' }],
      ["SELECT 'x'::int", { code: '22P02' }],
      ['CREATE TABLE authors (id INTEGER)', { code: '42P07' }],
      ["COPY authors TO '/tmp/eider-copied'", {}],
      ['BEGIN', {}],
    ];
    for (const [statement, wanted] of cases) {
      const error = await errorOf(sql.query(statement));
      expect(error, `${statement}: ${error.code} ${error.message}`).toMatchObject({ ...wanted, severity: 'ERROR' });
      expect(error.code).toMatch(/^[0-9A-Z]{5}$/);
    }
    const nobody = await errorOf(driver(served, 'a-token-of-nobody')`SELECT 1`);
    expect(nobody.code).toBe('28P01');
    const writer = await errorOf(driver(served, tokens.API_TOKEN)`CREATE TABLE mine (a INTEGER)`);
    expect(writer.code).toBe('42501');
    expect(await driver(served, tokens.API_TOKEN)`SELECT name FROM authors`).toEqual([{ name: 'Ada' }]);
  });

  it('serves Drizzle, relational queries and batches too', async () => {
    const served = await serve(deploy());
    await makeTables(driver(served));
    const authors = pgTable('authors', {
      id: bigint({ mode: 'number' })
        .primaryKey()
        .default(drizzleSql`nextval('author_ids')`),
      name: text().notNull().unique(),
      joined: timestamp({ withTimezone: true }).notNull().defaultNow(),
    });
    const books = pgTable(
      'books',
      {
        id: bigint({ mode: 'number' })
          .primaryKey()
          .default(drizzleSql`nextval('book_ids')`),
        authorId: bigint('author_id', { mode: 'number' }).notNull(),
        title: text().notNull(),
        pages: integer(),
        price: numeric({ precision: 10, scale: 2 }),
        tags: text().array(),
      },
      (table) => [unique().on(table.authorId, table.title)],
    );
    const schema = {
      authors,
      books,
      authorRelations: relations(authors, ({ many }) => ({ books: many(books) })),
      bookRelations: relations(books, ({ one }) => ({
        author: one(authors, { fields: [books.authorId], references: [authors.id] }),
      })),
    };
    const db = drizzle(neon(served.as(tokens.ADMIN_TOKEN)), { schema });
    const joined = new Date('2026-01-02T03:04:05.678Z');
    const [ada] = await db.insert(authors).values({ name: 'Ada', joined }).returning();
    expect(ada).toEqual({ id: 1, name: 'Ada', joined });
    await db.insert(books).values([
      { authorId: 1, title: 'a', pages: 10, price: '1.50', tags: ['x', 'y z'] },
      { authorId: 1, title: 'b', pages: 20 },
      { authorId: 1, title: 'c', pages: 30 },
    ]);
    expect(await db.select().from(books).where(eq(books.title, 'a'))).toEqual([
      { id: 1, authorId: 1, title: 'a', pages: 10, price: '1.50', tags: ['x', 'y z'] },
    ]);
    expect(
      await db
        .select({ title: books.title })
        .from(books)
        .where(inArray(books.id, [2, 3]))
        .orderBy(asc(books.id))
        .limit(1),
    ).toEqual([{ title: 'b' }]);
    expect(
      await db
        .select({ name: authors.name, title: books.title })
        .from(books)
        .innerJoin(authors, eq(books.authorId, authors.id))
        .where(gt(books.pages, 10))
        .orderBy(asc(books.title)),
    ).toEqual([
      { name: 'Ada', title: 'b' },
      { name: 'Ada', title: 'c' },
    ]);
    await db
      .update(books)
      .set({ pages: drizzleSql`${books.pages} + ${5}` })
      .where(eq(books.id, 1));
    const upsert = db.insert(books).values({ authorId: 1, title: 'a', pages: 1 });
    const set = { pages: drizzleSql`excluded.pages` };
    expect(await upsert.onConflictDoUpdate({ target: [books.authorId, books.title], set }).returning()).toMatchObject([
      { id: 1, pages: 1 },
    ]);
    const [found, removed] = await db.batch([
      db.select().from(authors),
      db.delete(books).where(eq(books.id, 3)).returning(),
    ]);
    expect([found.length, removed.length]).toEqual([1, 1]);
    expect(await db.$count(books)).toBe(2);
    const nested = await db.query.authors.findMany({
      columns: { name: true, joined: true },
      with: { books: { columns: { title: true, pages: true }, orderBy: asc(books.title), limit: 1 } },
    });
    expect(nested).toEqual([{ name: 'Ada', joined, books: [{ title: 'a', pages: 1 }] }]);
    const first = await db.query.books.findFirst({ where: eq(books.title, 'b'), with: { author: true } });
    expect(first).toMatchObject({ title: 'b', tags: null, author: { id: 1, name: 'Ada' } });
    await db.insert(authors).values({ name: 'Bo' });
    const bo = await db.query.authors.findFirst({ where: eq(authors.name, 'Bo'), with: { books: true } });
    expect(bo).toMatchObject({ books: [] });
  });

  it('serves Kysely, with its helpers of JSON', async () => {
    interface Tables {
      authors: { id: string; name: string };
      books: { id: string; author_id: string; title: string; pages: number | null; tags: string[] | null };
    }
    const served = await serve(deploy());
    await makeTables(driver(served));
    const db = new Kysely<Partial<Tables> & Tables>({
      dialect: new NeonDialect({ neon: neon(served.as(tokens.ADMIN_TOKEN)) }),
    });
    const values = { id: '5', name: 'Ada' };
    expect(await db.insertInto('authors').values(values).returning('id').executeTakeFirst()).toEqual({ id: '5' });
    const rows = ['a', 'b'].map((title, index) => ({
      id: String(index + 1),
      author_id: '5',
      title,
      pages: 10,
      tags: ['x'],
    }));
    expect((await db.insertInto('books').values(rows).executeTakeFirst()).numInsertedOrUpdatedRows).toBe(2n);
    const updated = await db
      .updateTable('books')
      .set((eb) => ({ pages: eb('pages', '+', 5) }))
      .where('title', 'in', ['a', 'b'])
      .executeTakeFirst();
    expect(updated.numUpdatedRows).toBe(2n);
    const nested = await db
      .selectFrom('authors')
      .select((eb) => [
        'name',
        jsonArrayFrom(
          eb.selectFrom('books').select(['title', 'pages']).whereRef('author_id', '=', 'authors.id').orderBy('title'),
        ).as('books'),
      ])
      .execute();
    const list = ['a', 'b'].map((title) => ({ title, pages: 15 }));
    expect(nested).toEqual([{ name: 'Ada', books: list }]);
    const withAuthor = await db
      .selectFrom('books')
      .select((eb) => [
        'title',
        jsonObjectFrom(eb.selectFrom('authors').select('name').whereRef('authors.id', '=', 'author_id')).as('author'),
      ])
      .orderBy('title')
      .limit(1)
      .execute();
    expect(withAuthor).toEqual([{ title: 'a', author: { name: 'Ada' } }]);
    const counted = await db
      .selectFrom('books')
      .select((eb) => ['author_id', eb.fn.countAll<string>().as('n')])
      .where('pages', '>', 1)
      .groupBy('author_id')
      .execute();
    expect(counted).toEqual([{ author_id: '5', n: '2' }]);
    expect(await kyselySql<{ one: number }>`SELECT ${1}::int AS one`.execute(db)).toMatchObject({ rows: [{ one: 1 }] });
    expect((await db.deleteFrom('books').where('title', '=', 'b').executeTakeFirst()).numDeletedRows).toBe(1n);
  });
}
