/** What is kept of every change, whoever makes it. */
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { openPostgresDatabase } from '../../../../lib/db/postgres/postgres-database.ts';
import { systemRuntime as runtime } from '../../../../lib/runtime.ts';
import type { Migration } from '../../../../lib/catalog/migrations.ts';
import { accounts, insertAccount } from '../../../support/engine.ts';
import { type PostgresServer, startPostgres } from '../../../support/servers/postgres.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

const open = () => openWith(accounts);

async function openWith(migration: Migration) {
  const connectionString = await server.createDatabase();
  const name = new URL(connectionString).pathname.slice(1);
  const database = await openPostgresDatabase({ connectionString, driver: 'pg', migrations: [migration], runtime });
  onTestFinished(() => database.close());
  const told = async (after = 0, limit = 100) => (await database.changes({ after, limit })).value;
  return { database, name, told };
}

it('is told in the order of versions, whoever made it', async () => {
  const { database, name, told } = await open();
  const { version } = await database.write((queries) =>
    queries.insertInto('accounts').values({ id: 'a', owner: 'ada', balance: 1 }).execute(),
  );
  await server.run(`UPDATE accounts SET balance = 2; UPDATE accounts SET id = 'b'`, name);
  await server.run(`INSERT INTO accounts VALUES ('b', 'bob', 1) ON CONFLICT (id) DO UPDATE SET balance = 3`, name);
  await server.run(`TRUNCATE accounts`, name);
  const { sets, oldest, head } = await told();
  expect(oldest).toBe(0);
  expect(head).toBeGreaterThanOrEqual(sets.at(-1)!.version);
  expect(sets.map(({ changes }) => changes)).toEqual([
    [{ kind: 'schema' }],
    [{ kind: 'put', table: 'accounts', rows: [{ id: 'a', owner: 'ada', balance: 1 }] }],
    [
      { kind: 'put', table: 'accounts', rows: [{ id: 'a', owner: 'ada', balance: 2 }] },
      { kind: 'delete', table: 'accounts', keys: [{ id: 'a' }] },
      { kind: 'put', table: 'accounts', rows: [{ id: 'b', owner: 'ada', balance: 2 }] },
    ],
    [{ kind: 'put', table: 'accounts', rows: [{ id: 'b', owner: 'ada', balance: 3 }] }],
    [{ kind: 'delete', table: 'accounts', keys: [{ id: 'b' }] }],
  ]);
  expect(sets[1]).toMatchObject({ version, at: expect.stringMatching(/^20\d\d-.*Z$/) });
  expect((await told(version, 1)).sets).toEqual([sets[2]]);
  expect((await told(head)).sets).toEqual([]);
});

it('waits for transactions that began earlier, and leaves out what they overtake', async () => {
  const { database, name, told } = await open();
  await insertAccount(database, 'a');
  await insertAccount(database, 'b');
  const before = (await told()).head;
  const other = await server.client(name);
  await other.query(`BEGIN; UPDATE accounts SET balance = 1 WHERE id = 'a'`);
  await database.write((queries) =>
    queries.updateTable('accounts').set({ balance: 2 }).where('id', '=', 'b').execute(),
  );
  expect(await told(before)).toMatchObject({ sets: [], head: before });
  await other.query(`UPDATE accounts SET balance = 3 WHERE id = 'b'; COMMIT`);
  const { sets } = await told(before);
  const images = sets.flatMap(({ changes }) => changes).flatMap((change) => ('rows' in change ? change.rows : []));
  expect(images.map(({ id, balance }) => [id, balance])).toEqual([
    ['a', 1],
    ['b', 3],
  ]);
  await other.end();
});

it('holds what a write that fails did not do', async () => {
  const { database, told } = await open();
  await insertAccount(database, 'a');
  const { sets } = await told();
  const failed = database.write(async (queries) => {
    await queries.updateTable('accounts').set({ balance: 9 }).execute();
    throw new Error('no');
  });
  await expect(failed).rejects.toThrow('no');
  expect((await told()).sets).toEqual(sets);
});

it('is dropped when it is old enough, and the feed says from where on it is whole', async () => {
  const { database, name, told } = await open();
  const versions = [await insertAccount(database, 'a'), await insertAccount(database, 'b')];
  await server.run(`UPDATE eider.changes SET at = at - interval '25 hours'`, name);
  const kept = await insertAccount(database, 'c');
  expect(await database.sync()).toMatchObject({ dropped: { records: 3, snapshots: 0 } });
  const { sets, oldest } = await told(versions[1]);
  expect([oldest, sets.map(({ version }) => version)]).toEqual([versions[1], [kept]]);
  expect(await told(versions[0])).toMatchObject({ sets: [], oldest: versions[1] });
  expect(await database.sync()).toMatchObject({ dropped: { records: 0 } });
});

it('is told as a reset when a transaction changed more rows than a page holds', async () => {
  const { name, told } = await open();
  await server.run(`INSERT INTO accounts SELECT i, i, i FROM generate_series(1, 20001) i`, name);
  expect((await told()).sets.map(({ changes }) => changes)).toEqual([[{ kind: 'schema' }], [{ kind: 'reset' }]]);
});

it('is told of tables without a key by whole rows, and of other schemas with their names', async () => {
  const { name, told } = await openWith({
    name: '0001_notes',
    sql: 'CREATE TABLE notes (a int, b text)',
  });
  const [put, gone] = ['put', 'delete'];
  const before = (await told()).head;
  await server.run(`INSERT INTO notes VALUES (1, NULL), (1, NULL), (2, 'x')`, name);
  await server.run(`UPDATE notes SET b = 'y' WHERE ctid = (SELECT min(ctid) FROM notes WHERE a = 1)`, name);
  await server.run(`TRUNCATE notes`, name);
  const { sets } = await told(before);
  const [one, two, changed] = [
    { a: 1, b: null },
    { a: 2, b: 'x' },
    { a: 1, b: 'y' },
  ];
  expect(sets.map(({ changes }) => changes)).toEqual([
    [{ kind: put, table: 'notes', rows: [one, one, two] }],
    [
      { kind: gone, table: 'notes', keys: [one] },
      { kind: put, table: 'notes', rows: [changed] },
    ],
    [{ kind: gone, table: 'notes', keys: expect.arrayContaining([one, two, changed]) as object[] }],
  ]);
  await server.run(
    `CREATE SCHEMA shop; ALTER TABLE notes SET SCHEMA shop; INSERT INTO shop.notes VALUES (3, 'z')`,
    name,
  );
  const { sets: later } = await told(sets.at(-1)?.version);
  expect(later.flatMap(({ changes }) => changes)).toEqual([
    { kind: put, table: 'shop.notes', rows: [{ a: 3, b: 'z' }] },
  ]);
});

it('leaves out a row without a key that went in an earlier version than it came', async () => {
  const { name, told } = await openWith({
    name: '0001_notes',
    sql: 'CREATE TABLE notes (a int)',
  });
  const before = (await told()).head;
  const earlier = await server.client(name);
  await earlier.query('BEGIN; SELECT pg_current_xact_id()');
  await server.run('INSERT INTO notes VALUES (1), (1)', name);
  await earlier.query('DELETE FROM notes WHERE ctid = (SELECT min(ctid) FROM notes); COMMIT');
  await earlier.end();
  expect((await told(before)).sets.flatMap(({ changes }) => changes)).toEqual([
    { kind: 'put', table: 'notes', rows: [{ a: 1 }] },
  ]);
});
