/** Time, chance and ids, injected everywhere so that tests and simulations decide them. */
import { randomUUID } from 'node:crypto';

export interface Runtime {
  /** Wall clock, ms since 1970. May jump. */
  now(): number;
  /** Monotonic clock, ms, fractions included. Never jumps back; stops while the machine is frozen. */
  monotonicMs(): number;
  /** Resolves after `ms`, with 0 after a turn of the event loop; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** A fresh UUID (version 4). */
  uuid(): string;
  /** Uniform in [0, 1). */
  random(): number;
}

export const systemRuntime: Runtime = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep,
  uuid: () => randomUUID(),
  random: () => Math.random(),
};

/** As node:timers/promises has it, but that an end makes no error of its own: each request ends several. */
function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason as Error);
    if (ms === 0) return void setImmediate(resolve);
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/**
 * The reason with which a wait ends that is needed no longer, and that nobody looks at. Without one, each `abort()` makes a
 * DOMException with its stack, and a request ends several waits.
 */
export const finished = new Error('The wait is over.');
