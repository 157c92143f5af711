/** Commits too large for row images: one object, named by one record, continued from by everyone. */
import { describe, expect, it } from 'vitest';
import { systemRuntime as runtime } from '../../../lib/runtime.ts';
import { withFaults } from '../../../lib/testing/faults.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import type { Store } from '../../../lib/store/store.ts';
import { Engine, type EngineOptions } from '../../../lib/sync/engine.ts';
import { layoutOf } from '../../../lib/sync/layout.ts';
import { accountIds, insertAccount, openDatabase, temporaryFolder } from '../../support/engine.ts';
import { onTestFinished } from 'vitest';

const layout = layoutOf('test.db');

async function openEngine(store: Store, options: Partial<EngineOptions> = {}): Promise<Engine> {
  const engine = await Engine.open({ store, name: 'test.db', slotRoot: await temporaryFolder(), runtime, ...options });
  onTestFinished(() => engine.close());
  return engine;
}

const importRows = (engine: Engine, from: number, count: number) =>
  engine.writeBulk((session) =>
    session.execute(
      `INSERT INTO accounts SELECT 'bulk' || i, 'owner of bulk' || i, 0 FROM range(${from}, ${from + count}) t(i)`,
    ),
  );

const count = (engine: Engine) =>
  engine
    .read(async (session) => Number((await session.rows('SELECT count(*) FROM accounts'))[0]?.[0]), {
      maxStalenessMs: 0,
      atLeast: undefined,
    })
    .then(({ value }) => value);

describe('a bulk record', () => {
  it('is the commit of a whole state, which warm and new instances continue from', async () => {
    const store = createMemoryStore({ runtime });
    const database = await openDatabase({ store });
    await insertAccount(database, 'a');
    const engine = await openEngine(store);
    const { version } = await importRows(engine, 0, 200_000);
    await insertAccount(database, 'z');
    expect(await count(engine)).toBe(200_002);
    const [warm, fresh] = [await openEngine(store), await openDatabase({ store })];
    expect(await count(warm)).toBe(200_002);
    expect(await accountIds(fresh)).toHaveLength(200_002);
    expect((await database.status()).version).toBe(version + 1);
    expect((await store.list(layout.bulkPrefix)).objects).toHaveLength(1);
  });

  it('takes the replica from under readers that wait for a session: all of them are answered', async () => {
    const store = createMemoryStore({ runtime });
    await insertAccount(await openDatabase({ store }), 'a');
    const engine = await openEngine(store, { settings: { maxReaders: 2 } });
    const held = Promise.withResolvers<void>();
    const reads = Array.from({ length: 8 }, () =>
      engine.read(
        async (session) => {
          await held.promise;
          return Number((await session.rows('SELECT count(*) FROM accounts'))[0]?.[0]);
        },
        { maxStalenessMs: 60_000, atLeast: undefined },
      ),
    );
    const bulk = importRows(engine, 0, 10);
    // The record is there: the replica is being replaced.
    while ((await store.list(layout.bulkPrefix)).objects.length === 0) await runtime.sleep(5);
    await runtime.sleep(50);
    held.resolve();
    await bulk;
    expect((await Promise.all(reads)).map(({ value }) => value)).toEqual(
      expect.arrayContaining([1, 1, 11, 11, 11, 11, 11, 11]),
    );
  });

  it('runs again on top of what another instance committed meanwhile', async () => {
    const store = createMemoryStore({ runtime });
    const database = await openDatabase({ store });
    let interrupted = false;
    const interrupting = withFaults(store, {
      runtime,
      choose: (operation, key) => {
        if (operation === 'create' && key.startsWith(layout.bulkPrefix) && !interrupted) {
          interrupted = true;
          void insertAccount(database, 'meanwhile');
          return { kind: 'delay', ms: 1000 };
        }
        return null;
      },
    });
    const engine = await openEngine(interrupting);
    await importRows(engine, 0, 10);
    expect(await accountIds(database)).toHaveLength(11);
    expect(await count(engine)).toBe(11);
  });

  it('leaves the replica as it was when its work fails', async () => {
    const store = createMemoryStore({ runtime });
    await insertAccount(await openDatabase({ store }), 'a');
    const engine = await openEngine(store);
    await expect(
      engine.writeBulk((session) => session.execute('DELETE FROM accounts; SELECT error($$no$$)')),
    ).rejects.toThrow(/no/);
    expect(await count(engine)).toBe(1);
    expect((await store.list(layout.bulkPrefix)).objects).toEqual([]);
  });

  it('is refused when the state that it names is damaged, until a snapshot lies beyond it', async () => {
    const store = createMemoryStore({ runtime });
    const database = await openDatabase({ store });
    const engine = await openEngine(store);
    await importRows(engine, 0, 10);
    const damaged = withFaults(store, {
      runtime,
      choose: (operation, key) =>
        operation === 'get' && key.startsWith(layout.bulkPrefix) ? { kind: 'corrupt' } : null,
    });
    await expect(openEngine(damaged)).rejects.toMatchObject({ kind: 'corrupt' });
    await engine.sync();
    expect(await count(await openEngine(damaged))).toBe(10);
    expect(await accountIds(database)).toHaveLength(10);
  });
});
