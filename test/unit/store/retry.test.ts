/** What retrying repeats, for how long, and what it makes of an outcome that is not known. */
import { describe, expect, it } from 'vitest';
import { type Fault, withFaults } from '../../../lib/testing/faults.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import { type RetryOptions, withRetry } from '../../../lib/store/retry.ts';
import { textOf } from '../../../lib/testing/conformance/support.ts';
import { type SleepingOptions, sleepingRuntime } from '../../support/sleeping-runtime.ts';

const bytes = textOf('abcdefghij');

interface Setting extends Partial<RetryOptions> {
  readonly sleeping?: SleepingOptions;
}

/** A store whose operations meet the faults in turn, behind a retry; what was tried, and how long it paused. */
function retrying(faults: Fault[], { sleeping = { random: () => 1 }, ...options }: Setting = {}) {
  const runtime = sleepingRuntime(sleeping);
  const inner = createMemoryStore({ runtime });
  const tried = { count: 0 };
  const faulty = withFaults(inner, {
    runtime,
    choose: () => {
      tried.count++;
      return faults.shift() ?? null;
    },
  });
  return { store: withRetry(faulty, { runtime, ...options }), inner, tried, pauses: runtime.pauses };
}

const away = (times: number): Fault[] => Array.from({ length: times }, () => ({ kind: 'fail-before' as const }));

describe('retry', () => {
  it('tries again what was unavailable, with pauses that double', async () => {
    const { store, tried, pauses } = retrying([...away(1), { kind: 'disk-full' }, ...away(1)], { firstPauseMs: 10 });
    expect(await store.create('a', bytes)).toBe('created');
    expect(tried.count).toBe(4);
    expect(pauses).toEqual([10, 20, 40]);
  });

  it.each([true, false])('gives up at its deadline with the last error (the clock moves: %s)', async (moves) => {
    const { store, pauses } = retrying(away(100), {
      sleeping: { random: () => 1, moves },
      firstPauseMs: 100,
      deadlineMs: 1000,
    });
    await expect(store.head('a')).rejects.toMatchObject({ kind: 'unavailable' });
    expect(pauses).toEqual([100, 200, 400]);
  });

  it('does not repeat what is refused', async () => {
    const { store, tried } = retrying([{ kind: 'denied' }]);
    await expect(store.create('a', bytes)).rejects.toMatchObject({ kind: 'denied' });
    expect(tried.count).toBe(1);
  });

  it('meets its own first attempt: exists, and the bytes are ours', async () => {
    const { store, inner } = retrying([{ kind: 'fail-after' }]);
    expect(await store.create('a', bytes)).toBe('exists');
    expect(await inner.get('a')).toEqual(bytes);
  });

  it('stays unsure when an attempt may have taken effect and the next is refused', async () => {
    const { store } = retrying([{ kind: 'fail-after' }, { kind: 'denied' }]);
    await expect(store.create('a', bytes)).rejects.toMatchObject({ kind: 'indeterminate' });
  });

  it('reads again what was cut off', async () => {
    const { store, inner, tried } = retrying([{ kind: 'cut' }, { kind: 'cut' }]);
    await inner.create('a', bytes);
    expect(await store.get('a')).toEqual(bytes);
    expect(tried.count).toBe(3);
  });

  it('stops waiting when the signal is aborted, with the error that it had', async () => {
    const aborting = new AbortController();
    const { store, tried } = retrying(away(9), { sleeping: { during: () => aborting.abort(new Error('enough')) } });
    await expect(store.head('a', { signal: aborting.signal })).rejects.toThrow('could not be reached');
    expect(tried.count).toBe(1);
  });
});
