/** For tests of what uses Eider: stores that are quick, slow or faulty, and what is asked of a store of one's own. */
export { type CountingStore, type Counts, type OperationName, withCounting } from './counting.ts';
export { type Fault, type FaultOptions, withFaults } from './faults.ts';
export { withLatency } from './latency.ts';
export { createMemoryStore } from './memory.ts';
export { withPrefix } from './prefix.ts';
