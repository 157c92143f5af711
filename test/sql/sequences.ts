/** Sequences of which one side may have given numbers that no record holds. */
import { type DatabaseState, differencesOf } from '../support/database-state.ts';

/** As `differencesOf`, but a sequence may stand elsewhere: how far, depends on what failed where. */
export function differencesWithin(expected: DatabaseState, actual: DatabaseState): string[] {
  return differencesOf({ ...expected, sequences: {} }, { ...actual, sequences: {} });
}
