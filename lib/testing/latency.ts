/**
 * A store whose every operation begins later by a fixed time: a far store, for benchmarks.
 */
import { type Runtime, systemRuntime } from '../runtime.ts';
import { withFaults } from './faults.ts';
import type { Store } from '../store/store.ts';

/** @example withLatency(createMemoryStore(), { ms: 30 }) */
export function withLatency(
  store: Store,
  { ms, runtime = systemRuntime }: { readonly ms: number; readonly runtime?: Runtime },
): Store {
  return withFaults(store, { runtime, choose: () => ({ kind: 'delay', ms }) });
}
