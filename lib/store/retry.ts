import { type AppError, isAppError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import type { OperationOptions, Store } from './store.ts';

export interface RetryOptions {
  readonly runtime: Runtime;
  /** No attempt begins later than this after the first, in ms. One that is under way is not cut off. Default 8,000. */
  readonly deadlineMs?: number;
  /** Longest pause before the second attempt, in ms; it doubles each time. At least half of it is waited. Default 50. */
  readonly firstPauseMs?: number;
  /** Longest pause at all, in ms, unless the error asks for a longer one. Default 2,000. */
  readonly mostPauseMs?: number;
}

export function withRetry(store: Store, options: RetryOptions): Store {
  const { runtime, deadlineMs = 8000, firstPauseMs = 50, mostPauseMs = 2000 } = options;
  const attempt = async <T>(work: () => Promise<T>, { signal }: OperationOptions = {}): Promise<T> => {
    const beganMs = runtime.monotonicMs();
    let pausedMs = 0;
    let unsure: AppError | null = null;
    for (let pauses = 0; ; pauses++) {
      try {
        return await work();
      } catch (error) {
        if (isAppError(error, 'indeterminate')) unsure = error;
        const final = unsure ?? error;
        if (!isAppError(error, 'unavailable', 'indeterminate') || signal?.aborted) throw final;
        const longestMs = Math.min(mostPauseMs, firstPauseMs * 2 ** pauses);
        const pauseMs = Math.max(longestMs * (0.5 + runtime.random() / 2), error.retryAfterMs ?? 0);
        // The pauses count even if the clock stood still: an outage always comes to its end here.
        if (Math.max(runtime.monotonicMs() - beganMs, pausedMs) + pauseMs > deadlineMs) throw final;
        pausedMs += pauseMs;
        await runtime.sleep(pauseMs, signal).catch(() => Promise.reject(final as Error));
      }
    }
  };
  return {
    location: store.location,
    create: (key, body, operation) => attempt(() => store.create(key, body, operation), operation),
    get: (key, operation) => attempt(() => store.get(key, operation), operation),
    head: (key, operation) => attempt(() => store.head(key, operation), operation),
    list: (prefix, operation) => attempt(() => store.list(prefix, operation), operation),
    copy: (from, to, operation) => attempt(() => store.copy(from, to, operation), operation),
    delete: (keys, operation) => attempt(() => store.delete(keys, operation), operation),
  };
}
