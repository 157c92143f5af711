/** What a write costs in statements, and what becomes of numbers that it takes when the database file is opened again. */
import { expect, it, onTestFinished, vi } from 'vitest';
import type { Database } from '../../../lib/db/database.ts';
import { systemRuntime } from '../../../lib/runtime.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import { Session } from '../../../lib/sync/sql.ts';
import { openDatabase } from '../../support/engine.ts';

async function run(database: Database, ...statements: readonly string[]): Promise<unknown> {
  const { value } = await database.write(async (_queries, scope) => {
    let rows: unknown;
    for (const sql of statements) ({ rows } = await scope.run(sql));
    return rows;
  });
  return value;
}

/** The first words of all statements that a write runs. */
async function statementsOf(database: Database, sql: string): Promise<string[]> {
  // A write is answered before the replica has committed.
  await database.status();
  const spies = (['execute', 'withStatement', 'withKeptStatement'] as const).map((name) =>
    vi.spyOn(Session.prototype, name),
  );
  onTestFinished(() => void vi.restoreAllMocks());
  await run(database, sql);
  await database.status();
  const order = spies.flatMap(({ mock }) => mock.invocationCallOrder.map((at, index) => [at, mock.calls[index]![0]]));
  vi.restoreAllMocks();
  return order
    .toSorted(([a], [b]) => Number(a) - Number(b))
    .map(([, text]) => String(text).trim().split(/\s+/, 2).join(' '));
}

it('a write is its own statement and those of the transaction', async () => {
  const database = await openDatabase({ store: createMemoryStore({ runtime: systemRuntime }) });
  const insert = (id: string): string => `INSERT INTO accounts VALUES ('${id}', '${id}', 1)`;
  await run(database, insert('a'));
  expect(await statementsOf(database, insert('b'))).toEqual([
    'BEGIN TRANSACTION',
    'INSERT INTO',
    'UPDATE eider.state',
    'COMMIT',
  ]);
  await run(database, 'CREATE TABLE notes (account VARCHAR)', 'CREATE INDEX i ON notes (account)');
  await run(database, insert('c'));
  expect(await statementsOf(database, insert('d'))).toHaveLength(4);
  await run(
    database,
    'ALTER TABLE notes ADD FOREIGN KEY (account) REFERENCES accounts',
    `INSERT INTO notes VALUES ('a')`,
  );
  await run(database, `INSERT INTO notes VALUES ('b')`);
  expect(await statementsOf(database, insert('e'))).toHaveLength(4);
  expect(await statementsOf(database, `INSERT INTO notes VALUES ('e')`)).toHaveLength(5);
});

it('no number of a sequence is given twice when a replica was made of a snapshot', async () => {
  const store = createMemoryStore({ runtime: systemRuntime });
  const one = await openDatabase({ store, migrations: [] });
  await run(
    one,
    'CREATE SEQUENCE up START 5 INCREMENT 3',
    'CREATE SEQUENCE down INCREMENT -2 MINVALUE -90 MAXVALUE 4 START 2',
    'CREATE SEQUENCE round MAXVALUE 100 CYCLE',
    'CREATE SEQUENCE unused',
    `CREATE SEQUENCE "it's START 7 CYCLE;"`,
  );
  const numbers = `SELECT nextval('up')::INTEGER, nextval('down')::INTEGER, nextval('round')::INTEGER,
    nextval('"it''s START 7 CYCLE;"')::INTEGER`;
  const given = [await run(one, numbers), await run(one, numbers)];
  await one.sync();
  const other = await openDatabase({ store, migrations: [] });
  for (const each of [other, one, other, other, one, one]) given.push(await run(each, numbers));
  expect(given).toEqual(given.map((_row, at) => [[5 + 3 * at, 2 - 2 * at, 1 + at, 1 + at]]));
  const unused = [await run(other, `SELECT nextval('unused')`), await run(one, `SELECT nextval('unused')`)];
  expect(new Set(unused.flat(2)).size).toBe(2);
});

it.each([
  'INCREMENT 3 MAXVALUE 11',
  'INCREMENT -2 MINVALUE -9 MAXVALUE 4 START -3',
  'START 9223372036854775804',
  'INCREMENT -1 MINVALUE -9223372036854775808 START -9223372036854775805',
])('a sequence that came to its end is there on every instance: %s', async (range) => {
  const store = createMemoryStore({ runtime: systemRuntime });
  const one = await openDatabase({ store });
  await run(one, `CREATE SEQUENCE n ${range}`);
  const other = await openDatabase({ store });
  const next = `SELECT nextval('n')`;
  for (let count = 0; count < 6; count++) await run(one, next).catch(() => null);
  for (const each of [one, other, one]) {
    await run(each, 'DELETE FROM accounts');
    await run(each, `INSERT INTO accounts VALUES ('a', 'a', 1)`);
    await expect(run(each, next)).rejects.toThrow(/reached m/);
  }
});
