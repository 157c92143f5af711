/** A clock that tests move, and ids that count: every run of a test sees the same. */
import type { Runtime } from '../../lib/runtime.ts';

export interface TestRuntime extends Runtime {
  /** Moves both clocks. */
  advance(ms: number): void;
}

export function testRuntime(startMs = Date.UTC(2026, 10, 24, 4, 5, 6, 789)): TestRuntime {
  let elapsed = 0;
  let ids = 0;
  return {
    now: () => startMs + elapsed,
    monotonicMs: () => elapsed,
    advance: (ms) => void (elapsed += ms),
    sleep: async () => undefined,
    uuid: () => `00000000-0000-4000-8000-${(ids += 1).toString(16).padStart(12, '0')}`,
    random: () => 0.5,
  };
}
