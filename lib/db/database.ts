/** What the functions under api/ ask of a backend, whichever it is. */
import type { Catalog, RelationName } from '../catalog/catalog.ts';
import { AppError } from '../errors.ts';
import type { Explain } from '../sql/explain.ts';
import type { QueryColumn, StatementResult } from '../sql/result.ts';
import type { EngineName, PlainValue, Queries, Row } from '../values.ts';
import type { UsageReport } from '../store/usage.ts';

export interface ReadOptions {
  /** The answer must include every commit up to this version (the `db-bookmark` that a client sent back). */
  readonly atLeast?: number;
  /** How old the state may be, in ms; 0 means: at the head of the log when the read began. Default: the database's own. */
  readonly maxStalenessMs?: number;
  /** When the read was asked for, on the monotonic clock in ms: what is proved since then is fresh. Default: now. */
  readonly askedMs?: number;
  readonly signal?: AbortSignal;
  /** Works of one name that arrive together may run in one transaction, where each does what it does by `Scope.together`. */
  readonly together?: string | undefined;
}

export interface WriteOptions {
  readonly signal?: AbortSignal;
  /** See `ReadOptions.together`. */
  readonly together?: string | undefined;
  /**
   * The write as JSON data that can be run again, later and elsewhere: what a fallback keeps as a pending write.
   * A write without one is refused when only a fallback can take it.
   */
  readonly command?: PlainValue;
  /**
   * The changes may be more than one record of a log holds (16 MB). Costs an upload of the whole database where there is a
   * log, and makes followers of the change feed start over.
   */
  readonly large?: boolean;
}

/** Where the time of one call went, in ms. Names are tokens of the Server-Timing header. */
export type Timings = Readonly<Record<string, number>>;

/**
 * - `durable`: in the primary backend's store.
 * - `pending`: kept by a fallback until the primary is back.
 * - `standby`: read from a standby, which may be behind the primary.
 */
export type Durability = 'durable' | 'pending' | 'standby';

export interface Answer<T> {
  readonly value: T;
  /** The version of the state that was read, or that the write made. A later read `atLeast` this sees it. */
  readonly version: number;
  readonly durability: Durability;
  /** Why this answer is not from the primary backend, or not fresh, in words for everyone; absent when all is well. */
  readonly degraded?: string;
  /** Age of the state that was read, in ms, where it is not fresh and that is known. */
  readonly ageMs?: number;
  /** The backend that answered, when it was not the chosen one. */
  readonly servedBy?: string;
  /** What was not found may be there all the same: the state is not known to have all that the caller may know of. */
  readonly isIncomplete?: true;
  /** `version` is of another log than the database's: no bookmark. */
  readonly isOfOtherLog?: true;
  readonly timings: Timings;
}

export interface CheckpointStatus {
  /** Version of the newest snapshot that this process knows of; null when there is none yet. */
  readonly version: number | null;
  /** ISO 8601; null when unknown. */
  readonly at: string | null;
  /** Size of that snapshot. */
  readonly bytes: number | null;
  /** Records committed after it. */
  readonly recordsSince: number;
}

/** A large object on its way to or from the store. */
export interface TransferStatus {
  readonly direction: 'upload' | 'download';
  readonly key: string;
  readonly bytes: number;
  readonly totalBytes: number;
}

/** A pending write for another database, found where this database's are kept. */
export interface StrandedWrite {
  readonly id: string;
  /** ISO 8601; like what follows, null where the write cannot be read. */
  readonly acceptedAt: string | null;
  /** The backend that keeps it. */
  readonly keptIn: string;
  /** A hash of the place of the database that it was meant for. */
  readonly address: string | null;
  /** What that database says of itself; null also where it had never been reached. */
  readonly database: string | null;
  readonly reason: string;
  readonly command: PlainValue | null;
}

export interface StrandedWrites {
  list(): Promise<readonly StrandedWrite[]>;
  /** Removes those of the ids that are stranded, for good; answers which. */
  dismiss(ids: readonly string[]): Promise<readonly string[]>;
}

/** What serves while the chosen backend is away. */
export interface OutageStatus {
  /** ISO 8601. */
  readonly since: string;
  /** For operators. */
  readonly reason: string;
  readonly nextLookInSeconds: number;
  /** The backend whose data answer. */
  readonly servedBy: string;
  readonly source: string;
  /** Null when unknown. */
  readonly ageSeconds: number | null;
  /** What becomes of writes. */
  readonly writes: string;
  /** What can be lost; null when nothing that was acknowledged can. */
  readonly atRisk: string | null;
}

export interface DatabaseStatus {
  readonly engine: EngineName;
  readonly location: string;
  readonly databaseId: string | null;
  readonly version: number;
  /** Null on an engine that has none: PostgreSQL keeps its data itself. */
  readonly checkpoint: CheckpointStatus | null;
  readonly pendingWrites: number;
  /** Present while the chosen backend is away. */
  readonly outage?: OutageStatus;
  readonly transfers: readonly TransferStatus[];
  /** Requests to the store since this process began; null when they are not billed. */
  readonly usage: UsageReport | null;
  /** Trouble that did not stop the last operation (a failed checkpoint, say); newest last, without secrets. */
  readonly warnings: readonly string[];
  /** The copy behind PostgreSQL; absent where there is none to be. */
  readonly mirror?: MirrorStatus;
}

/** A DuckDB copy of a PostgreSQL database. */
export interface MirrorStatus {
  /** The backend that has it. */
  readonly backend: string;
  /** Of the PostgreSQL database, at the last refresh; null before the first. */
  readonly version: number | null;
  /** When that was its state, ISO 8601. */
  readonly at: string | null;
  readonly ageSeconds: number | null;
  /** Why the last refresh failed; null when it did not. */
  readonly trouble: string | null;
}

/** How the mirror was refreshed: all rows copied, changes replayed, or nothing to do. */
export type MirrorOutcome =
  | {
      readonly how: 'copied' | 'replayed' | 'current';
      readonly rows: number;
      readonly version: number;
      readonly at: string;
    }
  | { readonly how: 'failed'; readonly reason: string };

/** What `sync` did. */
export interface SyncReport {
  /** Version before and after catching up. */
  readonly from: number;
  readonly version: number;
  readonly recordsApplied: number;
  /** Null on an engine that has none. */
  readonly checkpoint: { readonly version: number; readonly bytes: number; readonly uploaded: boolean } | null;
  /** Published copy of the snapshot, if this call wrote it. */
  readonly published: boolean;
  readonly dropped: { readonly records: number; readonly snapshots: number };
  /** Pending writes that were run, and those that no longer fitted. */
  readonly pendingDrained: number;
  readonly pendingRejected?: number;
  /** On PostgreSQL, with a DuckDB backend behind it. */
  readonly mirror?: MirrorOutcome;
  readonly durationMs: number;
}

/** Why a process that never reached its database is closed; and what waits for it, where that can be read. */
export class ClosedError extends AppError {
  readonly waiting: () => Promise<WaitingWrites>;

  constructor(reason: AppError, waiting: () => Promise<WaitingWrites>) {
    const { message, cause, hint, retryAfterMs } = reason;
    super(reason.kind, message, {
      ...(cause === undefined ? {} : { cause }),
      ...(hint === undefined ? {} : { hint }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
    this.waiting = waiting;
  }
}

export interface WaitingWrites {
  readonly pendingWrites: number;
  readonly strandedWrites: readonly StrandedWrite[];
}

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

/** A query of a user's own, in the SQL of the engine. */
export interface QueryRequest {
  readonly sql: string;
  /** By position (`$1`, on DuckDB also `?`), or by name (`$name`, on DuckDB only). */
  readonly parameters: readonly PlainValue[] | Readonly<Record<string, PlainValue>>;
  /** Most rows of the answer. */
  readonly maxRows: number;
  /** Most bytes of the rows as JSON. */
  readonly maxBytes: number;
  /** The query is stopped when it takes longer. */
  readonly timeoutMs: number;
  /** A function of the user's that it may call. PostgreSQL's are not looked into: they run in a transaction that only reads. */
  readonly calls?: RelationName;
  /** Its plan instead of its rows. */
  readonly explain?: Explain;
}

export interface QueryResult {
  readonly columns: readonly QueryColumn[];
  /** Values in the order of the columns. */
  readonly rows: readonly (readonly PlainValue[])[];
  /** Which limit cut the rows off; null when these are all. */
  readonly truncated: 'rows' | 'bytes' | null;
}

/** A part of an upload as the store has it. */
export interface UploadedPart {
  readonly part: number;
  readonly bytes: number;
}

/**
 * Files on their way in parts, kept where every instance finds them. Part 0 says what the upload is for.
 */
export interface Uploads {
  /** Stores a part, unless a part of that number exists already. */
  keep(upload: string, part: number, bytes: Uint8Array, signal?: AbortSignal): Promise<'created' | 'exists'>;
  /** Null when there is no such part. */
  read(upload: string, part: number, signal?: AbortSignal): Promise<Uint8Array | null>;
  /** Without part 0, in their order. */
  list(upload: string, signal?: AbortSignal): Promise<readonly UploadedPart[]>;
  /** Drops all parts. Repeating it is harmless. */
  drop(upload: string): Promise<void>;
  /** Drops what is older than a day by the store's dates, up to 1,000 parts; answers how many uploads are open. */
  dropAbandoned(): Promise<number>;
}

/** Marks a statement as a user's own, which may only change rows or definitions. */
export interface Untrusted {
  /** Stops the statement. */
  readonly signal: AbortSignal;
}

/** The transaction in which a read or a write runs. */
export interface Scope {
  /** Of the state that the transaction sees. After `run` has changed a definition it is a new object: read it again. */
  readonly catalog: Catalog;
  /**
   * Runs one statement of SQL. In a read: SELECT alone. In a write: everything that can be captured.
   *
   * With `untrusted` it is checked like a user's query: it may name the user's tables and call functions that compute,
   * and nothing else. The caller decides whether it may change rows or definitions.
   *
   * @example const { rows } = await scope.run('SELECT title FROM books WHERE id = $1', [7])
   */
  readonly run: (sql: string, values?: readonly PlainValue[], untrusted?: Untrusted) => Promise<StatementResult>;
  /**
   * The same of a statement that needs no other: the work runs none but such, of which one at most changes something, and
   * that one guards itself with what it says and the constraints of its table. It may be a transaction of its own, which is
   * durable once it is answered. After `run`, it is a part of that transaction. Absent where nothing is gained.
   */
  readonly runAlone?: (sql: string, values: readonly PlainValue[], alone: Alone) => Promise<StatementResult>;
  /** Present where works of one name share the transaction. */
  readonly together?: Together;
}

export interface Alone {
  /** The table that it changes: then it ends in `returning *`. Null for a SELECT. */
  readonly changes: RelationName | null;
  /** Whether its plan is the same for all values: a look by key, an INSERT. */
  readonly isKept: boolean;
}

/**
 * Does for all works of the transaction at once what each of them asks for: `run` gets what all of them passed and gives
 * an outcome for each, in their order. Each work calls it once, at most, and runs no statement besides. One whose outcome
 * is rejected has changed nothing. When `run` throws, all works run again, in smaller sets.
 */
export type Together = <In, T>(
  input: In,
  run: (scope: Scope, inputs: readonly In[]) => Promise<readonly PromiseSettledResult<T>[]>,
) => Promise<T>;

/** What a read or a write does in its transaction. */
export type Work<T> = (queries: Queries, scope: Scope) => Promise<T>;

export interface Database {
  readonly engine: EngineName;

  /** Runs `work` on one consistent state. `work` must not write. Never waits for a store write of this process. */
  read<T>(work: Work<T>, options?: ReadOptions): Promise<Answer<T>>;

  /**
   * Runs `work` in a serializable transaction and answers once its changes are durable. `work` may run more than once
   * (when another instance committed first, or when a request that shared the transaction failed), so it must have no
   * effects but its queries. If it throws, nothing of it is kept and the error reaches the caller, once it is certain
   * that it was not the fault of a state that was not, or will not be, committed.
   *
   * Errors: what `work` throws; `conflict` (unique constraint); `invalid` (a statement that cannot be captured);
   * `unavailable` (store away: nothing was written); `indeterminate` (the store did not say whether it was written).
   */
  write<T>(work: Work<T>, options?: WriteOptions): Promise<Answer<T>>;

  /**
   * What tables there are, as fresh as a read with these options; a read with the same `askedMs` that follows asks no store
   * again. Without `maxStalenessMs`: what this process knows, and no store is asked.
   */
  catalog(options?: ReadOptions): Promise<Catalog>;

  /**
   * Runs a query that a user wrote, on one consistent state, as fresh as a read. It can only read the
   * user's tables and nothing else: no file, setting, catalog or table of Eider's; it writes nothing, runs no other
   * statement, and takes no more time and memory than it may, while reads and writes go on.
   *
   * Errors: `invalid` (refused, wrong, or stopped because it takes too much); `unavailable` (too many at once).
   */
  query(request: QueryRequest, options?: ReadOptions): Promise<Answer<QueryResult>>;

  /** The same of several queries, one after the other, all on one state. */
  queryAll(requests: readonly QueryRequest[], options?: ReadOptions): Promise<Answer<readonly QueryResult[]>>;

  /**
   * Writes everything of the user's at one version into a new DuckDB file at `path`, which any DuckDB client opens and
   * which can be adopted again. `invalid` where the engine makes no such file.
   */
  exportTo(path: string, options?: ReadOptions): Promise<Answer<null>>;

  /** What was committed after a version, as far as it is kept; as fresh as a read at the head. */
  changes(request: ChangesRequest): Promise<Answer<ChangePage>>;

  /** Its calls end with `invalid` where the engine has no place for files. */
  readonly uploads: Uploads;

  status(): Promise<DatabaseStatus>;

  /** Absent where nothing could keep any. */
  readonly stranded?: StrandedWrites;

  /** Catches up with the log, checkpoints, publishes the database file, drops what is no longer needed. */
  sync(): Promise<SyncReport>;

  /** Work that may follow the answer (a checkpoint that is due, cleaning). Resolves when there is nothing left to do. Never rejects. */
  maintain(): Promise<void>;

  /** Ends what runs, releases the slot. Later calls fail. */
  close(): Promise<void>;
}
