/**
 * One call that ends when it must: by its own end, by the caller's signal, or because it took too long.
 *
 * Owns: how a call of the SDK is stopped. The SDK tries again by itself, up to ten times with pauses that double from a
 * second on (VERCEL_BLOB_RETRIES), and its pauses cannot be interrupted: so whoever waits is let go at once, and the
 * SDK finds its signal aborted when it wakes. The worst that can happen: a call that nobody waits for is still sent; the
 * signal prevents it.
 */
import type { Runtime } from '../../runtime.ts';
import { throwIfAborted } from '../signal.ts';

/** The call was given up while its outcome was open. */
export class Interruption extends Error {
  override readonly name = 'Interruption';
  readonly why: 'stopped' | 'too slow';

  constructor(why: 'stopped' | 'too slow', cause: unknown) {
    super(why === 'stopped' ? 'The caller stopped the request.' : 'The request took too long.', { cause });
    this.why = why;
  }
}

export interface PatienceOptions {
  readonly runtime: Runtime;
  readonly longestMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** @throws Interruption; AppError `unavailable` when the signal was aborted before anything was begun. */
export async function withPatience<T>(options: PatienceOptions, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { runtime, longestMs, signal } = options;
  throwIfAborted(signal);
  // Aborted without a reason: the SDK knows only the plain AbortError, and takes any other for worth a retry.
  const request = new AbortController();
  const ended = new AbortController();
  const interrupted = new Promise<never>((_, reject) => {
    const interrupt = (why: Interruption['why'], cause: unknown): void => {
      reject(new Interruption(why, cause));
      request.abort();
    };
    signal?.addEventListener('abort', () => interrupt('stopped', signal.reason), { once: true, signal: ended.signal });
    runtime.sleep(longestMs, ended.signal).then(
      () => interrupt('too slow', undefined),
      () => undefined,
    );
  });
  const working = work(request.signal);
  working.catch(() => undefined);
  try {
    return await Promise.race([working, interrupted]);
  } finally {
    ended.abort();
    interrupted.catch(() => undefined);
  }
}
