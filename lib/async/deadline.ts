import { finished, type Runtime } from '../runtime.ts';

/** What a promise came to in time; it goes on by itself when it was too late. */
export type InTime<T> = { readonly inTime: true; readonly value: T } | { readonly inTime: false };

/**
 * Waits for `promise`, at most `ms`. Its rejection within that time is thrown; a later one is nobody's.
 *
 * @throws the reason of `signal`, as soon as it is aborted
 * @example if (!(await waitAtMost(runtime, 400, database.close())).inTime) log('Closing takes too long.');
 */
export async function waitAtMost<T>(
  runtime: Pick<Runtime, 'sleep'>,
  ms: number,
  promise: Promise<T>,
  signal?: AbortSignal,
): Promise<InTime<T>> {
  const over = new AbortController();
  const end = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
  const late = runtime.sleep(ms, end).then(
    () => ({ inTime: false }) as const,
    () => {
      signal?.throwIfAborted();
      return { inTime: false } as const;
    },
  );
  for (const each of [promise, late]) each.catch(() => undefined);
  try {
    return await Promise.race([promise.then((value) => ({ inTime: true, value }) as const), late]);
  } finally {
    over.abort(finished);
  }
}
