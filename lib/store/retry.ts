/**
 * A store that tries again what was `unavailable` or `indeterminate`, within a deadline, and goes on with a stream that
 * broke.
 *
 * Owns: how often and how long. Repeats nothing that is not safe to repeat: every operation of the contract is, since
 * `create` is conditional. The worst that can happen: a repeated `create` meets its own first attempt and answers
 * `exists`; the contract says so, and callers read back. And a refusal of a later attempt taken for the outcome of an
 * earlier one that may have taken effect: then the answer stays `indeterminate`.
 */
import { AppError, isAppError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import type { ByteRange, GetOptions, OperationOptions, Store } from './store.ts';

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
  const again = new Retrying(options);
  return {
    location: store.location,
    create: (key, body, operation) => again.attempt(() => store.create(key, body, operation), operation),
    get: (key, operation) => again.attempt(() => store.get(key, operation), operation),
    read: async (key, operation) => {
      const stream = await again.attempt(() => store.read(key, operation), operation);
      return stream && again.resume(stream, key, (range) => store.read(key, { ...operation, range }), operation);
    },
    head: (key, operation) => again.attempt(() => store.head(key, operation), operation),
    list: (prefix, operation) => again.attempt(() => store.list(prefix, operation), operation),
    copy: (from, to, operation) => again.attempt(() => store.copy(from, to, operation), operation),
    delete: (keys, operation) => again.attempt(() => store.delete(keys, operation), operation),
  };
}

class Retrying {
  readonly #options: Required<RetryOptions>;

  constructor(options: RetryOptions) {
    this.#options = { deadlineMs: 8000, firstPauseMs: 50, mostPauseMs: 2000, ...options };
  }

  async attempt<T>(work: () => Promise<T>, operation: OperationOptions = {}): Promise<T> {
    const patience = new Patience(this.#options, operation.signal);
    for (;;) {
      try {
        return await work();
      } catch (error) {
        await patience.wait(error);
      }
    }
  }

  /** Goes on where the stream broke, by a range. Safe for objects that are never overwritten. */
  async *resume(
    first: AsyncIterable<Uint8Array>,
    key: string,
    reopen: (range: ByteRange) => Promise<AsyncIterable<Uint8Array> | null>,
    { range, signal }: GetOptions = {},
  ): AsyncGenerator<Uint8Array> {
    let position = range?.start ?? 0;
    let patience = new Patience(this.#options, signal);
    for (let stream = first; ;) {
      try {
        for await (const chunk of stream) {
          position += chunk.byteLength;
          // What brings bytes may break as often as it likes.
          if (chunk.byteLength > 0) patience = new Patience(this.#options, signal);
          yield chunk;
        }
        return;
      } catch (error) {
        await patience.wait(error);
        const rest = { start: position, end: range?.end ?? Number.MAX_SAFE_INTEGER };
        const next = await this.attempt(() => reopen(rest), signal ? { signal } : {});
        if (!next) throw new AppError('unavailable', `${key} went away while it was read.`, { cause: error });
        stream = next;
      }
    }
  }
}

/** How long one operation has waited, and how much longer it may. */
class Patience {
  readonly #options: Required<RetryOptions>;
  readonly #signal: AbortSignal | undefined;
  readonly #beganMs: number;
  #pausedMs = 0;
  #pauses = 0;
  /** The failure of an attempt that may have taken effect. */
  #unsure: AppError | null = null;

  constructor(options: Required<RetryOptions>, signal: AbortSignal | undefined) {
    this.#options = options;
    this.#signal = signal;
    this.#beganMs = options.runtime.monotonicMs();
  }

  /** Waits before the next attempt, or throws what the caller is to see of `error` when there is to be none. */
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

  /** Null when the error is not one to try again after, or the time is over. */
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
