import { finished, type Runtime } from '../../runtime.ts';
import { throwIfAborted } from '../signal.ts';

export class Interruption extends Error {
  override readonly name = 'Interruption';
  readonly why: 'stopped' | 'too slow';

  constructor(why: 'stopped' | 'too slow', cause: unknown) {
    super(why === 'stopped' ? 'The caller stopped the request.' : 'The request took too long.', { cause });
    this.why = why;
  }
}

export interface InterruptibleOptions {
  readonly signal?: AbortSignal | undefined;
  readonly limit?: { readonly runtime: Runtime; readonly ms: number };
}

/**
 * SDKs pause between their attempts, and no signal interrupts a pause. So the caller is answered at once, and the SDK
 * finds its signal aborted when it wakes.
 * @throws Interruption; AppError `unavailable` when the signal was aborted before anything was begun.
 */
export async function interruptible<T>(
  { signal, limit }: InterruptibleOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  throwIfAborted(signal);
  // Aborted without a reason: Blob's SDK knows the plain AbortError alone, and repeats a request after any other.
  const request = new AbortController();
  const ended = new AbortController();
  const interrupted = new Promise<never>((_, reject) => {
    const interrupt = (why: Interruption['why'], cause: unknown): void => {
      reject(new Interruption(why, cause));
      request.abort();
    };
    signal?.addEventListener('abort', () => interrupt('stopped', signal.reason), { once: true, signal: ended.signal });
    limit?.runtime.sleep(limit.ms, ended.signal).then(
      () => interrupt('too slow', undefined),
      () => undefined,
    );
  });
  const working = work(request.signal);
  working.catch(() => undefined);
  try {
    return await Promise.race([working, interrupted]);
  } finally {
    ended.abort(finished);
    interrupted.catch(() => undefined);
  }
}
