/** What the functions under api/ ask of a backend, whichever it is. */
import type { Catalog, RelationName } from '../catalog/catalog.ts';
import type { Explain } from '../sql/explain.ts';
import type { QueryColumn, StatementResult } from '../sql/result.ts';
import type { EngineName, PlainValue, Queries } from '../values.ts';
import type { ChangePage, ChangesRequest } from './feed.ts';
import type { DatabaseStatus, StrandedWrites, SyncReport } from './status.ts';

export * from './feed.ts';
export * from './status.ts';

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
   * effects but its queries. If it throws, its changes are rolled back and the error reaches the caller, once it is certain
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
