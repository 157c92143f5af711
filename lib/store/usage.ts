/** Counts what a store was sent, in the classes that providers bill by: of this process, and of single client requests. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { MonthEstimate } from './blob-plan.ts';
import type { Meter, SentRequest, UsageCounts } from './meter.ts';

type Tally = { -readonly [count in keyof UsageCounts]: number };

function newTally(): Tally {
  return { write: 0, read: 0, free: 0, bytesUp: 0, bytesDown: 0 };
}

function add(tally: Tally, request: SentRequest): void {
  tally[request.class]++;
  tally.bytesUp += request.bytesUp;
  tally.bytesDown += request.bytesDown;
}

/** Of the client request that is being served, if it is tracked. */
const tracked = new AsyncLocalStorage<Tally>();

export interface Usage {
  /** For the driver. */
  readonly meter: Meter;
  /** All so far. */
  counts(): UsageCounts;
}

/** What an operator is shown of it. */
export interface UsageReport extends UsageCounts {
  /** Since when this process counts, in ms before now. */
  readonly sinceMs: number;
  /** Where the provider's plans are known. */
  readonly month?: MonthEstimate | null;
}

export function createUsage(): Usage {
  const all = newTally();
  return {
    meter: (request) => {
      add(all, request);
      const tally = tracked.getStore();
      if (tally) add(tally, request);
    },
    counts: () => ({ ...all }),
  };
}

/**
 * Runs `work`, and counts what stores are sent in its course. Requests that share a commit share one write to the
 * store: it counts for the one that began it.
 */
export function trackUsage<T>(work: () => T): { readonly value: T; readonly counts: () => UsageCounts } {
  const tally = newTally();
  return { value: tracked.run(tally, work), counts: () => ({ ...tally }) };
}
