/** Clocks for tests of waiting. */
import { testRuntime, type TestRuntime } from './runtime.ts';

export interface SleepingRuntime extends TestRuntime {
  /** Every pause that was asked for, in ms. */
  readonly pauses: readonly number[];
}

export interface SleepingOptions {
  readonly random?: () => number;
  /** Whether sleeping moves the clock. Default true; false for a clock that stands still. */
  readonly moves?: boolean;
  /** Runs in the middle of a pause. */
  readonly during?: (ms: number) => void;
}

/** A runtime on which sleeping takes no time but moves the clock, and ends early, with its reason, when aborted. */
export function sleepingRuntime({ random = () => 0.5, moves = true, during }: SleepingOptions = {}): SleepingRuntime {
  const base = testRuntime();
  const pauses: number[] = [];
  return {
    ...base,
    random,
    pauses,
    sleep: async (ms, signal) => {
      pauses.push(ms);
      during?.(ms);
      signal?.throwIfAborted();
      if (moves) base.advance(ms);
    },
  };
}
