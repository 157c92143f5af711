/** The change feed as a backend gives it. */
import type { Row } from '../values.ts';

export interface ChangesRequest {
  /** The last version that the caller has. */
  readonly after: number;
  /** Most versions in the page; it may hold fewer. */
  readonly limit: number;
  readonly signal?: AbortSignal;
}

/** What one commit did to one table, or to more than rows. Tables of Eider's own (the schema `eider`) are left out. */
export type TableChange =
  /** Whole rows as they are after the commit, new ones and changed ones alike. */
  | { readonly kind: 'put'; readonly table: string; readonly rows: readonly Row[] }
  /** Primary keys, column by column; of a table without one whole rows, of which one each is gone. */
  | { readonly kind: 'delete'; readonly table: string; readonly keys: readonly Row[] }
  /** A migration changed tables or columns. Rows that only the new definition changed are not in the feed. */
  | { readonly kind: 'schema' }
  /** Any row may have changed (a bulk import, a move): what follows builds on a new export. */
  | { readonly kind: 'reset' };

export interface ChangeSet {
  readonly version: number;
  /** When it was committed, ISO 8601. */
  readonly at: string;
  /** In the order in which they were made. Empty when the commit changed Eider's own tables alone. */
  readonly changes: readonly TableChange[];
}

export interface ChangePage {
  /**
   * Oldest first, without a gap: one for each version after `after`, except that on PostgreSQL, where versions are
   * transaction ids, those that changed nothing have none. Empty also when `after` is less than `oldest`.
   */
  readonly sets: readonly ChangeSet[];
  /** Least `after` that can still be asked for; what came before is dropped. */
  readonly oldest: number;
  /**
   * The feed is complete up to here: a reader of all sets continues from here. On PostgreSQL it may be less than
   * the answer's version while older transactions run. `after` beyond the answer's version belongs to another database, or
   * to one that was restored.
   */
  readonly head: number;
  /** Tables that the feed does not track, with their schemas (`public.students`): the page is not complete then. */
  readonly untold?: readonly string[];
}
