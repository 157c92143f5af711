/** References as whoever writes meets them: through the statements of a database, in every kind of write. */
import { expect, it } from 'vitest';
import type { Database } from '../../../../lib/db/database.ts';
import { systemRuntime } from '../../../../lib/runtime.ts';
import { createMemoryStore } from '../../../../lib/testing/memory.ts';
import type { Store } from '../../../../lib/store/store.ts';
import { openDatabase } from '../../../support/engine.ts';

async function run(database: Database, ...statements: readonly string[]): Promise<unknown> {
  const { value } = await database.write(async (_queries, scope) => {
    let rows: unknown;
    for (const sql of statements) ({ rows } = await scope.run(sql));
    return rows;
  });
  return value;
}

async function library(store: Store = createMemoryStore({ runtime: systemRuntime })): Promise<Database> {
  const database = await openDatabase({ store, migrations: [] });
  await run(
    database,
    'CREATE TABLE books (id INTEGER PRIMARY KEY, isbn VARCHAR UNIQUE)',
    `INSERT INTO books VALUES (1, 'one'), (2, 'two')`,
    'CREATE TABLE loans (id INTEGER PRIMARY KEY, book INTEGER REFERENCES books, isbn VARCHAR REFERENCES books (isbn))',
    `INSERT INTO loans VALUES (1, 1, 'two')`,
  );
  return database;
}

const broken = { sqlState: '23503' };

it('hold for each write as a whole, on every instance', async () => {
  const store = createMemoryStore({ runtime: systemRuntime });
  const database = await library(store);
  const other = await openDatabase({ store, migrations: [] });
  for (const each of [database, other]) {
    await expect(run(each, 'INSERT INTO loans VALUES (2, 9, NULL)')).rejects.toMatchObject({
      kind: 'invalid',
      fields: [{ path: 'book', message: 'names no row of books' }],
      constraint: { name: 'loans_book_fkey', schema: 'main', table: 'loans' },
      ...broken,
    });
    await expect(run(each, 'DELETE FROM books')).rejects.toMatchObject({ kind: 'conflict', ...broken });
    await expect(run(each, 'UPDATE loans SET BOOK = 7')).rejects.toMatchObject(broken);
    await expect(run(each, 'UPDATE books SET "ISBN" = NULL')).rejects.toMatchObject(broken);
    await expect(run(each, 'UPDATE books SET id = id + 10')).rejects.toMatchObject(broken);
    await expect(run(each, `DELETE FROM books WHERE isbn = 'two'`)).rejects.toMatchObject(broken);
  }
  await run(database, 'INSERT INTO loans VALUES (3, 3, NULL)', `INSERT INTO books VALUES (3, 'three')`);
  await run(other, 'DELETE FROM books WHERE id = 3', 'DELETE FROM loans WHERE book = 3');
});

it('fail the one request of a batch that breaks them', async () => {
  const database = await library();
  const insert = (id: number, book: number): Promise<unknown> =>
    run(database, `INSERT INTO loans VALUES (${id}, ${book}, NULL)`);
  const results = await Promise.allSettled([
    insert(10, 1),
    insert(11, 9),
    insert(12, 2),
    run(database, 'DROP TABLE x'),
  ]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected']);
  expect(results[1]).toMatchObject({ reason: broken });
  expect(await run(database, 'SELECT id FROM loans ORDER BY id')).toEqual([[1], [10], [12]]);
});

it.each([
  ['the child', 'INSERT INTO loans VALUES (2, 9, NULL)', 'ALTER TABLE loans RENAME TO lent'],
  ['its column', 'INSERT INTO loans VALUES (2, 9, NULL)', 'ALTER TABLE loans RENAME book TO copy'],
  ['the parent', 'INSERT INTO loans VALUES (2, 9, NULL)', 'ALTER TABLE books RENAME TO works'],
])('hold when %s has another name at the end', async (_what, ...statements) => {
  const database = await library();
  await expect(run(database, ...statements)).rejects.toMatchObject(broken);
  await run(database, ...statements.slice(1));
});

it('are not asked of tables that are gone at the end', async () => {
  const database = await library();
  const again = 'CREATE TABLE loans (id INTEGER PRIMARY KEY, book INTEGER REFERENCES books)';
  await run(database, 'INSERT INTO loans VALUES (2, 9, NULL)', 'DROP TABLE loans', again);
  await expect(run(database, 'INSERT INTO loans VALUES (2, 9)')).rejects.toMatchObject(broken);
  await expect(run(database, 'DROP TABLE books')).rejects.toMatchObject({ sqlState: '2BP01' });
});

it('hold for a column that is added and filled', async () => {
  const database = await library();
  const add = (value: string): string =>
    `ALTER TABLE loans ADD COLUMN other INTEGER DEFAULT (${value}) REFERENCES books`;
  for (const value of ['9', '3 + 6', '9 + (random() * 0)::INTEGER']) {
    await expect(run(database, add(value))).rejects.toMatchObject(broken);
  }
  await run(database, add('2 + (random() * 0)::INTEGER'));
  expect(await run(database, 'SELECT other FROM loans')).toEqual([[2]]);
});

it('can be added and dropped, and not to a table of Eider', async () => {
  const database = await library();
  const dangling = 'INSERT INTO loans VALUES (2, 9, NULL)';
  await run(database, 'ALTER TABLE loans DROP CONSTRAINT loans_book_fkey', dangling);
  const add = 'ALTER TABLE loans ADD CONSTRAINT of_book FOREIGN KEY (book) REFERENCES books';
  await expect(run(database, add)).rejects.toMatchObject(broken);
  await run(database, 'DELETE FROM loans WHERE id = 2', add);
  await expect(run(database, dangling)).rejects.toMatchObject({ constraint: { name: 'of_book' } });
  for (const sql of [
    'ALTER TABLE eider.migrations ADD FOREIGN KEY (name) REFERENCES books (isbn)',
    'ALTER TABLE eider.migrations DROP CONSTRAINT IF EXISTS x',
    'CREATE TABLE eider.t (a INTEGER REFERENCES books)',
  ]) {
    await expect(run(database, sql)).rejects.toMatchObject({ kind: 'invalid', sqlState: '42501' });
  }
});

it('hold for a large write, which may define tables, too', async () => {
  const database = await library();
  const large = (...statements: readonly string[]): Promise<unknown> =>
    database.write(
      async (_queries, scope) => {
        for (const sql of statements) await scope.run(sql);
        return [...scope.catalog.relations.values()].map(({ name }) => name);
      },
      { large: true },
    );
  await expect(large('INSERT INTO loans SELECT range, 9, NULL FROM range(10, 20)')).rejects.toMatchObject(broken);
  await expect(large('DELETE FROM eider.migrations')).rejects.toMatchObject({ sqlState: '42501' });
  await expect(large('DROP TABLE books')).rejects.toMatchObject({ sqlState: '2BP01' });
  const { value } = (await large(
    'INSERT INTO loans SELECT range, 3, NULL FROM range(10, 20)',
    `INSERT INTO books VALUES (3, 'three')`,
    'CREATE TABLE notes (book INTEGER REFERENCES books)',
    'CREATE TABLE numbers AS SELECT range AS n FROM range(5)',
    'INSERT INTO notes VALUES (3)',
  )) as { value: unknown };
  expect(value).toEqual(['books', 'loans', 'notes', 'numbers']);
  await expect(run(database, 'INSERT INTO notes VALUES (9)')).rejects.toMatchObject(broken);
  expect(await run(database, 'SELECT count(*)::INTEGER FROM loans')).toEqual([[11]]);
});
