/** Wrappers are stores around a store: each passes the whole suite, and does its own part. */
import { describe, expect, it } from 'vitest';
import { AppError } from '../../lib/errors.ts';
import { systemRuntime } from '../../lib/runtime.ts';
import { withCounting } from '../../lib/store/counting.ts';
import { type Fault, withFaults } from '../../lib/store/faults.ts';
import { withLatency } from '../../lib/store/latency.ts';
import { createMemoryStore } from '../../lib/store/memory.ts';
import { withPrefix } from '../../lib/store/prefix.ts';
import { withRetry } from '../../lib/store/retry.ts';
import type { Store } from '../../lib/store/store.ts';
import { movableRuntime } from '../support/engine.ts';
import { testRuntime } from '../support/runtime.ts';
import { describeStore } from './conformance.ts';

const runtime = systemRuntime;
const wrappers: Record<string, (store: Store) => Store> = {
  retry: (store) => withRetry(store, { runtime }),
  prefix: (store) => withPrefix(store, 'databases/staging'),
  counting: withCounting,
  'faults, none chosen': (store) => withFaults(store, { runtime, choose: () => null }),
  latency: (store) => withLatency(store, { ms: 0, runtime }),
};

for (const [name, wrap] of Object.entries(wrappers)) {
  describeStore({
    name,
    capabilities: {
      nestedKeys: true,
      shared: false,
      ...(name === 'prefix' ? { maxKeyBytes: 900 - 'databases/staging/'.length } : {}),
    },
    open: async () => {
      const open = () => wrap(createMemoryStore({ runtime: testRuntime() }));
      return { store: open(), reopen: async () => open() };
    },
  });
}

/** A store whose operations meet the faults in turn, and how many were tried. */
function faulty(faults: (Fault | null)[], inner = createMemoryStore({ runtime })) {
  const tried = { count: 0 };
  const store = withFaults(inner, {
    runtime,
    choose: () => {
      tried.count++;
      return faults.shift() ?? null;
    },
  });
  return { store, inner, tried };
}

/** A clock that only sleeping moves, and how long it slept. */
function sleeper() {
  const clock = movableRuntime();
  const slept: number[] = [];
  return {
    slept,
    clock: {
      ...clock,
      monotonicMs: () => slept.reduce((sum, ms) => sum + ms, 0),
      random: () => 1,
      sleep: async (ms: number) => void slept.push(ms),
    },
  };
}

const bytes = new TextEncoder().encode('abcdefghij');

async function readAll(stream: AsyncIterable<Uint8Array> | null): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream ?? []) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('retry', () => {
  it('tries again what was unavailable, with pauses that double', async () => {
    const { store, tried } = faulty([{ kind: 'fail-before' }, { kind: 'disk-full' }, { kind: 'fail-before' }]);
    const { clock, slept } = sleeper();
    expect(await withRetry(store, { runtime: clock, firstPauseMs: 10 }).create('a', bytes)).toBe('created');
    expect(tried.count).toBe(4);
    expect(slept).toEqual([10, 20, 40]);
  });

  it('gives up at its deadline with the last error', async () => {
    const { store } = faulty(Array.from({ length: 100 }, () => ({ kind: 'fail-before' as const })));
    const { clock, slept } = sleeper();
    const retrying = withRetry(store, { runtime: clock, firstPauseMs: 100, deadlineMs: 1000 });
    await expect(retrying.head('a')).rejects.toMatchObject({ kind: 'unavailable' });
    expect(slept.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(1000);
  });

  it('does not repeat what is refused', async () => {
    const { store, tried } = faulty([{ kind: 'denied' }]);
    await expect(withRetry(store, { runtime }).create('a', bytes)).rejects.toMatchObject({ kind: 'denied' });
    expect(tried.count).toBe(1);
  });

  it('meets its own first attempt: exists, and the bytes are ours', async () => {
    const { store, inner } = faulty([{ kind: 'fail-after' }]);
    expect(await withRetry(store, { runtime: sleeper().clock }).create('a', bytes)).toBe('exists');
    expect(await inner.get('a')).toEqual(bytes);
  });

  it('stays unsure when an attempt may have taken effect and the next is refused', async () => {
    const { store } = faulty([{ kind: 'fail-after' }, { kind: 'denied' }]);
    await expect(withRetry(store, { runtime: sleeper().clock }).create('a', bytes)).rejects.toMatchObject({
      kind: 'indeterminate',
    });
  });

  it('goes on where a stream broke, without a byte twice or missing', async () => {
    const { store, inner } = faulty([
      { kind: 'cut', bytes: 3 },
      { kind: 'cut', bytes: 4 },
    ]);
    await inner.create('a', bytes);
    expect(await readAll(await withRetry(store, { runtime: sleeper().clock }).read('a'))).toBe('abcdefghij');
  });
});

describe('faults', () => {
  it('do what their names say', async () => {
    const inner = createMemoryStore({ runtime });
    await inner.create('a', bytes);
    const meet = (fault: Fault) => withFaults(inner, { runtime, choose: () => fault });
    await expect(meet({ kind: 'fail-before' }).create('b', bytes)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await inner.get('b')).toBeNull();
    await expect(meet({ kind: 'fail-after' }).create('b', bytes)).rejects.toMatchObject({ kind: 'indeterminate' });
    expect(await inner.get('b')).not.toBeNull();
    await expect(meet({ kind: 'fail-after' }).get('a')).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await meet({ kind: 'answer-exists' }).create('c', bytes)).toBe('exists');
    expect(await inner.get('c')).not.toBeNull();
    expect(await readAll(await meet({ kind: 'truncate', bytes: 2 }).read('a'))).toBe('ab');
    await expect(readAll(await meet({ kind: 'cut', bytes: 2 }).read('a'))).rejects.toMatchObject({
      kind: 'unavailable',
    });
    const wrong = Buffer.from((await meet({ kind: 'corrupt' }).get('a'))!);
    expect(wrong.filter((byte, index) => byte !== bytes[index])).toHaveLength(1);
    const aborting = AbortSignal.timeout(10);
    await expect(meet({ kind: 'hang' }).head('a', { signal: aborting })).rejects.toBeInstanceOf(AppError);
  });
});

describe('counting', () => {
  it('counts operations by name, and bytes both ways', async () => {
    const store = withCounting(createMemoryStore({ runtime }));
    await store.create('a', bytes);
    await store.get('a', { range: { start: 2, end: 5 } });
    await readAll(await store.read('a'));
    await store.head('a');
    const before = store.counts();
    await store.list('');
    await store.copy('a', 'b');
    await store.delete(['a']);
    expect(before).toMatchObject({
      operations: { create: 1, get: 1, read: 1, head: 1, list: 0 },
      bytesUp: 10,
      bytesDown: 13,
    });
    expect(store.counts().operations).toMatchObject({ list: 1, copy: 1, delete: 1 });
  });
});
