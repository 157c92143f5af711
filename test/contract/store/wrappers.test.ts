import { type Runtime, systemRuntime } from '../../../lib/runtime.ts';
import { withCounting } from '../../../lib/testing/counting.ts';
import { type Fault, withFaults } from '../../../lib/testing/faults.ts';
import { withLatency } from '../../../lib/testing/latency.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import { withPrefix } from '../../../lib/testing/prefix.ts';
import { withRetry } from '../../../lib/store/retry.ts';
import type { Store } from '../../../lib/store/store.ts';
import { withTimeLimits } from '../../../lib/store/time-limit.ts';
import { seededRandom, testRuntime } from '../../support/runtime.ts';
import { describeStore, type ConformanceOptions } from '../../../lib/testing/conformance.ts';
import { directoryStore, makeFolder, removeFolder } from '../../support/places/directory.ts';
import { sleepingRuntime } from '../../support/sleeping-runtime.ts';

type Wrap = (store: Store) => Store;

/** Its pauses are skipped, also those that could be ended. */
const runtime: Runtime = { ...testRuntime(), sleep: async () => undefined };
const inMemory = { nestedKeys: true, shared: true };

/** `wrap` around a memory store; another client wraps the same one. */
function describeWrapper(name: string, wrap: Wrap, options: Partial<ConformanceOptions> = {}): void {
  describeStore({
    name,
    capabilities: inMemory,
    open: async () => {
      const inner = createMemoryStore({ runtime });
      return { store: wrap(inner), reopen: async () => wrap(inner) };
    },
    ...options,
  });
}

/** One call in four fails before it happens, and one read in three is cut. */
const unreliable: Wrap = (store) => {
  const random = seededRandom(1);
  const choose = (operation: string): Fault | null => {
    if (random() < 0.25) return { kind: 'fail-before' };
    return operation === 'get' && random() < 0.33 ? { kind: 'cut' } : null;
  };
  return withFaults(store, { runtime, choose });
};

describeWrapper('counting', withCounting);
describeWrapper('faults, none of them chosen', (store) => withFaults(store, { runtime, choose: () => null }));
describeWrapper('latency', (store) => withLatency(store, { ms: 0.1, runtime: systemRuntime }), {
  raceRounds: 3,
  modelRuns: 3,
});
describeWrapper('time limits', (store) => withTimeLimits(store, systemRuntime));
describeWrapper('retry', (store) => withRetry(store, { runtime }));
describeWrapper('retry around a store that fails now and then', (store) => withRetry(unreliable(store), { runtime }));
describeWrapper('all of them together', (store) =>
  withCounting(withRetry(unreliable(withCounting(store)), { runtime })),
);

/** Beside it lie objects that must never show: in the folder's own name, before, after and around it. */
async function withNeighbours(store: Store): Promise<Store> {
  for (const key of ['a', 'base/stagin', 'base/staging-2/a', 'base/staging0', 'zz/base/staging/a']) {
    await store.create(key, new Uint8Array([1]));
  }
  return store;
}

describeStore({
  name: 'prefix',
  // The longest keys do not fit below another folder.
  capabilities: { ...inMemory, maxKeyBytes: 900 - 'base/staging/'.length },
  open: async () => {
    const inner = await withNeighbours(createMemoryStore({ runtime }));
    const open = (): Store => withPrefix(inner, 'base/staging');
    return { store: open(), reopen: async () => open() };
  },
});

describeStore({
  name: 'prefix and retry around a directory, as it is used',
  capabilities: { nestedKeys: false, shared: true, maxKeyBytes: 900 - 'base/staging/'.length },
  raceRounds: 5,
  modelRuns: 10,
  open: async () => {
    const folder = await makeFolder();
    await withNeighbours(directoryStore(folder));
    const open = (): Store =>
      withRetry(withPrefix(directoryStore(folder), 'base/staging'), { runtime: sleepingRuntime() });
    return { store: open(), reopen: async () => open(), close: () => removeFolder(folder) };
  },
});
