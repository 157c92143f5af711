import { waitAtMost } from '../../async/deadline.ts';
import type { Runtime } from '../../runtime.ts';

/** Together a request stays under ten seconds, so that a fallback can take over within it. */
export interface Limits {
  /** Until a connection is open, or one of the pool is free. */
  readonly connectMs: number;
  /** Until the server answers the beginning of a transaction; one that lives does so at once. */
  readonly beginMs: number;
  /** A read or write from its beginning to the sending of COMMIT. */
  readonly operationMs: number;
  /** At least this long COMMIT is waited for. */
  readonly commitMs: number;
  /** A write whose COMMIT was not answered: from its beginning until its outcome counts as unknown. */
  readonly outcomeMs: number;
  readonly migrationMs: number;
  /** How often a transaction runs that others got in the way of. */
  readonly attempts: number;
  readonly maxConnections: number;
  /** How long an unused connection is kept; Vercel keeps an instance awake for it. */
  readonly idleMs: number;
  readonly retainMs: number;
}

export const defaultLimits: Limits = {
  connectMs: 3500,
  beginMs: 2000,
  operationMs: 6500,
  commitMs: 1500,
  outcomeMs: 9500,
  migrationMs: 120_000,
  attempts: 12,
  maxConnections: 10,
  idleMs: 5000,
  retainMs: 24 * 3600 * 1000,
};

class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

export async function within<T>(runtime: Runtime, ms: number, result: Promise<T>, signal?: AbortSignal): Promise<T> {
  const waited = await waitAtMost(runtime, Math.max(ms, 0), result, signal);
  if (waited.inTime) return waited.value;
  throw new NoAnswer(`PostgreSQL did not answer within ${Math.round(ms)} ms.`);
}
