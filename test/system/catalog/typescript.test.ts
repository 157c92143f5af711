/** What `eider types` writes: compiled, and used by Kysely and by Drizzle against the tables that it describes. */
import { drizzle } from 'drizzle-orm/pg-proxy';
import { execFile } from 'node:child_process';
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type TypesFor, writeTypes } from '../../../lib/catalog/typescript.ts';
import { type EiderDatabase, openDatabase, type PlainValue } from '../../../lib/index.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import { repository } from '../../../scripts/deployable.ts';
import { temporaryFolder } from '../../support/engine.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

const tables = [
  'CREATE SCHEMA shop',
  `CREATE TYPE mood AS ENUM ('good', 'it''s bad')`,
  'CREATE SEQUENCE numbers',
  `CREATE TABLE authors (id INTEGER PRIMARY KEY DEFAULT nextval('numbers'), "full name" VARCHAR NOT NULL UNIQUE, mood mood)`,
  `CREATE TABLE books (isbn VARCHAR PRIMARY KEY, author_id INTEGER NOT NULL REFERENCES authors (id), pages SMALLINT CHECK (pages > 0),
     sold BIGINT NOT NULL DEFAULT 0, price DECIMAL(10, 2), added_at TIMESTAMPTZ NOT NULL DEFAULT now(), tags VARCHAR[], length INTERVAL)`,
  'CREATE TABLE shop.orders (book VARCHAR, day DATE, copies INTEGER NOT NULL, PRIMARY KEY (book, day))',
  'CREATE VIEW cheap AS SELECT isbn, price FROM books WHERE price < 5',
];

/** Wrong uses are expected to be errors: a type that lets everything through fails. */
const usage = `
import type { Insertable, Selectable } from 'kysely';
import type { Authors, Books, Cheap, DB, ShopOrders } from './kysely.ts';
export const book: Insertable<Books> = { isbn: 'a', author_id: 1, added_at: new Date(), sold: 3n, price: 1.5, tags: ['x', null] };
export const author: Insertable<Authors> = { 'full name': 'Ada', mood: "it's bad" };
export const row: Selectable<Books> = { isbn: 'a', author_id: 1, pages: null, sold: '1', price: '1.50', added_at: '2026', tags: null, length: { months: 1, days: 0, micros: '0' } };
export const tables: (keyof DB)[] = ['authors', 'books', 'cheap', 'shop.orders'];
export const order: Selectable<ShopOrders>['copies'] = 1;
export const cheap: Selectable<Cheap> = { isbn: null, price: null };
// @ts-expect-error lacks author_id
export const lacking: Insertable<Books> = { isbn: 'a' };
// @ts-expect-error is none of the words
export const odd: Insertable<Authors> = { 'full name': 'Ada', mood: 'odd' };
// @ts-expect-error a big integer comes as text
export const big: number = row.sold;
`;
const drizzleUsage = `
import { authors, books, cheap, orders } from './drizzle.ts';
export const book: typeof books.$inferInsert = { isbn: 'a', authorId: 1, sold: 3n, price: '1.50' };
export const author: typeof authors.$inferInsert = { fullName: 'Ada', mood: 'good' };
export const copies: number = {} as (typeof orders.$inferSelect)['copies'] & number;
export const view = cheap.isbn;
// @ts-expect-error lacks authorId
export const lacking: typeof books.$inferInsert = { isbn: 'a' };
`;

type Run = (queries: ReturnType<typeof drizzle>) => Promise<unknown>;
const run = `
import { eq } from 'drizzle-orm';
import { authors, books } from './drizzle.ts';
export default async (queries) => {
  const [{ id }] = await queries.insert(authors).values({ fullName: 'Ada', mood: "it's bad" }).returning();
  await queries.insert(books).values({ isbn: 'a', authorId: id, sold: 9_007_199_254_740_993n, price: '1.50' });
  const [book] = await queries.select().from(books).where(eq(books.isbn, 'a'));
  return book.authorId === id ? book : null;
};
`;

const backends = {
  duckdb: (migrations: string) =>
    openDatabase({ store: createMemoryStore(), name: 'types.db', migrations, environment: {} }),
  postgres: async (migrations: string) =>
    openDatabase({ environment: { DATABASE_URL: await server.createDatabase() }, migrations }),
};

async function open(engine: keyof typeof backends): Promise<EiderDatabase> {
  const db = await backends[engine](await temporaryFolder());
  onTestFinished(() => db.close());
  for (const statement of tables) await db.execute(statement);
  return db;
}

async function writeInto(folder: string, db: EiderDatabase, typesFor: TypesFor): Promise<void> {
  await writeFile(join(folder, `${typesFor}.ts`), writeTypes(await db.catalog(), typesFor));
}

describe.each(['duckdb', 'postgres'] as const)('on %s', (engine) => {
  test('the types compile, and fit what the tables hold', async () => {
    const db = await open(engine);
    const folder = await temporaryFolder();
    await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'));
    await Promise.all((['kysely', 'drizzle'] as const).map((each) => writeInto(folder, db, each)));
    await writeFile(join(folder, 'usage.ts'), usage);
    await writeFile(join(folder, 'drizzle-usage.ts'), drizzleUsage);
    const options = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--noUnusedLocals', '--skipLibCheck'];
    const module = ['--module', 'NodeNext', '--target', 'ES2024', '--allowImportingTsExtensions', '--types', 'node'];
    const compiler = join(repository, 'node_modules/typescript/bin/tsc');
    const program = [compiler, ...options, ...module, 'usage.ts', 'drizzle-usage.ts'];
    const { stdout } = await promisify(execFile)(process.execPath, program, { cwd: folder }).catch(
      (error: unknown) => error as { stdout: string },
    );
    expect(stdout).toBe('');

    await writeFile(join(folder, 'run.mjs'), run);
    const used = (await import(pathToFileURL(join(folder, 'run.mjs')).href)) as { default: Run };
    const queries = drizzle(async (sql, parameters) => {
      const values = parameters as PlainValue[];
      const { rows, columns } = await (/^select/i.test(sql) ? db.query(sql, values) : db.execute(sql, values));
      return { rows: rows.map((row) => columns.map(({ name }) => row[name])) };
    });
    const book = { isbn: 'a', sold: 9_007_199_254_740_993n, price: '1.50', pages: null };
    expect(await used.default(queries)).toMatchObject(book);
  });
});

test('the same tables make the same text', async () => {
  const db = await open('duckdb');
  const [one, again] = [await db.catalog(), await db.catalog()].map((catalog) => writeTypes(catalog));
  expect(one).toBe(again);
  expect(one).toMatchInlineSnapshot(`
    "/** Written by \`eider types\`: change the tables, and write it again. */
    import type { ColumnType } from 'kysely';

    export type Generated<T> = T extends ColumnType<infer S, infer I, infer U>
      ? ColumnType<S, I | undefined, U>
      : ColumnType<T, T | undefined, T>;

    export type Int8 = ColumnType<string, bigint | number | string, bigint | number | string>;

    export type Interval = { months: number; days: number; micros: string };

    export type Numeric = ColumnType<string, number | string, number | string>;

    export type Timestamp = ColumnType<string, Date | string, Date | string>;

    export interface Authors {
      id: Generated<number>;
      'full name': string;
      mood: 'good' | 'it\\'s bad' | null;
    }

    export interface Books {
      isbn: string;
      author_id: number;
      pages: number | null;
      sold: Generated<Int8>;
      price: Numeric | null;
      added_at: Generated<Timestamp>;
      tags: (string | null)[] | null;
      length: Interval | null;
    }

    export interface Cheap {
      isbn: string | null;
      price: Numeric | null;
    }

    export interface ShopOrders {
      book: string;
      day: string;
      copies: number;
    }

    export interface DB {
      authors: Authors;
      books: Books;
      cheap: Cheap;
      'shop.orders': ShopOrders;
    }
    "
  `);
  expect(writeTypes(await db.catalog(), 'drizzle')).toMatchInlineSnapshot(`
    "/** Written by \`eider types\`: change the tables, and write it again. */
    import { sql } from 'drizzle-orm';
    import { bigint, check, date, foreignKey, integer, interval, numeric, pgSchema, pgTable, pgView, primaryKey, smallint, text, timestamp, unique } from 'drizzle-orm/pg-core';

    export const shopSchema = pgSchema('shop');

    export const authors = pgTable('authors', {
      id: integer('id').primaryKey().default(sql\`nextval('numbers')\`),
      fullName: text('full name').notNull(),
      mood: text('mood', { enum: ['good', 'it\\'s bad'] }),
    }, (table) => [
      unique('authors_full name_key').on(table.fullName),
    ]);

    export const books = pgTable('books', {
      isbn: text('isbn').primaryKey(),
      authorId: integer('author_id').notNull(),
      pages: smallint('pages'),
      sold: bigint('sold', { mode: 'bigint' }).notNull().default(sql\`0\`),
      price: numeric('price', { precision: 10, scale: 2 }),
      addedAt: timestamp('added_at', { withTimezone: true, mode: 'string' }).notNull().default(sql\`now()\`),
      tags: text('tags').array(),
      length: interval('length'),
    }, (table) => [
      foreignKey({ columns: [table.authorId], foreignColumns: [authors.id], name: 'books_author_id_fkey' }),
      check('books_pages_check', sql\`(pages > 0)\`),
    ]);

    export const cheap = pgView('cheap', {
      isbn: text('isbn'),
      price: numeric('price', { precision: 10, scale: 2 }),
    }).existing();

    export const orders = shopSchema.table('orders', {
      book: text('book').notNull(),
      day: date('day').notNull(),
      copies: integer('copies').notNull(),
    }, (table) => [
      primaryKey({ columns: [table.book, table.day] }),
    ]);
    "
  `);
});
