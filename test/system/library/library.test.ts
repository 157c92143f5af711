/** The database in process: by SQL, in transactions, and by Kysely's builder, on both engines. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Kysely, sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { AppError, type EiderDatabase, openDatabase } from '../../../lib/index.ts';
import { kyselyDialect } from '../../../lib/kysely.ts';
import { temporaryFolder } from '../../support/engine.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

const books = `CREATE TABLE books (isbn VARCHAR PRIMARY KEY, title VARCHAR NOT NULL, pages INTEGER CHECK (pages > 0));
CREATE TABLE loans (id INTEGER PRIMARY KEY, isbn VARCHAR NOT NULL REFERENCES books (isbn));`;

interface Tables {
  books: { isbn: string; title: string; pages: number | null };
  loans: { id: number; isbn: string };
}

type Open = () => Promise<EiderDatabase>;

/** Opens instances of one deployment. */
async function deploy(backend: (folder: string) => Promise<Record<string, string>>): Promise<Open> {
  const folder = await temporaryFolder();
  const migrations = join(folder, 'migrations');
  await mkdir(migrations);
  await writeFile(join(migrations, '0001_books.sql'), books);
  const environment = await backend(folder);
  let instances = 0;
  return async () => {
    const TMPDIR = join(folder, `instance-${++instances}`);
    await mkdir(TMPDIR);
    const database = await openDatabase({ environment: { ...environment, TMPDIR }, migrations });
    onTestFinished(() => database.close());
    return database;
  };
}

const backends = {
  duckdb: (folder: string) => Promise.resolve({ NETWORK_DB_PATH: join(folder, 'books.db') }),
  postgres: async () => ({ DATABASE_URL: await server.createDatabase() }),
};

describe.each(['duckdb', 'postgres'] as const)('on %s', (engine) => {
  const start = () => deploy(backends[engine]);

  it('reads on one instance what another one has written', async () => {
    const open = await start();
    const [one, other] = [await open(), await open()];
    expect((await one.catalog()).engine).toBe(engine);
    const written = await one.execute('INSERT INTO books VALUES ($1, $2, $3), ($4, $2, NULL) RETURNING isbn, pages', [
      'a',
      'Ada',
      300,
      'b',
    ]);
    expect(written).toMatchObject({
      command: 'INSERT',
      rowCount: 2,
      durability: 'durable',
      rows: [
        { isbn: 'a', pages: 300 },
        { isbn: 'b', pages: null },
      ],
    });
    const read = await other.query('SELECT count(*) AS n, sum(pages) AS pages FROM books', [], {
      atLeast: written.version,
    });
    expect(read.rows).toEqual([{ n: '2', pages: '300' }]);
    await one.execute('ALTER TABLE books ADD COLUMN shelf VARCHAR');
    const { relations } = await other.catalog();
    expect([...relations.values()].find(({ name }) => name === 'books')?.columns.map(({ name }) => name)).toContain(
      'shelf',
    );
  });

  it('does all of a transaction or nothing, again where another one came first', async () => {
    const open = await start();
    const [one, other] = [await open(), await open()];
    await one.execute(`INSERT INTO books VALUES ('a', 'Ada', 1)`);
    const addPage = (database: EiderDatabase) =>
      database.transaction(async (tx) => {
        const { rows } = await tx.run(`SELECT pages FROM books WHERE isbn = 'a'`);
        await tx.run(`UPDATE books SET pages = $1 WHERE isbn = 'a'`, [Number(rows[0]?.['pages']) + 1]);
      });
    await Promise.all(Array.from({ length: 12 }, (_, index) => addPage(index % 2 === 0 ? one : other)));
    expect((await one.query('SELECT pages FROM books')).rows).toEqual([{ pages: 13 }]);

    const failing = one.transaction(async (tx) => {
      await tx.run('DELETE FROM books');
      expect((await tx.run('SELECT count(*) AS n FROM books')).rows).toEqual([{ n: '0' }]);
      throw new Error('No.');
    });
    await expect(failing).rejects.toThrow('No.');
    expect((await other.query('SELECT count(*) AS n FROM books')).rows).toEqual([{ n: '1' }]);
  });

  it('takes queries that Kysely builds', async () => {
    const database = await (await start())();
    const queries = new Kysely<Tables>({ dialect: kyselyDialect(database) });
    const inserted = await queries
      .insertInto('books')
      .values([
        { isbn: 'a', title: 'Ada', pages: 300 },
        { isbn: 'b', title: 'Babbage', pages: 200 },
      ])
      .returning('isbn')
      .execute();
    expect(inserted).toEqual([{ isbn: 'a' }, { isbn: 'b' }]);
    const updated = await queries.updateTable('books').set({ pages: 250 }).where('isbn', '=', 'b').execute();
    expect(updated).toEqual([{ numUpdatedRows: 1n }]);
    await database.transaction(async (tx) => {
      expect(tx.catalog.engine).toBe(engine);
      const inside = new Kysely<Tables>({ dialect: kyselyDialect(tx) });
      await inside.insertInto('loans').values({ id: 1, isbn: 'b' }).execute();
      await inside.deleteFrom('books').where('isbn', '=', 'a').execute();
    });
    const joined = queries
      .selectFrom('loans')
      .innerJoin('books', 'books.isbn', 'loans.isbn')
      .select(['title', sql<number>`pages + 1`.as('more')]);
    expect(await joined.execute()).toEqual([{ title: 'Babbage', more: 251 }]);
    await expect(queries.transaction().execute(() => Promise.resolve())).rejects.toThrow(/transaction/);
  });

  it('says what is wrong', async () => {
    const database = await (await start())();
    const failure = (promise: Promise<unknown>): Promise<unknown> =>
      promise.then(
        () => 'done',
        (error: unknown) => (error instanceof AppError ? error.kind : error),
      );
    await database.execute(`INSERT INTO books VALUES ('a', 'Ada', 1)`);
    expect(await failure(database.execute(`INSERT INTO books VALUES ('a', 'Ada', 1)`))).toBe('conflict');
    expect(await failure(database.execute(`INSERT INTO books VALUES ('b', 'Ada', 0)`))).toBe('invalid');
    expect(await failure(database.execute(`INSERT INTO loans VALUES (1, 'gone')`))).toBe('invalid');
    expect(await failure(database.query('SELEKT 1'))).toBe('invalid');
    expect(await failure(database.query('SELECT 1', [1, 2]))).toBe('invalid');
    expect(await failure(database.query('SELECT $1 + $2', [1]))).toBe('invalid');
    expect(await failure(database.execute('DELETE FROM books WHERE isbn = $1', ['c', 'd']))).toBe('invalid');
    expect(await failure(database.query(`DELETE FROM books`))).toBe('invalid');
    expect(await failure(openDatabase({ environment: { DB_BACKEND: 'nothing' } }))).toBe('unavailable');
    expect((await database.query('SELECT count(*) AS n FROM books')).rows).toEqual([{ n: '1' }]);
  });
});
