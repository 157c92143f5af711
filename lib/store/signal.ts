import { AppError } from '../errors.ts';

export type Signal = AbortSignal | undefined;

export function throwIfAborted(signal: Signal): void {
  if (signal?.aborted) throw stopped(signal);
}

/** The result of `work`, which changes nothing; `unavailable` as soon as the signal is aborted, however long `work` takes. */
export async function orAborted<T>(signal: Signal, work: () => Promise<T>): Promise<T> {
  throwIfAborted(signal);
  if (!signal) return work();
  return new Promise<T>((resolve, reject) => {
    const stop = (): void => reject(stopped(signal));
    signal.addEventListener('abort', stop, { once: true });
    work()
      .finally(() => signal.removeEventListener('abort', stop))
      .then(resolve, reject);
  });
}

function stopped(signal: AbortSignal): AppError {
  return new AppError('unavailable', 'The operation was stopped; nothing was changed.', { cause: signal.reason });
}
