/** A store that asks for patience gets it: commits slow down and take more requests each, and no write fails. */
import { expect, it } from 'vitest';
import { systemRuntime } from '../../../lib/runtime.ts';
import { withCounting } from '../../../lib/testing/counting.ts';
import { type Fault, withFaults } from '../../../lib/testing/faults.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import { Pace } from '../../../lib/sync/pace.ts';
import { accountIds, insertAccount, openDatabase } from '../../support/engine.ts';

const runtime = systemRuntime;

/** A store on which creates of records meet what `choose` says. */
function recordsMeet(choose: () => Fault | null) {
  const inner = withCounting(createMemoryStore({ runtime }));
  const store = withFaults(inner, {
    runtime,
    choose: (operation, key) => (operation === 'create' && key.includes('.log/') ? choose() : null),
  });
  return { inner, store };
}

it('a write waits as long as the store asks, beyond the deadline of an outage', async () => {
  const faults: Fault[] = [];
  const { store } = recordsMeet(() => faults.shift() ?? null);
  const database = await openDatabase({ store, settings: { commitDeadlineMs: 20 } });
  faults.push(...Array.from({ length: 4 }, (): Fault => ({ kind: 'throttled', ms: 30 })));
  await insertAccount(database, 'a');
  expect(faults).toEqual([]);
  expect(await accountIds(database)).toEqual(['a']);
});

it('a refusal of which nothing came is said to be one when the patience ends', async () => {
  let full = false;
  const { store } = recordsMeet(() => (full ? { kind: 'throttled', ms: 30 } : null));
  const database = await openDatabase({ store, settings: { commitDeadlineMs: 20, throttledMs: 100 } });
  full = true;
  await expect(insertAccount(database, 'a')).rejects.toMatchObject({ kind: 'unavailable', retryAfterMs: 30 });
  full = false;
  await insertAccount(database, 'b');
  expect(await accountIds(database)).toEqual(['b']);
});

it('a store that asks for as long as a write may wait at all is not waited for', async () => {
  let asked = 0;
  let suspended = false;
  const { store } = recordsMeet(() => (suspended && ++asked ? { kind: 'throttled', ms: 60_000 } : null));
  const database = await openDatabase({ store });
  suspended = true;
  await expect(insertAccount(database, 'a')).rejects.toMatchObject({ kind: 'unavailable', retryAfterMs: 60_000 });
  expect(asked).toBe(1);
  suspended = false;
  await insertAccount(database, 'b');
  expect(await accountIds(database)).toEqual(['b']);
}, 10_000);

it('more requests share a commit', async () => {
  let busy = 0;
  const { store, inner } = recordsMeet(() => (busy-- > 0 ? { kind: 'throttled', ms: 1 } : null));
  const database = await openDatabase({ store });
  const commits = async (waitFor: (write: Promise<unknown>) => Promise<unknown>): Promise<number> => {
    const before = inner.counts().operations.create;
    const writes: Promise<unknown>[] = [];
    for (let index = 0; index < 20; index++) {
      writes.push(insertAccount(database, `${before}-${index}`));
      await waitFor(writes.at(-1)!);
    }
    await Promise.all(writes);
    return inner.counts().operations.create - before;
  };
  // On a machine that is busy itself, what comes soon after another shares its commit anyway.
  const unhurried = await commits((write) => write);
  busy = 3;
  expect(await commits(() => runtime.sleep(4))).toBeLessThan(unhurried / 2);
});

it('the pause grows by doubling to five seconds, and goes when the store has recovered', () => {
  const pace = new Pace();
  const pauses = Array.from({ length: 8 }, () => {
    pace.slow();
    return pace.pauseMs;
  });
  expect(pauses).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  for (let commit = 0; commit < 8; commit++) pace.ease();
  expect(pace.pauseMs).toBe(0);
});
