/** Time, chance and ids, injected everywhere so that tests and simulations decide them. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

export interface Runtime {
  /** Wall clock, ms since 1970. May jump. */
  now(): number;
  /** Monotonic clock, ms, fractions included. Never jumps back; stops while the machine is frozen. */
  monotonicMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** A fresh UUID (version 4). */
  uuid(): string;
  /** Uniform in [0, 1). */
  random(): number;
}

export const systemRuntime: Runtime = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, signal ? { signal } : {}),
  uuid: () => randomUUID(),
  random: () => Math.random(),
};
