/** A backup is put back under running instances, as one commit. */
import { DuckDBInstance } from '@duckdb/node-api';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openMigratedEngine } from '../../../lib/db/duckdb/duckdb-database.ts';
import { type Restored, restoreDatabase } from '../../../lib/db/duckdb/restore.ts';
import { systemRuntime as runtime } from '../../../lib/runtime.ts';
import type { Store } from '../../../lib/store/store.ts';
import { useS3 } from '../../support/places/s3.ts';
import { directoryStore } from '../../support/places/directory.ts';
import { accountIds, accounts, insertAccount, openDatabase, temporaryFolder } from '../../support/engine.ts';

const s3 = useS3();

async function restore(store: Store, file: string, migrations = [accounts]): Promise<Restored> {
  const engine = await openMigratedEngine({
    store,
    name: 'test.db',
    slotRoot: await temporaryFolder(),
    runtime,
    migrations: [accounts],
  });
  try {
    return await restoreDatabase({ engine, file, workFolder: await temporaryFolder(), migrations, runtime });
  } finally {
    await engine.close();
  }
}

/** The published file as it is now, as somebody keeps it. */
async function publishedFile(store: Store): Promise<string> {
  const path = join(await temporaryFolder(), 'monday.db');
  await writeFile(path, (await store.get('test.db'))!);
  return path;
}

const places: readonly [name: string, open: () => Promise<Store>][] = [
  ['a directory', async () => directoryStore(await temporaryFolder())],
  ['S3', () => Promise.resolve(s3.open())],
];

it.each(places)('a published file comes back under warm instances, in %s', async (_, open) => {
  const store = await open();
  const [first, second] = [await openDatabase({ store }), await openDatabase({ store })];
  await insertAccount(first, 'a');
  await first.sync();
  const file = await publishedFile(store);
  await insertAccount(first, 'b');
  const version = await insertAccount(second, 'c');
  const before = await readFile(file);
  expect(await restore(store, file)).toEqual({ version: version + 1, replacedVersion: version });
  expect((await readFile(file)).equals(before)).toBe(true);
  for (const database of [first, second]) expect(await accountIds(database)).toEqual(['a']);
  const { databaseId } = await first.status();
  await insertAccount(second, 'd');
  const cold = await openDatabase({ store });
  expect(await accountIds(cold)).toEqual(['a', 'd']);
  expect((await cold.status()).databaseId).toBe(databaseId);
});

async function plainFile(statements: string, isClosed = true): Promise<string> {
  const path = join(await temporaryFolder(), 'plain.db');
  const instance = await DuckDBInstance.create(path, { checkpoint_threshold: '1TB' });
  onTestFinished(() => instance.closeSync());
  const connection = await instance.connect();
  await connection.run(statements);
  connection.closeSync();
  if (isClosed) instance.closeSync();
  return path;
}

it('a file of a plain DuckDB gets the migrations that it lacks, and what its write-ahead log holds', async () => {
  const store = directoryStore(await temporaryFolder());
  const database = await openDatabase({ store });
  await insertAccount(database, 'a');
  await restore(store, await plainFile('CREATE TABLE plain (x INTEGER); INSERT INTO plain VALUES (7)', false));
  const { value } = await database.read((queries) => queries.selectFrom('plain').selectAll().execute());
  expect(value).toEqual([{ x: 7 }]);
  await insertAccount(database, 'b');
  expect(await accountIds(database)).toEqual(['b']);
});

it.each([
  ['a file that is none', async () => join(await temporaryFolder(), 'none.db'), 'not-found'],
  ['a table that a migration makes', () => plainFile('CREATE TABLE accounts (x INTEGER)'), 'invalid'],
  [
    'a file of something else',
    async () => {
      const path = join(await temporaryFolder(), 'text.db');
      await writeFile(path, 'this is somebody’s text, and no database');
      return path;
    },
    'invalid',
  ],
])('nothing is changed by %s', async (_, file, kind) => {
  const store = directoryStore(await temporaryFolder());
  const database = await openDatabase({ store });
  const version = await insertAccount(database, 'a');
  await expect(restore(store, await file())).rejects.toMatchObject({ kind });
  expect(await accountIds(database)).toEqual(['a']);
  expect((await database.status()).version).toBe(version);
});
