/**
 * Eider in process: the database of the environment, or one of your own choice, by SQL.
 *
 * @example
 * const db = await openDatabase();
 * await db.execute('INSERT INTO books (isbn, title) VALUES ($1, $2)', [isbn, title]); // durable once it resolves
 * const { rows, version } = await db.query('SELECT title FROM books WHERE isbn = $1', [isbn]);
 */
import { waitUntil } from '@vercel/functions';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type App, app, appOf, createApp, projectMigrations, rememberApp } from './app.ts';
import { backendFactories } from './backends.ts';
import type { Catalog } from './catalog/catalog.ts';
import { loadMigrations } from './catalog/migration-files.ts';
import type { Migration } from './catalog/migrations.ts';
import { nameDatabase, type StoreChoice } from './config/given.ts';
import { processEnvironment } from './config/process.ts';
import { provideThreads } from './config/threads.ts';
import type { Answer, Database, DatabaseStatus, Durability, ReadOptions, Scope, SyncReport } from './db/database.ts';
import { AppError } from './errors.ts';
import { systemRuntime } from './runtime.ts';
import { type QueryColumn, rowsOf, type StatementResult } from './sql/result.ts';
import type { Store } from './store/store.ts';
import type { PlainValue, Row } from './values.ts';

export { AppError, type ErrorKind, isAppError } from './errors.ts';
export type { Catalog, DatabaseStatus, PlainValue, QueryColumn, ReadOptions, Row, Store, StoreChoice, SyncReport };

provideThreads();

export interface OpenDatabaseOptions {
  /** Where the database lives: `s3(…)`, `gcs(…)`, `blob(…)`, `directory(…)`. Default: what the environment names. */
  readonly store?: StoreChoice | Store;
  /** The database file's name in the store. For the one of the environment, its variables give it. */
  readonly name?: string;
  /** The folder of SQL files that make the tables. Default: `migrations`, in the project's folder. */
  readonly migrations?: string | URL;
  /** Instead of the process's own; see .env.example. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
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
  run(sql: string, values?: readonly PlainValue[]): Promise<Result>;
}

export interface EiderDatabase {
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
   * `unavailable` (nothing was written), `indeterminate` (it is unknown whether it was written)
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
  /**
   * Does what is due, such as a checkpoint. That begins by itself after each call, and Vercel waits for it; await this on a
   * platform that freezes the process once it has answered. Never rejects.
   */
  maintain(): Promise<void>;
  /** Ends what runs. The environment's database, which all of the process share, stays open for the others. */
  close(): Promise<void>;
}

/**
 * Opens a database. Without options: the environment's, which all of the process share.
 *
 * @example const db = await openDatabase({ store: s3({ bucket: 'my-data' }), name: 'books.db', migrations: './migrations' })
 * @throws AppError `invalid` (the options), `unavailable` (also for a wrong environment), `denied`, `corrupt`
 */
export async function openDatabase(options?: OpenDatabaseOptions): Promise<EiderDatabase> {
  const database = lazyDatabase(options);
  await appOf(database).open();
  return database;
}

/**
 * The same, but opened by its first use: what a module can export that is also loaded where there is no database, as
 * when a framework builds the project.
 *
 * @example export const db = lazyDatabase()
 * @throws AppError `invalid` (the options); its methods throw what `openDatabase` does
 */
export function lazyDatabase(options?: OpenDatabaseOptions): EiderDatabase {
  const own = options === undefined ? null : makeApp(options);
  const database = new InProcess(own ?? app, own ? () => own.close() : () => Promise.resolve());
  rememberApp(database, own ?? app);
  return database;
}

/** In JavaScript nobody else notices: a slip in a name would open the database of the environment instead. */
function checkOptions(options: object): void {
  const known = new Set(['store', 'name', 'migrations', 'environment']);
  const names = typeof options === 'object' && options !== null ? Object.keys(options) : [String(options)];
  const wrong = names.find((name) => !known.has(name));
  if (wrong === undefined) return;
  throw new AppError('invalid', `${wrong} is no option of openDatabase.`, {
    hint: `Give an object; the options are ${[...known].join(', ')}.`,
  });
}

function makeApp(options: OpenDatabaseOptions): App {
  checkOptions(options);
  const { store, name, migrations, environment = processEnvironment() } = options;
  if (store === undefined && name !== undefined) {
    throw new AppError('invalid', 'A name was given without a store.', {
      hint: 'Pass a store as well, or set the database name in the environment.',
    });
  }
  const folder = migrations instanceof URL ? fileURLToPath(migrations) : migrations;
  return createApp({
    // Read by each opening, so that a file that is wrong can be corrected.
    get migrations() {
      return folder === undefined ? projectMigrations() : migrationsIn(folder);
    },
    runtime: systemRuntime,
    environment: () => environment,
    factories: backendFactories,
    signals: process,
    ...(store !== undefined && { backend: nameDatabase(store, name) }),
  });
}

function migrationsIn(folder: string): readonly Migration[] {
  if (existsSync(folder)) return loadMigrations(folder);
  throw new AppError('unavailable', `The folder of migrations ${folder} does not exist.`, {
    hint: 'A relative path is resolved from the working directory. If a bundler is used, have it include the folder.',
  });
}

class InProcess implements EiderDatabase {
  readonly close: () => Promise<void>;
  readonly #app: App;

  constructor(opened: App, close: () => Promise<void>) {
    this.#app = opened;
    this.close = close;
  }

  query(sql: string, values?: readonly PlainValue[], options?: ReadOptions): Promise<VersionedResult> {
    return this.#use(async (database) => versioned(await database.read((_, scope) => scope.run(sql, values), options)));
  }

  execute(sql: string, values?: readonly PlainValue[]): Promise<VersionedResult> {
    return this.#use(async (database) => versioned(await database.write((_, scope) => scope.run(sql, values))));
  }

  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#use(async (database) => {
      const { value } = await database.write((_, scope) => work(transactionOn(scope)));
      return value;
    });
  }

  catalog(): Promise<Catalog> {
    return this.#use((database) => database.catalog({ maxStalenessMs: 0 }));
  }

  status(): Promise<DatabaseStatus> {
    return this.#use((database) => database.status());
  }

  sync(): Promise<SyncReport> {
    return this.#use((database) => database.sync());
  }

  async maintain(): Promise<void> {
    const opened = await this.#app.open().catch(() => null);
    await opened?.database.maintain();
  }

  /** What is due afterwards begins on a later turn of the event loop, and is the platform's to wait for. */
  async #use<T>(work: (database: Database) => Promise<T>): Promise<T> {
    const { database } = await this.#app.open();
    const value = await work(database);
    waitUntil(this.#app.runtime.sleep(0).then(() => database.maintain()));
    return value;
  }
}

function transactionOn(scope: Scope): Transaction {
  return {
    get catalog() {
      return scope.catalog;
    },
    run: async (sql, values) => resultOf(await scope.run(sql, values)),
  };
}

function resultOf(result: StatementResult): Result {
  return { ...result, rows: rowsOf(result) };
}

function versioned({ value, version, durability }: Answer<StatementResult>): VersionedResult {
  return { ...resultOf(value), version, durability };
}
