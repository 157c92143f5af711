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
  const settings = { deadlineMs: 8000, firstPauseMs: 50, mostPauseMs: 2000, ...options };
  const attempt = async <T>(work: () => Promise<T>, operation: OperationOptions = {}): Promise<T> => {
    const patience = new Patience(settings, operation.signal);
    for (;;) {
      try {
        return await work();
      } catch (error) {
        await patience.wait(error);
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

class Patience {
  readonly #options: Required<RetryOptions>;
  readonly #signal: AbortSignal | undefined;
  readonly #beganMs: number;
  #pausedMs = 0;
  #pauses = 0;
  #unsure: AppError | null = null;

  constructor(options: Required<RetryOptions>, signal: AbortSignal | undefined) {
    this.#options = options;
    this.#signal = signal;
    this.#beganMs = options.runtime.monotonicMs();
  }

  async wait(error: unknown): Promise<void> {
    if (isAppError(error, 'indeterminate')) this.#unsure = error;
    const final = this.#unsure ?? error;
    const pauseMs = this.#pauseMs(error);
    if (pauseMs === null || this.#signal?.aborted) throw final;
    this.#pausedMs += pauseMs;
    this.#pauses++;
    try {
      await this.#options.runtime.sleep(pauseMs, this.#signal);
    } catch {
      throw final;
    }
  }

  #pauseMs(error: unknown): number | null {
    if (!isAppError(error, 'unavailable', 'indeterminate')) return null;
    const { runtime, firstPauseMs, mostPauseMs, deadlineMs } = this.#options;
    const longestMs = Math.min(mostPauseMs, firstPauseMs * 2 ** this.#pauses);
    const pauseMs = Math.max(longestMs * (0.5 + runtime.random() / 2), error.retryAfterMs ?? 0);
    // The pauses count even if the clock stood still: an outage always comes to its end here.
    const spentMs = Math.max(runtime.monotonicMs() - this.#beganMs, this.#pausedMs);
    return spentMs + pauseMs > deadlineMs ? null : pauseMs;
  }
}
