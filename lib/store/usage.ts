import { AsyncLocalStorage } from 'node:async_hooks';
import type { Runtime } from '../runtime.ts';

type Tally = { -readonly [count in keyof UsageCounts]: number };

function newTally(): Tally {
  return { write: 0, read: 0, free: 0, bytesUp: 0, bytesDown: 0 };
}

function add(tally: Tally, request: SentRequest): void {
  tally[request.class]++;
  tally.bytesUp += request.bytesUp;
  tally.bytesDown += request.bytesDown;
}

const tracked = new AsyncLocalStorage<Tally>();

export interface UsageReport extends UsageCounts {
  /** Milliseconds before now. */
  readonly sinceMs: number;
  readonly month?: MonthEstimate | null;
}

/** What a store is sent from now on; `isBlob`: with an estimate of a month, since Vercel's plans are known. */
export function createUsage(
  runtime: Pick<Runtime, 'monotonicMs'>,
  isBlob: boolean,
): { readonly meter: Meter; readonly report: () => UsageReport } {
  const all = newTally();
  const beganMs = runtime.monotonicMs();
  return {
    meter: (request) => {
      add(all, request);
      const tally = tracked.getStore();
      if (tally) add(tally, request);
    },
    report: () => {
      const sinceMs = runtime.monotonicMs() - beganMs;
      return { sinceMs: Math.round(sinceMs), ...all, ...(isBlob && { month: estimateMonth(all, sinceMs) }) };
    },
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

interface PlanLimits {
  /** `put`, `copy`, `list`, and each part of a large upload. */
  readonly advancedOperations: number;
  /** `head`, and reads that miss the cache. */
  readonly simpleOperations: number;
  readonly transferBytes: number;
}

const gigabyte = 1_000_000_000;

/** https://vercel.com/docs/vercel-blob/usage-and-pricing, read in November 2026. */
const included: Readonly<Record<'hobby' | 'pro', PlanLimits>> = {
  hobby: { advancedOperations: 2000, simpleOperations: 10_000, transferBytes: 10 * gigabyte },
  pro: { advancedOperations: 10_000, simpleOperations: 100_000, transferBytes: 100 * gigabyte },
};

export interface MonthEstimate extends PlanLimits {
  readonly basisMs: number;
  readonly included: typeof included;
}

const monthMs = 30 * 24 * 3_600_000;
const leastBasisMs = 60_000;

function estimateMonth(counts: UsageCounts, elapsedMs: number): MonthEstimate | null {
  if (elapsedMs < leastBasisMs) return null;
  const inMonth = (count: number): number => Math.round((count * monthMs) / elapsedMs);
  return {
    basisMs: Math.round(elapsedMs),
    advancedOperations: inMonth(counts.write),
    simpleOperations: inMonth(counts.read),
    transferBytes: inMonth(counts.bytesDown),
    included,
  };
}

/**
 * The classes that all three clouds bill by: `write` (S3: PUT, COPY, POST, LIST; GCS: class A; Blob: advanced), `read`
 * (S3: GET, HEAD; GCS: class B; Blob: simple), `free` (S3, GCS and Blob: DELETE; S3: aborting an upload).
 */
export type RequestClass = 'write' | 'read' | 'free';

export interface SentRequest {
  readonly name: string;
  readonly class: RequestClass;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** Called once for each request that left this process, repeated ones included, when its outcome is known. */
export type Meter = (request: SentRequest) => void;

export interface UsageCounts extends Readonly<Record<RequestClass, number>> {
  readonly bytesUp: number;
  readonly bytesDown: number;
}
