/** What a run must keep, by name. */

/** Thrown when an invariant does not hold. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly invariant: Invariant;

  constructor(invariant: Invariant, detail: string) {
    super(`${invariant}: ${detail}`);
    this.invariant = invariant;
  }
}

export type Invariant =
  | 'one history'
  | 'no acknowledged write lost'
  | 'no write applied twice'
  | 'a key decides once'
  | 'a failed write leaves no trace'
  | 'serializable'
  | 'same state at the same version'
  | 'strict reads are linearizable'
  | 'registers are linearizable'
  | 'bookmarks never go back'
  | 'staleness is bounded'
  | 'money is kept'
  | 'retention drops nothing needed'
  | 'snapshots are whole'
  | 'the published file is the newest snapshot'
  | 'nothing whole is called damaged'
  | 'errors are of the contract'
  | 'the feed tells the log'
  | 'pending writes are run once or listed'
  | 'references hold'
  | 'numbers are given once'
  | 'it goes on';
