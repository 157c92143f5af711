/** One backend of the chain, as the fallback sees it. */
import { sql } from 'kysely';
import { isAppError } from '../../errors.ts';
import type { Store } from '../../store/store.ts';
import type { Database } from '../database.ts';
import type { IdleCopy, LocalCopy } from '../duckdb/local-copy.ts';

export type LinkDatabase = Database & { readonly copy?: LocalCopy };

export interface PendingPlace {
  readonly store: Store;
  readonly name: string;
}

export interface BackendLink {
  /** As the header `db-backend` has it: `s3`. */
  readonly name: string;
  /** For use in sentences: `the S3 bucket`. Reveals no location. */
  readonly label: string;
  /** A hash of the place of the database, independent of credentials. */
  readonly address: string;
  readonly formerAddress: string;
  readonly persistent: boolean;
  open(): Promise<LinkDatabase>;
  /** One cheap question that only a backend that is there answers. @throws AppError */
  ping(signal: AbortSignal): Promise<void>;
  /** What an earlier process left of it on this machine; null when there is nothing. */
  idleReplica(): Promise<IdleCopy | null>;
  /** Loads the store without a request. Null for a backend that is not a store. */
  readonly place: (() => Promise<PendingPlace>) | null;
  /**
   * Whether pending writes may be there, when that is known without a request: a folder on this machine. Null when it
   * takes a request to a store.
   */
  readonly mayHavePending: (() => Promise<boolean>) | null;
}

/** A store that asks to retry within this time is available; one whose quota is used up asks for much longer. In ms. */
const mostBusyMs = 10_000;

export async function pingStore({ store, name }: PendingPlace, signal: AbortSignal): Promise<void> {
  await store.head(name, { signal }).catch((error: unknown) => {
    if (!isAppError(error, 'unavailable') || (error.retryAfterMs ?? Infinity) > mostBusyMs) throw error;
  });
}

export interface LinkTarget {
  readonly address: string;
  readonly formerAddress: string;
  readonly database: string | null;
}

export interface Addressee {
  readonly target: string;
  /** Null: the primary had never been reached. Absent: an earlier version made the write, which knew addresses alone. */
  readonly database?: string | null;
}

export function isMeantFor({ target, database }: Addressee, primary: LinkTarget): boolean {
  if (database === undefined) return target === primary.formerAddress;
  if (database !== null && primary.database !== null) return database === primary.database;
  return target === primary.address;
}

/**
 * The identity of a database. On PostgreSQL, other tables under the same names are another database: the schema of
 * names without one is part of it. Null for one that holds nothing yet.
 */
export async function identityOf(database: Pick<Database, 'engine' | 'status' | 'read'>): Promise<string | null> {
  if (database.engine === 'duckdb') return (await database.status()).databaseId;
  const schema = sql<string>`current_schema()`.as('schema');
  const { value } = await database.read((queries) =>
    queries.selectFrom('eider.state').select(['id', schema]).execute(),
  );
  const [row] = value.map((each) => ({ id: String(each['id']), schema: each.schema }));
  if (!row) return null;
  return row.schema === 'public' ? row.id : `${row.id} ${row.schema}`;
}
