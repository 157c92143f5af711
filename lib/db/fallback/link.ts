/**
 * One backend of the chain, as the fallback sees it: how it is opened, whether it answers, what of it is on this machine.
 * Types only.
 */
import { isAppError } from '../../errors.ts';
import type { Store } from '../../store/store.ts';
import type { Database } from '../database.ts';
import type { LeftoverCopy, LocalCopy } from '../duckdb/local-copy.ts';

/** A database that may have its state in a file here. */
export type LinkDatabase = Database & { readonly copy?: LocalCopy };

/** Where a backend can keep pending writes. */
export interface PendingPlace {
  readonly store: Store;
  /** The database file's key. */
  readonly name: string;
}

export interface Link {
  /** As the header `db-backend` has it: `s3`. */
  readonly name: string;
  /** In sentences: `the S3 bucket`. Tells no location. */
  readonly label: string;
  /** Names the place of the database whatever the credentials are, and tells nothing of it. See target.ts. */
  readonly address: string;
  /** The same as earlier versions made it. */
  readonly formerAddress: string;
  /** Whether what it holds outlives this machine. */
  readonly persistent: boolean;
  /** Opens it. @throws AppError */
  open(): Promise<LinkDatabase>;
  /** One cheap question that only a backend that is there answers. @throws AppError */
  ping(signal: AbortSignal): Promise<void>;
  /** What an earlier process left of it on this machine; null when there is nothing. */
  leftover(): Promise<LeftoverCopy | null>;
  /** Loads the store; asks it for nothing. Null for a backend that is no store. */
  readonly place: (() => Promise<PendingPlace>) | null;
  /**
   * Whether pending writes may be there, where that can be told without loading or asking anything: a folder on this
   * machine. Null where it takes a question to a store.
   */
  readonly mayHavePending: (() => Promise<boolean>) | null;
}

/** Who asks for a little patience is there. One whose quota has ended asks for a lot. In ms. */
const mostBusyMs = 10_000;

/** @throws AppError when it does not answer, or refuses */
export async function pingStore({ store, name }: PendingPlace, signal: AbortSignal): Promise<void> {
  await store.head(name, { signal }).catch((error: unknown) => {
    if (!isAppError(error, 'unavailable') || (error.retryAfterMs ?? Infinity) > mostBusyMs) throw error;
  });
}
