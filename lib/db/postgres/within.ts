/**
 * Waiting for an answer no longer than it may take.
 */
import type { Runtime } from '../../runtime.ts';

class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** The result, unless it takes longer or is given up; then the connection is in an unknown state. */
export async function within<T>(runtime: Runtime, ms: number, result: Promise<T>, signal?: AbortSignal): Promise<T> {
  const done = new AbortController();
  const stop = signal ? AbortSignal.any([signal, done.signal]) : done.signal;
  result.catch(() => undefined);
  const late = runtime.sleep(Math.max(ms, 0), stop).then(
    () => Promise.reject(new NoAnswer(`PostgreSQL did not answer within ${Math.round(ms)} ms.`)),
    () => (signal?.aborted ? Promise.reject(signal.reason as Error) : result),
  );
  late.catch(() => undefined);
  try {
    return await Promise.race([result, late]);
  } finally {
    done.abort();
  }
}
