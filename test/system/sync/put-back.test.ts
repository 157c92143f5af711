/** Rule 9: a log that was emptied, or put back from a backup, under a warm instance is noticed before a commit on it. */
import { describe, expect, it } from 'vitest';
import { systemRuntime as runtime } from '../../../lib/runtime.ts';
import type { Store } from '../../../lib/store/store.ts';
import { listAll } from '../../../lib/store/store.ts';
import { layoutOf } from '../../../lib/sync/layout.ts';
import { useS3 } from '../../support/places/s3.ts';
import { directoryStore } from '../../support/places/directory.ts';
import { accountIds, accounts, insertAccount, openDatabase, temporaryFolder } from '../../support/engine.ts';

const layout = layoutOf('test.db');
const s3 = useS3();

type Objects = ReadonlyMap<string, Uint8Array>;

async function backup(store: Store): Promise<Objects> {
  const keys = (await listAll(store, layout.databaseFile)).map(({ key }) => key);
  return new Map(await Promise.all(keys.map(async (key) => [key, (await store.get(key))!] as const)));
}

async function putBack(store: Store, objects: Objects): Promise<void> {
  await store.delete((await listAll(store, layout.databaseFile)).map(({ key }) => key));
  for (const [key, bytes] of objects) await store.create(key, bytes);
}

const fileOf = (objects: Objects): Objects => new Map([[layout.databaseFile, objects.get(layout.databaseFile)!]]);

const recordsOf = async (store: Store): Promise<number> => (await listAll(store, layout.logPrefix)).length;

const noteKind = { name: '0002_kinds', sql: `ALTER TABLE accounts ADD COLUMN kind VARCHAR DEFAULT 'plain'` };

const places: readonly [name: string, open: () => Promise<Store>][] = [
  ['a directory', async () => directoryStore(await temporaryFolder())],
  ['S3', () => Promise.resolve(s3.open())],
];

describe.each(places)('a log that was put back under a warm instance, in %s', (_, open) => {
  /** Version 2 (with one account) in a backup, and an instance that has gone on to version 4. */
  async function warm() {
    const store = await open();
    const database = await openDatabase({ store });
    await insertAccount(database, 'a');
    await database.sync();
    const older = await backup(store);
    for (const id of ['b', 'c', 'd']) await insertAccount(database, id);
    return { store, database, older };
  }

  it('gets no record when the file alone was put back; the next write is on top of that', async () => {
    const { store, database, older } = await warm();
    await putBack(store, fileOf(older));
    await expect(insertAccount(database, 'e')).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await recordsOf(store)).toBe(0);
    await insertAccount(database, 'f');
    expect(await accountIds(database)).toEqual(['a', 'f']);
    expect(await accountIds(await openDatabase({ store }))).toEqual(['a', 'f']);
  });

  it('gets no record when all objects were put back, also when others have gone on from them', async () => {
    const { store, database, older } = await warm();
    await putBack(store, older);
    const other = await openDatabase({ store });
    for (const id of ['x', 'y', 'z']) await insertAccount(other, id);
    const records = await recordsOf(store);
    await expect(insertAccount(database, 'e')).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await recordsOf(store)).toBe(records);
    await insertAccount(database, 'f');
    expect(await accountIds(other)).toEqual(['a', 'f', 'x', 'y', 'z']);
  });

  it('gets no bulk record either, and no checkpoint', async () => {
    const { store, database, older } = await warm();
    await putBack(store, fileOf(older));
    const large = (queries: Parameters<Parameters<typeof database.write>[0]>[0]) =>
      queries.insertInto('accounts').values({ id: 'e', owner: 'e', balance: 0 }).execute();
    await expect(database.write(large, { large: true })).rejects.toMatchObject({ kind: 'unavailable' });
    await putBack(store, fileOf(older));
    await database.sync();
    expect(await accountIds(await openDatabase({ store }))).toEqual(['a']);
  });

  it('is not written to, and what the instance has is kept, when nothing is there any more', async () => {
    const { store, database, older } = await warm();
    await putBack(store, new Map());
    await expect(insertAccount(database, 'e')).rejects.toMatchObject({ kind: 'corrupt' });
    expect(await listAll(store, layout.databaseFile)).toEqual([]);
    expect(await accountIds(database)).toEqual(['a', 'b', 'c', 'd']);
    await putBack(store, older);
    await expect(insertAccount(database, 'e')).rejects.toMatchObject({ kind: 'unavailable' });
    await insertAccount(database, 'f');
    expect(await accountIds(database)).toEqual(['a', 'f']);
  });

  it('gets the migrations that it lacks', async () => {
    const { store, older } = await warm();
    const database = await openDatabase({ store, migrations: [accounts, noteKind] });
    await insertAccount(database, 'e');
    await putBack(store, fileOf(older));
    await expect(insertAccount(database, 'f')).rejects.toMatchObject({ kind: 'unavailable' });
    const { value } = await database.read((queries) => queries.selectFrom('accounts').select('kind').execute());
    expect(value).toEqual([{ kind: 'plain' }]);
  });
});

it('is followed by a replica that was made of a snapshot, once its record was dropped', async () => {
  const store = directoryStore(await temporaryFolder(), runtime);
  const first = await openDatabase({ store });
  await insertAccount(first, 'a');
  await first.sync();
  await first.close();
  await store.delete((await listAll(store, layout.logPrefix)).map(({ key }) => key));
  const database = await openDatabase({ store });
  await insertAccount(database, 'b');
  expect(await accountIds(await openDatabase({ store }))).toEqual(['a', 'b']);
});
