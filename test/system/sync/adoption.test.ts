/** A database file that was there before Eider is adopted with all its tables, and never lost. */
import { DuckDBInstance } from '@duckdb/node-api';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemRuntime as runtime } from '../../../lib/runtime.ts';
import type { Row } from '../../../lib/values.ts';
import { withCounting } from '../../../lib/testing/counting.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import type { ObjectInfo, Store } from '../../../lib/store/store.ts';
import { layoutOf } from '../../../lib/sync/layout.ts';
import { accountIds, insertAccount, openDatabase, temporaryFolder } from '../../support/engine.ts';

const layout = layoutOf('test.db');

/** The files of a database made with a plain client: the main file, and the write-ahead log when it was not closed. */
async function databaseFiles(
  statements: string,
  options: { closed: boolean },
): Promise<{ main: Uint8Array; wal: Uint8Array | null }> {
  const path = join(await temporaryFolder(), 'made.db');
  const instance = await DuckDBInstance.create(path, { checkpoint_threshold: '1TB' });
  const connection = await instance.connect();
  await connection.run(statements);
  if (options.closed) await connection.run('CHECKPOINT');
  const main = await readFile(path);
  const wal = options.closed ? null : await readFile(`${path}.wal`);
  connection.disconnectSync();
  instance.closeSync();
  return { main, wal };
}

async function storeWith(files: Awaited<ReturnType<typeof databaseFiles>>): Promise<Store> {
  const store = createMemoryStore({ runtime });
  await store.create(layout.databaseFile, files.main);
  if (files.wal) await store.create(`${layout.databaseFile}.wal`, files.wal);
  return store;
}

/** The version and the checksum in the first 4 kB: https://duckdb.org/docs/stable/internals/storage */
function withStorageVersion(file: Uint8Array, version: bigint): Uint8Array {
  const changed = Buffer.from(file);
  changed.writeBigUInt64LE(version, 12);
  let checksum = 5381n;
  for (let at = 8; at < 4096; at += 8)
    checksum ^= BigInt.asUintN(64, changed.readBigUInt64LE(at) * 0xbf58476d1ce4e5b9n);
  changed.writeBigUInt64LE(checksum, 0);
  return changed;
}

const legacy = `CREATE TABLE legacy (note VARCHAR); INSERT INTO legacy VALUES ('one'), ('two');
  CREATE SCHEMA other; CREATE TABLE other.things (id INTEGER PRIMARY KEY, name VARCHAR); INSERT INTO other.things VALUES (1, 'x')`;

async function legacyRows(store: Store): Promise<Row[]> {
  const database = await openDatabase({ store });
  return (await database.read((queries) => queries.selectFrom('legacy').selectAll().orderBy('note').execute()))
    .value as Row[];
}

/** Opens the bytes of an object in a plain DuckDB client. */
async function plainRows(store: Store, key: string, sql: string) {
  const path = join(await temporaryFolder(), 'published.db');
  await writeFile(path, (await store.get(key)) ?? '');
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  const rows = (await connection.runAndReadAll(sql)).getRowsJson();
  connection.disconnectSync();
  instance.closeSync();
  return rows;
}

describe('adoption', () => {
  it('keeps all tables, as the first snapshot, byte for byte', async () => {
    const files = await databaseFiles(legacy, { closed: true });
    const store = await storeWith(files);
    expect(await legacyRows(store)).toEqual([{ note: 'one' }, { note: 'two' }]);
    const [snapshot] = (await store.list(layout.snapshotPrefix)).objects;
    expect(layout.snapshotName(snapshot!.key)?.version).toBe(0);
    expect(Buffer.from((await store.get(snapshot!.key))!).equals(files.main)).toBe(true);
  });

  it('publishes old and new tables together, for any DuckDB client', async () => {
    const store = await storeWith(await databaseFiles(legacy, { closed: true }));
    const database = await openDatabase({ store });
    await insertAccount(database, 'a');
    await database.sync();
    const sql =
      'SELECT (SELECT count(*) FROM legacy)::INT, (SELECT count(*) FROM accounts)::INT, (SELECT name FROM other.things)';
    expect(await plainRows(store, layout.databaseFile, sql)).toEqual([[2, 1, 'x']]);
  });

  it('takes in the write-ahead log that an unclosed client left', async () => {
    const store = await storeWith(await databaseFiles(legacy, { closed: false }));
    expect(await legacyRows(store)).toHaveLength(2);
  });

  it('is one history when several instances adopt at once', async () => {
    const store = await storeWith(await databaseFiles(legacy, { closed: false }));
    const databases = await Promise.all([1, 2, 3].map(() => openDatabase({ store })));
    await Promise.all(databases.map((database, index) => insertAccount(database, `a${index}`)));
    for (const database of databases) expect(await accountIds(database)).toEqual(['a0', 'a1', 'a2']);
  });

  it('writes tables of any schema, with a key and without', async () => {
    const store = await storeWith(await databaseFiles(legacy, { closed: true }));
    const [writer, reader] = [await openDatabase({ store }), await openDatabase({ store })];
    await writer.write((queries) =>
      queries.withSchema('other').insertInto('things').values({ id: 2, name: 'y' }).execute(),
    );
    const things = await reader.read((queries) =>
      queries.withSchema('other').selectFrom('things').selectAll().orderBy('id').execute(),
    );
    expect(things.value).toEqual([
      { id: 1, name: 'x' },
      { id: 2, name: 'y' },
    ]);
    await writer.write((queries) => queries.insertInto('legacy').values({ note: 'three' }).execute());
    await writer.write((queries) => queries.deleteFrom('legacy').where('note', '<>', 'three').execute());
    const legacyNotes = await reader.read((queries) => queries.selectFrom('legacy').select('note').execute());
    expect(legacyNotes.value).toEqual([{ note: 'three' }]);
  });

  it('begins a life of its own from a published copy of another database', async () => {
    const first = createMemoryStore({ runtime });
    const database = await openDatabase({ store: first });
    await insertAccount(database, 'a');
    await database.sync();
    const second = createMemoryStore({ runtime });
    await second.create(layout.databaseFile, (await first.get(layout.databaseFile))!);
    const copy = await openDatabase({ store: second });
    await insertAccount(copy, 'b');
    expect(await accountIds(copy)).toEqual(['a', 'b']);
    expect((await copy.status()).databaseId).not.toBe((await database.status()).databaseId);
  });

  it.each([
    ['no database', Buffer.from('this is not a database file, but it is somebody’s')],
    ['an empty file', Buffer.alloc(0)],
  ])('refuses %s, and leaves it as it is', async (_, bytes) => {
    const store = createMemoryStore({ runtime });
    await store.create(layout.databaseFile, bytes);
    await expect(openDatabase({ store })).rejects.toMatchObject({
      kind: 'invalid',
      hint: expect.stringMatching(/The file was not changed/) as unknown,
    });
    expect(Buffer.from((await store.get(layout.databaseFile))!).equals(bytes)).toBe(true);
  });
});

describe('the published file', () => {
  it('is never an older state than one that was published before, whoever syncs', async () => {
    const store = createMemoryStore({ runtime });
    const [a, b] = await Promise.all([openDatabase({ store }), openDatabase({ store })]);
    for (let round = 0; round < 5; round++) {
      await Promise.all([insertAccount(a, `a${round}`), insertAccount(b, `b${round}`)]);
      const reports = await Promise.all([a.sync(), b.sync()]);
      const [[count]] = (await plainRows(store, layout.databaseFile, 'SELECT count(*)::INT FROM accounts')) as [
        [number],
      ];
      expect(count).toBe(2 * round + 2);
      expect(Math.min(...reports.map(({ version }) => version))).toBeGreaterThan(0);
    }
  });

  it('is mended by the next sync when one that died left an older state there, be it as large', async () => {
    const store = createMemoryStore({ runtime });
    const database = await openDatabase({ store });
    const snapshots: ObjectInfo[] = [];
    const alike = (): ObjectInfo | undefined =>
      snapshots.slice(0, -1).find(({ size }) => size === snapshots.at(-1)!.size);
    while (!alike()) {
      await insertAccount(database, `a${snapshots.length}`);
      await database.sync();
      snapshots.push((await store.list(layout.snapshotPrefix)).objects.at(-1)!);
    }
    const isNewest = async (): Promise<boolean> => {
      const keys = [layout.databaseFile, snapshots.at(-1)!.key];
      const [file, newest] = await Promise.all(keys.map((key) => store.get(key)));
      return Buffer.compare(file!, newest!) === 0;
    };
    await store.copy(alike()!.key, layout.databaseFile);
    const cold = await openDatabase({ store });
    expect(await cold.sync()).toMatchObject({ published: true, checkpoint: { uploaded: false } });
    expect(await isNewest()).toBe(true);
    // What it saw itself, it need not copy again.
    expect(await cold.sync()).toMatchObject({ published: false });
    // Later than what the store's dates can tell apart.
    await runtime.sleep(5);
    await store.copy(alike()!.key, layout.databaseFile);
    expect(await cold.sync()).toMatchObject({ published: true });
    expect(await isNewest()).toBe(true);
  });

  it('is said to be replaced when somebody put another file there, and what restores one', async () => {
    const [store, backup] = [createMemoryStore({ runtime }), createMemoryStore({ runtime })];
    const [database, other] = await Promise.all([openDatabase({ store }), openDatabase({ store: backup })]);
    await insertAccount(database, 'a');
    await insertAccount(other, 'b');
    await Promise.all([database.sync(), other.sync()]);
    const putBack = async (): Promise<void> => {
      await store.delete([layout.databaseFile]);
      await store.create(layout.databaseFile, (await backup.get(layout.databaseFile))!);
    };
    const warningsAfterSync = async (each: typeof database): Promise<readonly string[]> => {
      await each.sync();
      return (await each.status()).warnings;
    };
    expect(await warningsAfterSync(database)).toEqual([]);
    expect(await warningsAfterSync(await openDatabase({ store }))).toEqual([]);
    for (const each of [database, await openDatabase({ store })]) {
      await putBack();
      await insertAccount(each, runtime.uuid());
      expect(await warningsAfterSync(each)).toEqual([
        expect.stringMatching(/Another file was put at test\.db.*eider restore/),
      ]);
    }
  });

  it('is not uploaded again when nothing changed', async () => {
    const store = createMemoryStore({ runtime });
    const database = await openDatabase({ store });
    await insertAccount(database, 'a');
    expect(await database.sync()).toMatchObject({ published: true, checkpoint: { uploaded: true } });
    expect(await database.sync()).toMatchObject({ published: false, checkpoint: { uploaded: false } });
    await store.delete([layout.databaseFile]);
    expect(await database.sync()).toMatchObject({ published: true, checkpoint: { uploaded: false } });
  });
});

describe('a file that cannot be taken as it is', () => {
  it('gives way to what its write-ahead log held: the published file has it once', async () => {
    const files = await databaseFiles(
      'CREATE TABLE w (a INTEGER PRIMARY KEY); CHECKPOINT; INSERT INTO w SELECT * FROM range(77); UPDATE w SET a = 99 WHERE a = 1',
      { closed: false },
    );
    const store = await storeWith(files);
    const database = await openDatabase({ store });
    await insertAccount(database, 'a');
    await database.sync();
    expect(await store.head(`${layout.databaseFile}.wal`)).toBeNull();
    const sql = 'SELECT count(*) AS rows, max(a) AS most FROM w';
    expect(await plainRows(store, layout.databaseFile, sql)).toEqual([['77', 99]]);
  });

  it('is refused by its first bytes, and not fetched, when it is no database', async () => {
    const inner = createMemoryStore({ runtime });
    await inner.create(layout.databaseFile, new Uint8Array(3_000_000).fill(7));
    const store = withCounting(inner);
    await expect(openDatabase({ store })).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('no database file') as unknown,
    });
    expect(store.counts().bytesDown).toBeLessThan(1000);
  });

  it('is refused with the way to convert it, when another DuckDB wrote it', async () => {
    const { main } = await databaseFiles('CREATE TABLE t (a INTEGER)', { closed: true });
    const store = await storeWith({ main: withStorageVersion(main, 69n), wal: null });
    await expect(openDatabase({ store })).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringMatching(/storage version 69; versions \d+ and \d+/) as unknown,
      hint: expect.stringContaining('STORAGE_VERSION') as unknown,
    });
  });

  it('is refused with the name when it has a table that a migration makes; and adopted once that was renamed', async () => {
    const store = await storeWith(await databaseFiles('CREATE TABLE accounts (x INTEGER)', { closed: true }));
    await expect(openDatabase({ store })).rejects.toMatchObject({
      kind: 'invalid',
      message: 'migrations/0001_accounts.sql, statement 1 (line 1): Table with name "accounts" already exists!',
      sqlState: '42P07',
    });
    const mended = await databaseFiles('CREATE TABLE old_accounts (x INTEGER); INSERT INTO old_accounts VALUES (5)', {
      closed: true,
    });
    await store.delete([layout.databaseFile]);
    await store.create(layout.databaseFile, mended.main);
    const database = await openDatabase({ store });
    await insertAccount(database, 'a');
    const { value } = await database.read((queries) => queries.selectFrom('old_accounts').selectAll().execute());
    expect(value).toEqual([{ x: 5 }]);
  });

  it('is refused when it has a table by the name of the engine’s own, which stays as it is', async () => {
    const files = await databaseFiles('CREATE SCHEMA eider; CREATE TABLE eider.state (a INTEGER)', { closed: true });
    const store = await storeWith(files);
    await expect(openDatabase({ store })).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('eider.state') as unknown,
    });
    expect((await store.list(layout.snapshotPrefix)).objects).toEqual([]);
  });
});
