/** A clock that tests move, and ids that count: every run of a test sees the same. */
import type { Runtime } from '../../lib/runtime.ts';

export interface TestRuntime extends Runtime {
  /** Moves both clocks, and ends what has slept until then. */
  advance(ms: number): void;
}

interface Sleeper {
  readonly untilMs: number;
  readonly wake: () => void;
}

export function testRuntime(startMs = Date.UTC(2026, 10, 24, 4, 5, 6, 789)): TestRuntime {
  let elapsed = 0;
  let ids = 0;
  const sleepers = new Set<Sleeper>();
  return {
    now: () => startMs + elapsed,
    monotonicMs: () => elapsed,
    advance: (ms) => {
      elapsed += ms;
      for (const { untilMs, wake } of sleepers) if (untilMs <= elapsed) wake();
    },
    // A sleep that can be ended is the limit of something else, and lasts; a plain one is a pause, and is skipped.
    sleep: async (ms, signal) => {
      if (!signal) return;
      signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const sleeper = { untilMs: elapsed + ms, wake: resolve };
      const onAbort = (): void => reject(signal.reason as Error);
      sleepers.add(sleeper);
      signal.addEventListener('abort', onAbort);
      try {
        await promise;
      } finally {
        sleepers.delete(sleeper);
        signal.removeEventListener('abort', onAbort);
      }
    },
    uuid: () => `00000000-0000-4000-8000-${(ids += 1).toString(16).padStart(12, '0')}`,
    random: () => 0.5,
  };
}

/** A random stream that a seed fixes (mulberry32). Uniform in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
