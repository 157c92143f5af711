/**
 * A store whose every operation begins later by a fixed time: a far store, for benchmarks.
 */
import type { Runtime } from '../../../lib/runtime.ts';
import { withFaults } from './faults.ts';
import type { Store } from '../../../lib/store/store.ts';

export function withLatency(store: Store, { ms, runtime }: { readonly ms: number; readonly runtime: Runtime }): Store {
  return withFaults(store, { runtime, choose: () => ({ kind: 'delay', ms }) });
}
