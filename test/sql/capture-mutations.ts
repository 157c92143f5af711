/** Captures with a known fault, each an edit of the source that is made in a copy: the property test must find them. */
import type { Edit } from '../sim/mutations.ts';

export interface CaptureMutation {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** The seeds that find it soon, for the test that holds that. */
  readonly seeds?: readonly number[];
}

export const captureMutations: readonly CaptureMutation[] = [];
