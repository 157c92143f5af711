/**
 * Eider in process: the database of the environment, or one of your own choice, by SQL.
 *
 * @example
 * const db = await openDatabase();
 * await db.execute('INSERT INTO books (isbn, title) VALUES ($1, $2)', [isbn, title]); // durable once it resolves
 * const { rows, version } = await db.query('SELECT title FROM books WHERE isbn = $1', [isbn]);
 */
import { app, createApp, projectMigrations } from './app.ts';
import { backendFactories } from './backends.ts';
import type { Catalog } from './catalog/catalog.ts';
import { loadMigrations } from './catalog/migration-files.ts';
import { processEnvironment } from './config/process.ts';
import type { Answer, Database, DatabaseStatus, Durability, ReadOptions, Scope, SyncReport } from './db/database.ts';
import { isPlainSelect, makeTextQueries } from './db/dialect.ts';
import { systemRuntime } from './runtime.ts';
import { type QueryColumn, rowsOf, type StatementResult } from './sql/result.ts';
import type { PlainValue, Queries, Row } from './values.ts';

export { AppError } from './errors.ts';

export interface OpenDatabaseOptions {
  /** What chooses the backend; see .env.example. Default: the environment of the process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** The folder of SQL files that make the tables. Default: `migrations` of this project. */
  readonly migrations?: string;
}

/** What one statement answered. */
export interface Result {
  /** Values by column, as JSON carries them: big integers and decimals are texts, times ISO 8601. */
  readonly rows: readonly Row[];
  readonly columns: readonly QueryColumn[];
  /** `SELECT`, `INSERT`, `UPDATE`, … */
  readonly command: string;
  /** Rows returned or changed; null for DDL. */
  readonly rowCount: number | null;
}

/** A statement's answer, and of which state it is. */
export interface VersionedResult extends Result {
  /** Pass it on as `atLeast`, to whichever instance, to see at least this state. */
  readonly version: number;
  /** `pending`: the backend is away, and its fallback has the write until it is back. */
  readonly durability: Durability;
}

/** Inside a transaction. */
export interface Transaction {
  /** Of the state that the transaction sees, its own changes included. */
  readonly catalog: Catalog;
  /** Kysely's query builder on this transaction. */
  readonly kysely: Queries;
  run(sql: string, values?: readonly PlainValue[]): Promise<Result>;
}

export interface EiderDatabase {
  readonly engine: Database['engine'];
  /** Kysely's query builder; each query is a statement of its own. Several as one: `transaction`. */
  readonly kysely: Queries;
  /**
   * Runs one SELECT on a state that includes every commit so far (or at least the version that `atLeast` names).
   *
   * @throws AppError `invalid`, with `sqlState` and the place in the SQL where the database names one; `unavailable`
   */
  query(sql: string, values?: readonly PlainValue[], options?: ReadOptions): Promise<VersionedResult>;
  /**
   * Runs one statement that changes rows or definitions. It is durable once the promise resolves.
   *
   * @throws AppError `conflict` (a duplicate), `invalid` (the statement, or a value that the table refuses),
   * `unavailable` (nothing was written), `indeterminate` (nobody knows whether it was written)
   */
  execute(sql: string, values?: readonly PlainValue[]): Promise<VersionedResult>;
  /**
   * Runs `work` as one serializable transaction, all or nothing. It runs again when another instance committed first, so it
   * must have no effects but its statements.
   *
   * @example await db.transaction(async (tx) => { await tx.run('UPDATE …'); await tx.run('INSERT …'); })
   * @throws AppError as `execute`; whatever `work` throws
   */
  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
  /** What tables there are, as fresh as a read. */
  catalog(): Promise<Catalog>;
  status(): Promise<DatabaseStatus>;
  /** Catches up, runs pending writes, uploads a snapshot and publishes the database file. */
  sync(): Promise<SyncReport>;
  /** Work that may follow an answer (a checkpoint that is due): hand it to the platform's `waitUntil`. Never rejects. */
  maintain(): Promise<void>;
  /** Ends what runs. The database that this process's functions share stays open for them. */
  close(): Promise<void>;
}

/**
 * Opens a database. Without options: the one that the functions of this process share.
 *
 * @example const db = await openDatabase({ environment: { LOCAL_DB_PATH: './books.db' }, migrations: './migrations' })
 * @throws AppError `unavailable` (also for a wrong configuration), `denied`, `corrupt`
 */
export async function openDatabase(options?: OpenDatabaseOptions): Promise<EiderDatabase> {
  if (!options) return new InProcess((await app.open()).database, () => Promise.resolve());
  const { environment, migrations } = options;
  const own = createApp({
    migrations: migrations === undefined ? projectMigrations() : loadMigrations(migrations),
    runtime: systemRuntime,
    environment: environment ? () => environment : processEnvironment,
    factories: backendFactories,
    signals: process,
  });
  return new InProcess((await own.open()).database, () => own.close());
}

class InProcess implements EiderDatabase {
  readonly engine: Database['engine'];
  readonly kysely: Queries;
  readonly close: () => Promise<void>;
  readonly #database: Database;

  constructor(database: Database, close: () => Promise<void>) {
    this.#database = database;
    this.engine = database.engine;
    this.close = close;
    this.kysely = makeTextQueries(async (sql, values, { query }) => {
      const run = (_: Queries, scope: Scope) => scope.run(sql, values as readonly PlainValue[]);
      return (isPlainSelect(query) ? await database.read(run) : await database.write(run)).value;
    });
  }

  async query(sql: string, values?: readonly PlainValue[], options?: ReadOptions): Promise<VersionedResult> {
    return versioned(await this.#database.read((_, scope) => scope.run(sql, values), options));
  }

  async execute(sql: string, values?: readonly PlainValue[]): Promise<VersionedResult> {
    return versioned(await this.#database.write((_, scope) => scope.run(sql, values)));
  }

  async transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const { value } = await this.#database.write((kysely, scope) =>
      work({
        kysely,
        get catalog() {
          return scope.catalog;
        },
        run: async (sql, values) => resultOf(await scope.run(sql, values)),
      }),
    );
    return value;
  }

  catalog(): Promise<Catalog> {
    return this.#database.catalog({ maxStalenessMs: 0 });
  }

  status(): Promise<DatabaseStatus> {
    return this.#database.status();
  }

  sync(): Promise<SyncReport> {
    return this.#database.sync();
  }

  maintain(): Promise<void> {
    return this.#database.maintain();
  }
}

function resultOf(result: StatementResult): Result {
  return { ...result, rows: rowsOf(result) };
}

function versioned({ value, version, durability }: Answer<StatementResult>): VersionedResult {
  return { ...resultOf(value), version, durability };
}
