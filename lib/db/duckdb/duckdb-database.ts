/** The Database on DuckDB: the engine's transactions with Kysely on top. */
import type { Catalog } from '../../catalog/catalog.ts';
import { describeDifference, type MigrationPlan } from '../../catalog/migrations.ts';
import type { Runtime } from '../../runtime.ts';
import { runWork, type WriteTransaction } from '../../sync/batch.ts';
import { Engine, type EngineOptions } from '../../sync/engine.ts';
import type { ReadRequest } from '../../sync/reads.ts';
import type { Definitions } from '../../sync/definitions.ts';
import { Shapes } from '../../sync/shapes.ts';
import type { Session } from '../../sync/sql.ts';
import type {
  Answer,
  ChangePage,
  ChangesRequest,
  CheckpointStatus,
  Database,
  DatabaseStatus,
  QueryRequest,
  QueryResult,
  ReadOptions,
  SyncReport,
  Uploads,
  Work,
  WriteOptions,
} from '../database.ts';
import type { UsageReport } from '../../store/usage.ts';
import { Catalogs } from './catalogs.ts';
import { changeSetOf } from './changes.ts';
import { copyOf, type LocalCopy } from './local-copy.ts';
import { type DuckDbMigrateOptions, runMigrations } from './migrate.ts';
import { prepareAdopted } from './adopted.ts';
import type { SandboxedQueries } from './query/queries.ts';
import { readingScope, writingScope } from './scope.ts';
import { readingQueries, runWriting } from './transaction.ts';
import { runTogether } from '../together.ts';
import { uploadsIn } from './uploads.ts';

export interface DuckDbDatabaseOptions extends EngineOptions, Omit<DuckDbMigrateOptions, 'runtime'> {
  /** How old a read's state may be unless the read says otherwise, in ms. */
  readonly maxStalenessMs: number;
  /** The requests sent to the store, where they are counted. */
  readonly usage?: () => UsageReport;
}

/** A database that has its state in a file here, which can be read while its store is away. */
export interface ReplicatedDatabase extends Database {
  readonly copy: LocalCopy;
}

/** Opens the engine, runs the migrations that are new, and gives the database. On failure nothing stays open. */
export async function openDuckDbDatabase(options: DuckDbDatabaseOptions): Promise<ReplicatedDatabase> {
  const catalogs = new Catalogs(options.runtime);
  const begin = (engine: Engine): void =>
    catalogs.begin(async (work) => (await engine.read(work, { maxStalenessMs: Infinity, atLeast: undefined })).value);
  return new DuckDbDatabase(await openMigrated(options, begin), catalogs, options);
}

/** The engine alone, for what works on whole states. */
export async function openMigratedEngine(options: EngineOptions & DuckDbMigrateOptions): Promise<Engine> {
  return (await openMigrated(options)).engine;
}

interface Opened {
  readonly engine: Engine;
  /** How the database's migrations differ from the files. */
  readonly differing: MigrationPlan['differing'];
}

/** `opened`: called before the migrations run. */
async function openMigrated(
  options: EngineOptions & DuckDbMigrateOptions,
  opened?: (engine: Engine) => void,
): Promise<Opened> {
  const engine = await Engine.open({ ...options, prepareAdopted });
  opened?.(engine);
  try {
    return { engine, differing: await runMigrations(engine, options) };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

class DuckDbDatabase implements ReplicatedDatabase {
  readonly engine = 'duckdb';
  readonly copy: LocalCopy;
  readonly uploads: Uploads;
  readonly #engine: Engine;
  readonly #catalogs: Catalogs;
  #queries: Promise<SandboxedQueries> | null = null;
  readonly #location: string;
  readonly #maxStalenessMs: number;
  readonly #runtime: Runtime;
  readonly #usage: (() => UsageReport) | undefined;
  readonly #migrate: DuckDbMigrateOptions;
  #differences: readonly string[];
  /** Of the database that the migrations have run on. */
  #logsLeft: number;
  #migrating: Promise<void> | null = null;

  constructor({ engine, differing }: Opened, catalogs: Catalogs, options: DuckDbDatabaseOptions) {
    this.#engine = engine;
    this.#differences = differing.map(describeDifference);
    this.#catalogs = catalogs;
    this.copy = copyOf(engine.local, this.#catalogs);
    this.uploads = uploadsIn(options.store, options.name, options.runtime);
    this.#location = `${options.store.location}/${options.name}`;
    this.#maxStalenessMs = options.maxStalenessMs;
    this.#runtime = options.runtime;
    this.#usage = options.usage;
    this.#migrate = options;
    this.#logsLeft = engine.logsLeft;
  }

  /** What was put into the store under this process is an older state, as a rule: it gets what it lacks. */
  async #migrated(): Promise<void> {
    if (this.#engine.logsLeft === this.#logsLeft) return;
    this.#migrating ??= this.#runMigrations().finally(() => (this.#migrating = null));
    await this.#migrating;
  }

  async #runMigrations(): Promise<void> {
    const { logsLeft } = this.#engine;
    this.#differences = (await runMigrations(this.#engine, this.#migrate)).map(describeDifference);
    this.#logsLeft = logsLeft;
  }

  async read<T>(work: Work<T>, options: ReadOptions = {}): Promise<Answer<T>> {
    await this.#migrated();
    const { together } = options;
    const set =
      together === undefined
        ? undefined
        : {
            name: together,
            member: work,
            run: (session: Session, definitions: Definitions, members: readonly unknown[]) =>
              this.#readOn(session, definitions, (queries, scope) => runTogether(queries, scope, members as Work<T>[])),
          };
    const answer = await this.#engine.read(
      (session, _version, definitions) => this.#readOn(session, definitions, work),
      { ...this.#readRequest(options), set },
    );
    return { ...answer, durability: 'durable' };
  }

  async #readOn<T>(session: Session, definitions: Definitions, work: Work<T>): Promise<T> {
    return work(readingQueries(session), await readingScope(session, definitions, this.#catalogs));
  }

  async catalog(options: ReadOptions = {}): Promise<Catalog> {
    const request = this.#readRequest({ ...options, maxStalenessMs: options.maxStalenessMs ?? Infinity });
    const known = await this.#catalogs.known(await this.#engine.definitions(request));
    if (known) return known;
    const { value } = await this.#engine.read(
      (session, _version, definitions) => this.#catalogs.of(definitions, session),
      request,
    );
    return value;
  }

  async query(request: QueryRequest, options: ReadOptions = {}): Promise<Answer<QueryResult>> {
    const answer = await this.queryAll([request], options);
    return { ...answer, value: answer.value[0]! };
  }

  async queryAll(
    requests: readonly QueryRequest[],
    options: ReadOptions = {},
  ): Promise<Answer<readonly QueryResult[]>> {
    // Loaded on first use, to keep starts fast.
    this.#queries ??= import('./query/queries.ts').then(
      ({ SandboxedQueries }) => new SandboxedQueries(this.#engine, this.#runtime),
    );
    return (await this.#queries).run(requests, this.#readRequest(options));
  }

  async exportTo(path: string, options: ReadOptions = {}): Promise<Answer<null>> {
    const { writeDatabaseFile } = await import('./files/database-file.ts');
    const started = this.#runtime.monotonicMs();
    const copy = await this.#engine.copy(this.#readRequest(options));
    try {
      await writeDatabaseFile(copy.path, path);
      const timings = { export: this.#runtime.monotonicMs() - started };
      return { value: null, version: copy.version, durability: 'durable', timings };
    } finally {
      copy.release();
    }
  }

  #readRequest({ maxStalenessMs, atLeast, askedMs, signal }: ReadOptions): ReadRequest {
    return { maxStalenessMs: maxStalenessMs ?? this.#maxStalenessMs, atLeast, askedMs, signal };
  }

  async write<T>(work: Work<T>, options: WriteOptions = {}): Promise<Answer<T>> {
    await this.#migrated();
    if (options.large === true) return this.#writeLarge(work);
    const { signal, together } = options;
    const set =
      together === undefined
        ? undefined
        : {
            name: together,
            member: work,
            run: (transaction: WriteTransaction, members: readonly unknown[]) =>
              this.#writeIn(transaction, (queries, scope) => runTogether(queries, scope, members as Work<T>[])),
          };
    const committed = await this.#engine.write((transaction) => this.#writeIn(transaction, work), { signal, set });
    return { ...committed, durability: 'durable' };
  }

  /** Runs `work` in the engine's transaction and captures what it changes. */
  #writeIn<T>(transaction: WriteTransaction, work: Work<T>): Promise<T> {
    const catalogs = this.#catalogs;
    return runWriting({ transaction, shapes: this.#engine.shapes, catalogs }, async ({ queries, run }) =>
      work(queries, await writingScope(transaction, { catalogs, runtime: this.#runtime, run })),
    );
  }

  /** Nothing is captured: the whole state is the record. */
  async #writeLarge<T>(work: Work<T>): Promise<Answer<T>> {
    const started = this.#runtime.monotonicMs();
    const catalogs = this.#catalogs;
    const committed = await this.#engine.writeBulk(async (session, definitions) => {
      const { result } = await runWork(
        (transaction) =>
          runWriting({ transaction, shapes: new Shapes(session), catalogs, isWhole: true }, async ({ queries, run }) =>
            work(queries, await writingScope(transaction, { catalogs, runtime: this.#runtime, run })),
          ),
        session,
        { definitions },
      );
      if (!result.ok) throw result.error;
      return result.value;
    });
    return { ...committed, durability: 'durable', timings: { bulk: this.#runtime.monotonicMs() - started } };
  }

  async changes({ after, limit, signal }: ChangesRequest): Promise<Answer<ChangePage>> {
    const { records, oldest, head, timings } = await this.#engine.feed(after, limit, signal);
    return { value: { sets: records.map(changeSetOf), oldest, head }, version: head, durability: 'durable', timings };
  }

  async status(): Promise<DatabaseStatus> {
    await this.#engine.settled();
    const { databaseId, version, tail, transfers, warnings } = this.#engine.status();
    const checkpoint: CheckpointStatus = {
      version: tail.snapshot?.version ?? null,
      at: tail.snapshot?.modifiedAt.toISOString() ?? null,
      bytes: tail.snapshot?.bytes ?? null,
      recordsSince: tail.records,
    };
    return {
      engine: 'duckdb',
      location: this.#location,
      databaseId,
      version,
      checkpoint,
      pendingWrites: 0,
      transfers,
      usage: this.#usage?.() ?? null,
      warnings: [...this.#differences, ...this.#catalogs.warnings, ...warnings],
    };
  }

  async sync(): Promise<SyncReport> {
    const started = this.#runtime.monotonicMs();
    const { from, recordsApplied, checkpoint } = await this.#engine.sync();
    return {
      from,
      version: this.#engine.status().version,
      recordsApplied,
      checkpoint: { version: checkpoint.version, bytes: checkpoint.bytes, uploaded: checkpoint.uploaded },
      published: checkpoint.published,
      dropped: checkpoint.dropped,
      pendingDrained: 0,
      durationMs: Math.round(this.#runtime.monotonicMs() - started),
    };
  }

  async maintain(): Promise<void> {
    (await this.#queries)?.retireIdle();
    await this.#engine.maintain();
  }

  async close(): Promise<void> {
    (await this.#queries)?.close();
    await this.#engine.close();
  }
}
