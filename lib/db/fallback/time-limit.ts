/**
 * Time limits on work that takes a signal.
 *
 * Owns: when to stop waiting. The worst that can happen: a write that may yet happen is said not to have; so the caller
 * says what no answer means.
 */
import { AppError, type ErrorKind } from '../../errors.ts';
import type { Runtime } from '../../runtime.ts';

/**
 * Runs `work` and aborts its signal after `ms`. What does not answer even then is left to itself, and an error of the
 * kind `silence` thrown.
 */
export async function withinTime<T>(
  runtime: Pick<Runtime, 'sleep'>,
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
  silence: Extract<ErrorKind, 'unavailable' | 'indeterminate'> = 'unavailable',
): Promise<T> {
  const late = new AbortController();
  const ended = new AbortController();
  const expired = runtime.sleep(ms, ended.signal).then(
    () => {
      late.abort();
      // What heeds the signal has a moment to say what became of it.
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
    ended.abort();
  }
}
