import { expect, it } from 'vitest';
import type { ChangePage } from '../../../lib/db/database.ts';
import { Engine } from '../../../lib/sync/engine.ts';
import { systemRuntime } from '../../../lib/runtime.ts';
import { decodeRecord, encodeRecord } from '../../../lib/sync/record.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import type { Store } from '../../../lib/store/store.ts';
import { insertAccount, movableRuntime, openDatabase, temporaryFolder } from '../../support/engine.ts';

const recordKey = (version: number) => `test.db.log/${String(version).padStart(16, '0')}.json`;

/** A database whose migration is version 1, with accounts made at versions 2 to `last`. */
async function databaseWith(last: number, store: Store = createMemoryStore({ runtime: systemRuntime })) {
  const runtime = movableRuntime();
  const database = await openDatabase({ store, runtime });
  for (let version = 2; version <= last; version++) await insertAccount(database, `account ${version}`);
  const page = async (after: number, limit = 100): Promise<ChangePage> =>
    (await database.changes({ after, limit })).value;
  return { store, runtime, database, page };
}

it('tells what each commit changed, in order, from the first version on', async () => {
  const { database, page } = await databaseWith(2);
  await database.write((queries) => queries.updateTable('accounts').set({ balance: 7 }).execute());
  await database.write((queries) => queries.deleteFrom('accounts').execute());
  const row = { id: 'account 2', owner: 'owner of account 2', balance: 0 };
  expect(await page(0)).toEqual({
    sets: [
      { version: 1, at: expect.stringMatching(/^\d{4}-.*Z$/), changes: [{ kind: 'schema' }] },
      { version: 2, at: expect.any(String), changes: [{ kind: 'put', table: 'accounts', rows: [row] }] },
      {
        version: 3,
        at: expect.any(String),
        changes: [{ kind: 'put', table: 'accounts', rows: [{ ...row, balance: 7 }] }],
      },
      {
        version: 4,
        at: expect.any(String),
        changes: [{ kind: 'delete', table: 'accounts', keys: [{ id: 'account 2' }] }],
      },
    ],
    oldest: 0,
    head: 4,
  });
});

it('goes by page, to the head and no further', async () => {
  const { page } = await databaseWith(24);
  const versions: number[] = [];
  for (let after = 3; ;) {
    const { sets, head } = await page(after, 9);
    if (sets.length === 0) break;
    versions.push(...sets.map(({ version }) => version));
    after = versions.at(-1) ?? head;
  }
  expect(versions).toEqual(Array.from({ length: 21 }, (_, index) => index + 4));
  expect(await page(99)).toEqual({ sets: [], oldest: 0, head: 24 });
});

it('sees what another process has committed', async () => {
  const { store, page } = await databaseWith(2);
  expect((await page(2)).sets).toEqual([]);
  await insertAccount(await openDatabase({ store }), 'of the other');
  expect(await page(2)).toMatchObject({ sets: [{ version: 3 }], head: 3 });
});

it('says from where on it is there when the beginning was dropped, also when it believed otherwise', async () => {
  const { store, page, runtime } = await databaseWith(6);
  expect((await page(0)).oldest).toBe(0);
  await store.delete([1, 2, 3].map(recordKey));
  expect(await page(1)).toEqual({ sets: [], oldest: 3, head: 6 });
  expect((await page(3)).sets).toHaveLength(3);
  await store.delete([recordKey(4)]);
  runtime.advance(700_000);
  expect((await page(4)).oldest).toBe(4);
});

it('is never read over a hole', async () => {
  const { store, page } = await databaseWith(6);
  await store.delete([recordKey(4)]);
  for (const after of [1, 3]) expect(await page(after)).toEqual({ sets: [], oldest: 4, head: 6 });
  expect((await page(4)).sets.map(({ version }) => version)).toEqual([5, 6]);
});

it('does not tell of a record that was made where the log had been dropped', async () => {
  const { store, page } = await databaseWith(6);
  const stray = await store.get(recordKey(3));
  await store.delete([1, 2, 3].map(recordKey));
  // As an instance makes it that slept since version 2.
  await store.create(recordKey(3), encodeRecord({ ...decodeRecord(stray!, recordKey(3), 3), id: 'stray' }));
  for (const limit of [1, 100]) expect(await page(2, limit)).toEqual({ sets: [], oldest: 3, head: 6 });
  expect((await page(3, 2)).sets.map(({ version }) => version)).toEqual([4, 5]);
  await store.delete([recordKey(4)]);
  for (const limit of [1, 100]) expect(await page(2, limit)).toEqual({ sets: [], oldest: 4, head: 6 });
});

it('leaves the tables of Eider out, and tells of a commit that is more than rows', async () => {
  const store = createMemoryStore({ runtime: systemRuntime });
  const { page } = await databaseWith(2, store);
  const engine = await Engine.open({
    store,
    name: 'test.db',
    slotRoot: await temporaryFolder(),
    runtime: movableRuntime(),
  });
  await engine.writeBulk((session) => session.execute(`INSERT INTO accounts VALUES ('bulk', NULL, 1)`));
  await engine.close();
  const { sets } = await page(0);
  expect(JSON.stringify(sets)).not.toContain('migrations');
  expect(sets.at(-1)).toMatchObject({ version: 3, changes: [{ kind: 'reset' }] });
});

it('gives one page no more than a few megabytes', async () => {
  const { database, page } = await databaseWith(1);
  for (let round = 0; round < 3; round++) {
    const rows = Array.from({ length: 30 }, (_, index) => ({
      id: `${round} ${index}`,
      owner: `${round} ${index} ${'x'.repeat(100_000)}`,
      balance: 0,
    }));
    await database.write((queries) => queries.insertInto('accounts').values(rows).execute());
  }
  expect((await page(1)).sets.map(({ version }) => version)).toEqual([2]);
});
