/**
 * What Vercel's plans include of Vercel Blob in a month, and an estimate of a month at the present rate.
 * https://vercel.com/docs/vercel-blob/usage-and-pricing (read in November 2026)
 */
import type { UsageCounts } from './meter.ts';

export interface PlanLimits {
  /** `put`, `copy`, `list`, and each part of a large upload. */
  readonly advancedOperations: number;
  /** `head`, and reads that miss the cache. */
  readonly simpleOperations: number;
  readonly transferBytes: number;
}

const gigabyte = 1_000_000_000;

const included: Readonly<Record<'hobby' | 'pro', PlanLimits>> = {
  hobby: { advancedOperations: 2000, simpleOperations: 10_000, transferBytes: 10 * gigabyte },
  pro: { advancedOperations: 10_000, simpleOperations: 100_000, transferBytes: 100 * gigabyte },
};

export interface MonthEstimate extends PlanLimits {
  /** What the estimate rests on, in ms. */
  readonly basisMs: number;
  readonly included: typeof included;
}

const monthMs = 30 * 24 * 3_600_000;
/** Less is too short for an estimate. */
const leastBasisMs = 60_000;

/** A month like the `elapsedMs` in which `counts` came about; null when that is too short. */
export function estimateBlobMonth(counts: UsageCounts, elapsedMs: number): MonthEstimate | null {
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
