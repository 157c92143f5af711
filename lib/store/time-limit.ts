import { AppError, type ErrorKind } from '../errors.ts';
import { finished, type Runtime } from '../runtime.ts';
import type { OperationOptions, Store } from './store.ts';

/** Runs `work`, and aborts its signal after `ms`. If it does not end even then, throws an error of the kind `silence`. */
export async function withinTime<T>(
  runtime: Pick<Runtime, 'sleep'>,
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
  silence: Extract<ErrorKind, 'unavailable' | 'indeterminate'> = 'unavailable',
): Promise<T> {
  const late = new AbortController();
  const ended = new AbortController();
  const expired = sleepInSlices(runtime, ms, ended.signal).then(
    () => {
      late.abort();
      // Work that heeds the signal has a moment to say what it did.
      return runtime.sleep(Math.min(ms, 200), ended.signal);
    },
    () => undefined,
  );
  try {
    return await Promise.race([
      work(late.signal),
      expired.then(() => Promise.reject(new AppError(silence, `There was no answer within ${ms} ms.`))),
    ]);
  } finally {
    ended.abort(finished);
  }
}

const sliceMs = 100;

/** Waits in slices: a process that gets no time to run waits longer, as its silence is not the other side's. */
async function sleepInSlices(runtime: Pick<Runtime, 'sleep'>, ms: number, signal: AbortSignal): Promise<void> {
  for (let left = ms; left > 0; left -= sliceMs) await runtime.sleep(Math.min(sliceMs, left), signal);
}

/** For a question that moves no bytes, and for one whose answer is held in memory. */
const questionMs = 3000;
const objectMs = 8000;

/**
 * A store whose questions end when they take long, because another backend can answer instead. What changes something,
 * or moves much data, has no limit: an unknown outcome would be worse than a late one.
 */
export function withTimeLimits(store: Store, runtime: Pick<Runtime, 'sleep'>): Store {
  const limit = <T>(ms: number, { signal }: OperationOptions = {}, work: (signal: AbortSignal) => Promise<T>) =>
    withinTime(runtime, ms, (late) => work(signal ? AbortSignal.any([signal, late]) : late));
  return {
    location: store.location,
    create: (key, body, options) => store.create(key, body, options),
    copy: (from, to, options) => store.copy(from, to, options),
    delete: (keys, options) => store.delete(keys, options),
    get: (key, options) =>
      options?.range
        ? store.get(key, options)
        : limit(objectMs, options, (signal) => store.get(key, { ...options, signal })),
    head: (key, options) => limit(questionMs, options, (signal) => store.head(key, { ...options, signal })),
    list: (prefix, options) => limit(questionMs, options, (signal) => store.list(prefix, { ...options, signal })),
  };
}
