/** The rules that always hold (docs/architecture.md), each with a test that fails when it is broken. */
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../lib/errors.ts';
import { systemRuntime } from '../../../lib/runtime.ts';
import { withCounting } from '../../../lib/testing/counting.ts';
import { type Fault, withFaults } from '../../../lib/testing/faults.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import type { Store } from '../../../lib/store/store.ts';
import { layoutOf } from '../../../lib/sync/layout.ts';
import { decodeRecord, encodeRecord, recordFormat, type LogRecord } from '../../../lib/sync/record.ts';
import { accountIds, insertAccount, movableRuntime, openDatabase } from '../../support/engine.ts';

const runtime = systemRuntime;
const layout = layoutOf('test.db');
const hour = 3_600_000;

async function readRecord(store: Store, version: number): Promise<LogRecord | null> {
  const key = layout.recordKey(version);
  const bytes = await store.get(key);
  return bytes && decodeRecord(bytes, key, version);
}

/** A store whose next operations on records meet the given faults, one each. */
function faultyLog(inner: Store, faults: Fault[]) {
  return withFaults(inner, {
    runtime,
    choose: (operation, key) =>
      operation === 'create' && key.startsWith(layout.logPrefix) ? (faults.shift() ?? null) : null,
  });
}

describe('rule 1: a write is committed exactly when its record exists', () => {
  it('has the record in the store when it answers', async () => {
    const store = createMemoryStore({ runtime });
    const database = await openDatabase({ store });
    const version = await insertAccount(database, 'a', 5);
    const record = await readRecord(store, version);
    expect(record?.changes).toEqual([
      { table: 'accounts', put: [{ id: 'a', owner: 'owner of a', balance: 5 }], fresh: true },
    ]);
  });

  it('is not committed, not even locally, when the record was refused', async () => {
    const faults: Fault[] = [];
    const store = faultyLog(createMemoryStore({ runtime }), faults);
    const database = await openDatabase({ store });
    faults.push({ kind: 'denied' });
    await expect(insertAccount(database, 'a')).rejects.toMatchObject({ kind: 'denied' });
    expect(await accountIds(database)).toEqual([]);
    await insertAccount(database, 'b');
    expect(await accountIds(database)).toEqual(['b']);
  });

  it('tells of the error that spoiled a write, also when the work went on after it', async () => {
    const database = await openDatabase({ store: createMemoryStore({ runtime }) });
    await insertAccount(database, 'a');
    const write = database.write(async (queries) => {
      const values = { owner: null, balance: 0 };
      await queries
        .insertInto('accounts')
        .values({ id: 'a', ...values })
        .execute()
        .catch(() => undefined);
      await queries
        .insertInto('accounts')
        .values({ id: 'b', ...values })
        .execute();
    });
    await expect(write).rejects.toMatchObject({ kind: 'conflict' });
    expect(await accountIds(database)).toEqual(['a']);
  });

  it('gives one commit to requests that come together, and each its own answer', async () => {
    const store = withCounting(createMemoryStore({ runtime }));
    const database = await openDatabase({ store });
    const first = insertAccount(database, 'first');
    const before = store.counts().operations.create;
    const rest = await Promise.allSettled(['a', 'b', 'b', 'c', 'a'].map((id) => insertAccount(database, id)));
    await first;
    expect(rest.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'rejected']);
    expect(rest[2]).toMatchObject({ reason: { kind: 'conflict' } });
    expect(store.counts().operations.create - before).toBeLessThanOrEqual(2);
    expect(await accountIds(database)).toEqual(['a', 'b', 'c', 'first']);
  });

  it('leaves nothing of a request that failed after it had written', async () => {
    const database = await openDatabase({ store: createMemoryStore({ runtime }) });
    const failing = database.write(async (queries) => {
      await queries.insertInto('accounts').values({ id: 'x', balance: 1 }).execute();
      throw new AppError('conflict', 'changed my mind');
    });
    const good = insertAccount(database, 'y');
    await expect(failing).rejects.toThrow('changed my mind');
    await good;
    expect(await accountIds(database)).toEqual(['y']);
  });

  it('does not let a request go on after a statement of its own failed', async () => {
    const database = await openDatabase({ store: createMemoryStore({ runtime }) });
    await insertAccount(database, 'a');
    const swallowing = database.write(async (queries) => {
      await queries.insertInto('accounts').values({ id: 'b', balance: 1 }).execute();
      await queries
        .insertInto('accounts')
        .values({ id: 'a', balance: 1 })
        .execute()
        .catch(() => undefined);
    });
    await expect(swallowing).rejects.toMatchObject({ kind: 'conflict' });
    expect(await accountIds(database)).toEqual(['a']);
  });
});

describe('rule 2: a record is applied only on top of the one that it names', () => {
  it('starts anew rather than apply a record of another history', async () => {
    const inner = createMemoryStore({ runtime });
    const database = await openDatabase({ store: inner });
    const version = await insertAccount(database, 'a');
    const record = (await readRecord(inner, version))!;
    const stranger = { ...record, version: version + 1, id: 'other', previous: 'not the one before', changes: [] };
    await inner.create(layout.recordKey(version + 1), encodeRecord(stranger));
    await expect(accountIds(database)).rejects.toMatchObject({ kind: 'corrupt' });
  });

  it('refuses the log of another database', async () => {
    const inner = createMemoryStore({ runtime });
    const database = await openDatabase({ store: inner });
    const version = await insertAccount(database, 'a');
    const record = (await readRecord(inner, version))!;
    const stranger = { ...record, version: version + 1, id: 'other', previous: record.id, database: 'another' };
    await inner.create(layout.recordKey(version + 1), encodeRecord(stranger));
    await expect(accountIds(database)).rejects.toMatchObject({ kind: 'corrupt' });
  });

  it('goes back to the base that record 1 names', async () => {
    const inner = createMemoryStore({ runtime });
    const record: LogRecord = {
      format: recordFormat,
      database: 'd',
      version: 1,
      id: 'r1',
      previous: 'sha256:gone',
      time: '',
      writer: '',
      changes: [],
    };
    await inner.create(layout.recordKey(1), encodeRecord(record));
    await expect(openDatabase({ store: inner })).rejects.toMatchObject({ kind: 'corrupt' });
  });
});

describe('rule 3: of two commits with one number, one wins, and the other runs again', () => {
  it('loses no write of two databases that write at once', async () => {
    const store = createMemoryStore({ runtime });
    const [a, b] = await Promise.all([openDatabase({ store }), openDatabase({ store })]);
    const ids = Array.from({ length: 40 }, (_, index) => `id${String(index).padStart(2, '0')}`);
    await Promise.all(ids.map((id, index) => insertAccount(index % 2 ? a : b, id)));
    expect(await accountIds(a)).toEqual(ids);
    expect(await accountIds(b)).toEqual(ids);
  });

  it('keeps read-modify-write atomic between databases', async () => {
    const store = createMemoryStore({ runtime });
    const both = await Promise.all([openDatabase({ store }), openDatabase({ store })]);
    await insertAccount(both[0], 'counter', 0);
    const increment = (index: number) =>
      both[index % 2]!.write(async (queries) => {
        const { balance } = await queries
          .selectFrom('accounts')
          .select('balance')
          .where('id', '=', 'counter')
          .executeTakeFirstOrThrow();
        await queries
          .updateTable('accounts')
          .set({ balance: Number(balance) + 1 })
          .where('id', '=', 'counter')
          .execute();
      });
    await Promise.all(Array.from({ length: 30 }, (_, index) => increment(index)));
    const { value } = await both[1].read((queries) =>
      queries.selectFrom('accounts').select('balance').executeTakeFirst(),
    );
    expect(value).toEqual({ balance: 30 });
  });

  it('does not answer a request with an error that an outdated replica gave it', async () => {
    const store = createMemoryStore({ runtime });
    const [a, b] = await Promise.all([openDatabase({ store }), openDatabase({ store })]);
    await insertAccount(a, 'x');
    await a.write((queries) => queries.deleteFrom('accounts').where('id', '=', 'x').execute());
    await insertAccount(a, 'y');
    // b has seen none of this: to it, y is absent.
    const update = await b.write(async (queries) => {
      const found = await queries.selectFrom('accounts').select('id').where('id', '=', 'y').executeTakeFirst();
      if (!found) throw new AppError('not-found', 'no such account');
      return found;
    });
    expect(update.value).toEqual({ id: 'y' });
  });
});

describe('rule 4: an unknown outcome is neither success nor conflict', () => {
  it('recognises its own record when the answer was lost', async () => {
    const faults: Fault[] = [];
    const inner = createMemoryStore({ runtime });
    const database = await openDatabase({ store: faultyLog(inner, faults) });
    faults.push({ kind: 'fail-after' });
    const version = await insertAccount(database, 'a');
    expect(await accountIds(database)).toEqual(['a']);
    expect(await readRecord(inner, version + 1)).toBeNull();
  });

  it("recognises its own record when the store's client had repeated the create and says that it exists", async () => {
    const faults: Fault[] = [];
    const inner = createMemoryStore({ runtime });
    const database = await openDatabase({ store: faultyLog(inner, faults) });
    faults.push({ kind: 'answer-exists' });
    const version = await insertAccount(database, 'a', 3);
    expect(await readRecord(inner, version + 1)).toBeNull();
    const { value } = await database.read((queries) => queries.selectFrom('accounts').selectAll().execute());
    expect(value).toEqual([{ id: 'a', owner: 'owner of a', balance: 3 }]);
  });

  it('says so when the store never tells, and takes up what turns out to be committed', async () => {
    const inner = createMemoryStore({ runtime });
    let deaf: 'no' | 'after the next create' | 'yes' = 'no';
    const store = withFaults(inner, {
      runtime,
      choose: (operation, key) => {
        if (deaf === 'no' || !key.startsWith(layout.logPrefix)) return null;
        if (operation === 'create') deaf = 'yes';
        if (deaf !== 'yes') return null;
        return { kind: operation === 'create' ? 'fail-after' : 'fail-before' };
      },
    });
    const database = await openDatabase({ store, settings: { commitDeadlineMs: 200 } });
    deaf = 'after the next create';
    await expect(insertAccount(database, 'a')).rejects.toMatchObject({ kind: 'indeterminate' });
    await expect(accountIds(database)).rejects.toMatchObject({ kind: 'unavailable' });
    deaf = 'no';
    expect(await accountIds(database)).toEqual(['a']);
    await insertAccount(database, 'b');
    expect(await accountIds(database)).toEqual(['a', 'b']);
  });

  it('commits once when the store fails for a while and then answers', async () => {
    const faults: Fault[] = [{ kind: 'fail-before' }, { kind: 'fail-after' }, { kind: 'fail-before' }];
    const inner = createMemoryStore({ runtime });
    const database = await openDatabase({ store: faultyLog(inner, faults) });
    await insertAccount(database, 'a');
    expect(faults).toEqual([]);
    expect(await accountIds(database)).toEqual(['a']);
  });
});

describe('rule 5: a record is dropped only when two snapshots cover it and it is old', () => {
  it('drops on the way of a sync what is old, and the database starts without it', async () => {
    const clock = movableRuntime();
    const store = createMemoryStore({ runtime: clock });
    const database = await openDatabase({ store, runtime: clock });
    for (const id of ['a', 'b', 'c']) await insertAccount(database, id);
    await database.sync();
    clock.advance(12 * hour);
    await insertAccount(database, 'd');
    await database.sync();
    clock.advance(13 * hour);
    await insertAccount(database, 'e');
    const report = await database.sync();
    // Records 1 to 4 are older than a day and under both settled snapshots; record 5 is under the second only.
    expect(report.dropped.records).toBe(4);
    expect(await readRecord(store, 4)).toBeNull();
    expect(await readRecord(store, 5)).not.toBeNull();
    const other = await openDatabase({ store, runtime: clock });
    expect(await accountIds(other)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });
});

describe('rule 6: an instance that slept proves itself at the head before it says so', () => {
  async function sleepThroughRetention() {
    const clock = movableRuntime();
    const sleeperClock = movableRuntime();
    const store = createMemoryStore({ runtime: clock });
    const sleeper = await openDatabase({ store, runtime: sleeperClock });
    await insertAccount(sleeper, 'before');
    const other = await openDatabase({ store, runtime: clock });
    for (let index = 0; index < 3; index++) {
      await insertAccount(other, `meanwhile${index}`);
      await other.sync();
      clock.advance(2 * hour);
    }
    clock.advance(25 * hour);
    await insertAccount(other, 'meanwhile3');
    await other.sync();
    const version = (await sleeper.status()).version;
    expect(await readRecord(store, version + 1)).toBeNull();
    return { store, clock, sleeper, sleeperClock, other, version };
  }
  const all = ['before', 'meanwhile0', 'meanwhile1', 'meanwhile2', 'meanwhile3'];

  it.each(['advance', 'wall', 'monotonic'] as const)(
    'does not serve the past as the present (%s clock moved)',
    async (which) => {
      const { sleeper, sleeperClock } = await sleepThroughRetention();
      if (which !== 'monotonic') sleeperClock.wallOffsetMs += 31 * hour;
      if (which !== 'wall') sleeperClock.monotonicOffsetMs += 31 * hour;
      expect(await accountIds(sleeper)).toEqual(all);
    },
  );

  it('does not commit into the part of the log that was dropped', async () => {
    const { store, sleeper, sleeperClock, version } = await sleepThroughRetention();
    sleeperClock.advance(31 * hour);
    await insertAccount(sleeper, 'after');
    expect(await readRecord(store, version + 1)).toBeNull();
    expect(await accountIds(sleeper)).toEqual(['after', ...all].toSorted());
  });

  it('does not answer an error of its own from the past either', async () => {
    const { sleeper, sleeperClock } = await sleepThroughRetention();
    sleeperClock.advance(31 * hour);
    await expect(insertAccount(sleeper, 'meanwhile1')).rejects.toMatchObject({ kind: 'conflict' });
  });

  it('says that it does not know, when it slept in the middle of the commit', async () => {
    const clock = movableRuntime();
    const sleeperClock = movableRuntime();
    const store = createMemoryStore({ runtime: clock });
    let asleep: (() => Promise<void>) | null = null;
    const sleeper = await openDatabase({
      store,
      runtime: sleeperClock,
      onStep: async (step) => {
        if (step === 'record-creating') await asleep?.();
      },
    });
    const other = await openDatabase({ store, runtime: clock });
    asleep = async () => {
      asleep = null;
      for (let index = 0; index < 3; index++) {
        await insertAccount(other, `meanwhile${index}`);
        await other.sync();
        clock.advance(2 * hour);
      }
      clock.advance(25 * hour);
      await insertAccount(other, 'meanwhile3');
      await other.sync();
      sleeperClock.advance(31 * hour);
    };
    await expect(insertAccount(sleeper, 'mine')).rejects.toMatchObject({ kind: 'indeterminate' });
    expect(await accountIds(sleeper)).toEqual(['meanwhile0', 'meanwhile1', 'meanwhile2', 'meanwhile3']);
    await insertAccount(sleeper, 'again');
    expect(await accountIds(other)).toEqual(['again', 'meanwhile0', 'meanwhile1', 'meanwhile2', 'meanwhile3']);
  });
});

describe('rule 7: a damaged snapshot is never used; the one before it and a longer tail are', () => {
  async function twoSnapshots() {
    const store = createMemoryStore({ runtime });
    const database = await openDatabase({ store });
    await insertAccount(database, 'a');
    await database.sync();
    await insertAccount(database, 'b');
    await database.sync();
    await insertAccount(database, 'c');
    const { objects } = await store.list(layout.snapshotPrefix);
    return { store, keys: objects.map(({ key }) => key) };
  }
  const onKeys = (keys: string[], fault: Fault) => (operation: string, key: string) =>
    operation === 'get' && keys.includes(key) ? fault : null;

  it.each<Fault>([{ kind: 'corrupt' }, { kind: 'truncate', bytes: 1000 }])(
    'goes back one snapshot ($kind)',
    async (fault) => {
      const { store, keys } = await twoSnapshots();
      expect(keys).toHaveLength(2);
      const database = await openDatabase({ store: withFaults(store, { runtime, choose: onKeys([keys[1]!], fault) }) });
      expect(await accountIds(database)).toEqual(['a', 'b', 'c']);
      expect((await database.status()).warnings.join()).toMatch(/damaged/);
    },
  );

  it('replays the whole log when every snapshot is damaged and the log is whole', async () => {
    const { store, keys } = await twoSnapshots();
    const database = await openDatabase({
      store: withFaults(store, { runtime, choose: onKeys(keys, { kind: 'corrupt' }) }),
    });
    expect(await accountIds(database)).toEqual(['a', 'b', 'c']);
  });

  it('refuses, rather than begin a new database, when nothing good is left', async () => {
    const { store, keys } = await twoSnapshots();
    await store.delete([layout.recordKey(1)]);
    const damaged = withFaults(store, { runtime, choose: onKeys(keys, { kind: 'corrupt' }) });
    await expect(openDatabase({ store: damaged })).rejects.toMatchObject({ kind: 'corrupt' });
  });

  it('never serves a state below a snapshot that it cannot reach', async () => {
    const { store, keys } = await twoSnapshots();
    await store.delete([layout.recordKey(3)]);
    const damaged = withFaults(store, { runtime, choose: onKeys([keys[1]!], { kind: 'corrupt' }) });
    await expect(openDatabase({ store: damaged })).rejects.toMatchObject({ kind: 'corrupt' });
  });
});

describe('rule 8: nothing is swallowed', () => {
  it.each(['head', 'get', 'list'] as const)(
    'an outage of %s at start is an outage, not a new database',
    async (broken) => {
      const store = createMemoryStore({ runtime });
      await insertAccount(await openDatabase({ store }), 'a');
      const away = withFaults(store, {
        runtime,
        choose: (operation) => (operation === broken ? { kind: 'fail-before' } : null),
      });
      await expect(openDatabase({ store: away })).rejects.toMatchObject({ kind: 'unavailable' });
    },
  );

  it('a read during an outage fails; within its staleness bound it is served', async () => {
    const store = createMemoryStore({ runtime });
    let away = false;
    const database = await openDatabase({
      store: withFaults(store, { runtime, choose: () => (away ? { kind: 'fail-before' } : null) }),
    });
    await insertAccount(database, 'a');
    away = true;
    await expect(accountIds(database)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await accountIds(database, { maxStalenessMs: 60_000 })).toEqual(['a']);
    away = false;
    expect(await accountIds(database)).toEqual(['a']);
  });

  it('a damaged record is reported, and is passed over when a snapshot lies beyond it', async () => {
    const store = createMemoryStore({ runtime });
    const writer = await openDatabase({ store });
    const first = await insertAccount(writer, 'a');
    const damaged = withFaults(store, {
      runtime,
      choose: (operation, key) => (operation === 'get' && key === layout.recordKey(first) ? { kind: 'corrupt' } : null),
    });
    await expect(openDatabase({ store: damaged })).rejects.toMatchObject({
      kind: 'corrupt',
      message: expect.stringContaining(layout.recordKey(first)) as unknown,
    });
    await insertAccount(writer, 'b');
    await writer.sync();
    expect(await accountIds(await openDatabase({ store: damaged }))).toEqual(['a', 'b']);
  });
});

describe('fresh reads', () => {
  it('cost a cold start one list, and a checkpoint another', async () => {
    const store = createMemoryStore({ runtime });
    const writer = await openDatabase({ store });
    await insertAccount(writer, 'a');
    await writer.sync();
    const counting = withCounting(store);
    const cold = await openDatabase({ store: counting });
    await accountIds(cold);
    const started = counting.counts().operations;
    expect([started.list, started.copy, started.create]).toEqual([1, 0, 0]);
    for (let round = 0; counting.counts().operations.copy < 3; round++) {
      await insertAccount(cold, 'x'.repeat(1_000_000) + String(round));
      await cold.maintain();
    }
    // The first checkpoint looks for what is no longer needed, which takes two more.
    expect(counting.counts().operations.list - started.list).toBe(3 + 2);
  });

  it('see every commit of another database, and share one probe', async () => {
    const store = createMemoryStore({ runtime });
    const counting = withCounting(store);
    const [writer, reader] = [await openDatabase({ store }), await openDatabase({ store: counting })];
    for (const id of ['a', 'b', 'c']) {
      await insertAccount(writer, id);
      expect(await accountIds(reader)).toContain(id);
    }
    const before = counting.counts().operations.head;
    await Promise.all(Array.from({ length: 20 }, () => accountIds(reader)));
    expect(counting.counts().operations.head - before).toBeLessThanOrEqual(2);
  });

  it('with a bookmark see at least its version, and refuse one from another database', async () => {
    const store = createMemoryStore({ runtime });
    const [writer, reader] = [await openDatabase({ store }), await openDatabase({ store })];
    const version = await insertAccount(writer, 'a');
    expect(await accountIds(reader, { atLeast: version, maxStalenessMs: 60_000 })).toEqual(['a']);
    await expect(accountIds(reader, { atLeast: 1000 })).rejects.toMatchObject({ kind: 'invalid' });
  });

  it('do not wait for a store write of their own process', async () => {
    const inner = createMemoryStore({ runtime });
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const database = await openDatabase({
      store: inner,
      onStep: async (step) => {
        if (step === 'record-creating' && (await inner.head(layout.recordKey(2)))) await held;
      },
    });
    await insertAccount(database, 'a');
    const slow = insertAccount(database, 'b');
    expect(await accountIds(database)).toEqual(['a']);
    release();
    await slow;
    expect(await accountIds(database)).toEqual(['a', 'b']);
  });
});
