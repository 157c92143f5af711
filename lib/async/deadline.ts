import type { Runtime } from '../runtime.ts';

/** What a promise came to in time; it goes on by itself when it was too late. */
export type InTime<T> = { readonly inTime: true; readonly value: T } | { readonly inTime: false };

/**
 * Waits for `promise`, at most `ms`. Its rejection within that time is thrown; a later one is nobody's.
 *
 * @example if (!(await waitAtMost(runtime, 400, database.close())).inTime) log('Closing takes too long.');
 */
export async function waitAtMost<T>(runtime: Pick<Runtime, 'sleep'>, ms: number, promise: Promise<T>): Promise<InTime<T>> {
  const over = new AbortController();
  const late = runtime.sleep(ms, over.signal).then(
    () => ({ inTime: false }) as const,
    () => ({ inTime: false }) as const,
  );
  promise.catch(() => undefined);
  try {
    return await Promise.race([promise.then((value) => ({ inTime: true, value }) as const), late]);
  } finally {
    over.abort();
  }
}
