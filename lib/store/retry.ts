/**
 * A store that tries again what was `unavailable`, within a deadline.
 *
 * Owns: how often and how long. Repeats nothing that is not safe to repeat: every operation of the contract is, since
 * `create` is conditional. The worst that can happen: a repeated `create` meets its own first attempt and answers
 * `exists`; the contract says so, and callers read back.
 */
import { AppError, isAppError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import type { GetOptions, OperationOptions, Store } from './store.ts';

export interface RetryOptions {
  readonly runtime: Runtime;
  /** Time for one operation with all its attempts, in ms. Default 8,000. */
  readonly deadlineMs?: number;
  /** Longest pause before the second attempt, in ms; it doubles each time. Default 50. */
  readonly firstPauseMs?: number;
  /** Longest pause at all, in ms. Default 2,000. */
  readonly mostPauseMs?: number;
}

export function withRetry(store: Store, options: RetryOptions): Store {
  const { runtime, deadlineMs = 8000, firstPauseMs = 50, mostPauseMs = 2000 } = options;

  /** `unsure` once an attempt may have taken effect: then a later refusal does not mean that nothing happened. */
  const attempt = async <T>(work: () => Promise<T>, { signal }: OperationOptions = {}): Promise<T> => {
    const deadline = runtime.monotonicMs() + deadlineMs;
    let unsure: AppError | null = null;
    for (let tries = 0; ; tries++) {
      try {
        return await work();
      } catch (error) {
        if (isAppError(error, 'indeterminate')) unsure = error;
        const pause = isAppError(error, 'unavailable', 'indeterminate')
          ? Math.max(runtime.random() * Math.min(mostPauseMs, firstPauseMs * 2 ** tries), error.retryAfterMs ?? 0)
          : Infinity;
        if (signal?.aborted || runtime.monotonicMs() + pause > deadline) throw unsure ?? error;
        await runtime.sleep(pause);
      }
    }
  };

  return {
    location: store.location,
    create: (key, body, operation) => attempt(() => store.create(key, body, operation), operation),
    get: (key, operation) => attempt(() => store.get(key, operation), operation),
    read: async (key, operation) => {
      const stream = await attempt(() => store.read(key, operation), operation);
      return stream && resumed(store, key, stream, operation, attempt);
    },
    head: (key, operation) => attempt(() => store.head(key, operation), operation),
    list: (prefix, operation) => attempt(() => store.list(prefix, operation), operation),
    copy: (from, to, operation) => attempt(() => store.copy(from, to, operation), operation),
    delete: (keys, operation) => attempt(() => store.delete(keys, operation), operation),
  };
}

const mostResumptions = 5;

/** A stream that goes on where it broke, by a range. Safe for objects that are never overwritten. */
async function* resumed(
  store: Store,
  key: string,
  first: AsyncIterable<Uint8Array>,
  options: GetOptions = {},
  attempt: <T>(work: () => Promise<T>, options: OperationOptions) => Promise<T>,
): AsyncGenerator<Uint8Array> {
  let position = options.range?.start ?? 0;
  let stream = first;
  for (let resumptions = 0; ; resumptions++) {
    try {
      for await (const chunk of stream) {
        position += chunk.byteLength;
        yield chunk;
      }
      return;
    } catch (error) {
      if (!isAppError(error, 'unavailable') || resumptions === mostResumptions || options.signal?.aborted) throw error;
      const range = { start: position, end: options.range?.end ?? Number.MAX_SAFE_INTEGER };
      const next = await attempt(() => store.read(key, { ...options, range }), options);
      if (!next) throw new AppError('unavailable', `${key} went away while it was read.`, { cause: error });
      stream = next;
    }
  }
}
