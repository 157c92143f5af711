import { type Catalog, relationId } from '../../catalog/catalog.ts';
import { Gathering } from '../../async/gathering.ts';
import { AppError, isAppError } from '../../errors.ts';
import type {
  Answer,
  ChangePage,
  ChangesRequest,
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
import { inTransaction, runTogether } from '../together.ts';
import { compareEveryMs } from './catalogs.ts';
import { dropOldChanges, readChanges } from './changes.ts';
import { openParts, type DatabaseParts, type PostgresDatabaseOptions } from './open.ts';
import type { ConnectionPool } from './pool.ts';
import { noteDefinitions } from './schema-of-eider.ts';
import { openWork } from './scope.ts';
import type { PostgresTransaction } from './transaction.ts';
import { watchNew } from './watch.ts';

/** Connects, runs the migrations that are new, and gives the database. On failure nothing stays open. @throws AppError */
export async function openPostgresDatabase(options: PostgresDatabaseOptions): Promise<PooledDatabase> {
  return new PostgresDatabase(await openParts(options));
}

export async function openMigratedPool(options: PostgresDatabaseOptions): Promise<MigratedPool> {
  const { pool, location } = await openParts(options);
  return { pool, location };
}

export type PooledDatabase = Database & { readonly pool: ConnectionPool };

export interface MigratedPool {
  readonly pool: ConnectionPool;
  readonly location: string;
}

const retentionEveryMs = 10 * 60_000;

interface GatheredRead extends ReadOptions {
  readonly work: Work<unknown>;
}

interface GatheredWrite {
  readonly work: Work<unknown>;
  readonly signal: AbortSignal | undefined;
}

class PostgresDatabase implements PooledDatabase {
  readonly engine = 'postgres';
  readonly uploads = noUploads;
  readonly #parts: DatabaseParts;
  readonly #sharedReads: Gathering<GatheredRead, Answer<unknown>>;
  readonly #sharedWrites: Gathering<GatheredWrite, Answer<unknown>>;
  #version = 0;
  #nextRetentionMs: number;

  constructor(parts: DatabaseParts) {
    this.#parts = parts;
    this.#sharedReads = new Gathering(parts.runtime, {
      alone: ({ work, ...options }) => this.#read(work, options),
      together: (reads, signal) => this.#readTogether(reads, signal),
    });
    this.#sharedWrites = new Gathering(parts.runtime, {
      alone: ({ work, signal }) => this.#write(work, signal),
      together: (writes, signal) => this.#writeTogether(writes, signal),
    });
    // Not at once: a process that lives for one request has no time for it.
    this.#nextRetentionMs = parts.runtime.monotonicMs() + retentionEveryMs / 10;
  }

  get pool(): ConnectionPool {
    return this.#parts.pool;
  }

  read<T>(work: Work<T>, options: ReadOptions = {}): Promise<Answer<T>> {
    const { together } = options;
    if (together === undefined) return this.#read(work, options);
    return this.#sharedReads.join(together, { ...options, work }) as Promise<Answer<T>>;
  }

  async #readTogether(
    reads: readonly GatheredRead[],
    signal: AbortSignal,
  ): Promise<readonly PromiseSettledResult<Answer<unknown>>[]> {
    const works = reads.map(({ work }) => work);
    const { value: outcomes, ...answer } = await this.#read((queries, scope) => runTogether(queries, scope, works), {
      signal,
    });
    return outcomes.map((outcome, index) => {
      if (outcome.status === 'rejected') return outcome;
      requireBookmark(reads[index]?.atLeast, answer.version);
      return { ...outcome, value: { ...answer, value: outcome.value } };
    });
  }

  async #read<T>(work: Work<T>, options: ReadOptions): Promise<Answer<T>> {
    const { value, version, timings } = await this.#parts.transactions.run(
      (transaction) =>
        this.#judged(transaction, async () => {
          const { queries, scope } = await openWork(transaction, this.#parts);
          return work(queries, scope);
        }),
      { mode: 'read', signal: options.signal },
    );
    requireBookmark(options.atLeast, version);
    return this.#advanceTo({ value, version, durability: 'durable', timings: { run: timings.run } });
  }

  write<T>(work: Work<T>, options: WriteOptions = {}): Promise<Answer<T>> {
    const { together, signal } = options;
    if (together === undefined) return this.#write(work, signal);
    return this.#sharedWrites.join(together, { work, signal }) as Promise<Answer<T>>;
  }

  /**
   * In one transaction: should one of its statements fail, nothing of any of them is kept, and each runs by itself. Where it
   * is unknown whether they are kept, none is run again.
   */
  async #writeTogether(
    writes: readonly GatheredWrite[],
    signal: AbortSignal,
  ): Promise<readonly PromiseSettledResult<Answer<unknown>>[]> {
    const works = writes.map(({ work }) => work);
    try {
      const { value: outcomes, ...answer } = await this.#write(
        (queries, scope) => runTogether(queries, inTransaction(scope), works),
        signal,
      );
      return outcomes.map((outcome) =>
        outcome.status === 'rejected' ? outcome : { ...outcome, value: { ...answer, value: outcome.value } },
      );
    } catch (reason) {
      if (!isAppError(reason, 'indeterminate')) throw reason;
      return writes.map(() => ({ status: 'rejected', reason }));
    }
  }

  async #write<T>(work: Work<T>, signal: AbortSignal | undefined): Promise<Answer<T>> {
    const { transactions, catalogs, watch } = this.#parts;
    watch.requireWritable();
    let changesDefinitions = false;
    const { value, version, timings } = await transactions.run(
      (transaction) =>
        this.#judged(transaction, async () => {
          const { queries, scope } = await openWork(transaction, this.#parts, async (before) => {
            changesDefinitions = true;
            await keepDefinitions(transaction, before);
          });
          return work(queries, scope);
        }),
      { mode: 'write', signal },
    );
    if (changesDefinitions) catalogs.doubt();
    return this.#advanceTo({ value, version, durability: 'durable', timings });
  }

  async catalog(options: ReadOptions = {}): Promise<Catalog> {
    const { transactions, runtime, catalogs, watch } = this.#parts;
    const { maxStalenessMs = Infinity, askedMs = runtime.monotonicMs() } = options;
    const known = catalogs.knownSince(askedMs - Math.min(maxStalenessMs, compareEveryMs));
    if (known) return known;
    const { value } = await transactions.run((transaction) => catalogs.of(transaction, 0), {
      mode: 'read',
      signal: options.signal,
    });
    // A table that was created meanwhile may be written next.
    await watch.attach();
    return value;
  }

  async #judged<T>(transaction: PostgresTransaction, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      this.#parts.catalogs.judge(transaction.failure);
    }
  }

  async changes(request: ChangesRequest): Promise<Answer<ChangePage>> {
    const answer = await this.#readChanges(request);
    // Tables that get their triggers now make the feed begin again.
    return (await this.#parts.watch.attach()) ? this.#readChanges(request) : answer;
  }

  async #readChanges(request: ChangesRequest): Promise<Answer<ChangePage>> {
    const { transactions, watch } = this.#parts;
    const { value, version, timings } = await transactions.run(
      async (transaction) => ({
        ...(await readChanges(transaction, request)),
        untold: await watch.findUntold(transaction),
      }),
      { mode: 'read', signal: request.signal },
    );
    return { value, version, durability: 'durable', timings: { run: timings.run } };
  }

  async query(request: QueryRequest, options: ReadOptions = {}): Promise<Answer<QueryResult>> {
    const answer = await this.queryAll([request], options);
    return { ...answer, value: answer.value[0]! };
  }

  async queryAll(
    requests: readonly QueryRequest[],
    options: ReadOptions = {},
  ): Promise<Answer<readonly QueryResult[]>> {
    // The parser is loaded on first use.
    const { answerQueries } = await import('./query/query.ts');
    return answerQueries(this.#parts, requests, options.signal, (version) => requireBookmark(options.atLeast, version));
  }

  exportTo(): Promise<Answer<null>> {
    const message = 'PostgreSQL cannot export the whole database as a DuckDB file; a DuckDB store can.';
    const hint = 'Export the tables one by one, or move a copy into a DuckDB store with "npm run db".';
    return Promise.reject(new AppError('invalid', message, { hint }));
  }

  async status(): Promise<DatabaseStatus> {
    const { transactions, location, warnings, watch } = this.#parts;
    const { value: state, version } = await transactions.run(
      async (transaction) => {
        await watch.look(transaction);
        return transaction.rows<{ id: string }>('SELECT id FROM eider.state');
      },
      { mode: 'read' },
    );
    return {
      engine: 'postgres',
      location,
      databaseId: state[0]?.id ?? null,
      version,
      checkpoint: null,
      pendingWrites: 0,
      transfers: [],
      usage: null,
      warnings: [...watch.warnings, ...warnings],
    };
  }

  async sync(): Promise<SyncReport> {
    const { runtime } = this.#parts;
    const started = runtime.monotonicMs();
    const from = this.#version;
    await this.#parts.watch.attach(true);
    const records = await this.#dropOldChanges();
    const { version } = await this.status();
    return {
      from,
      version,
      recordsApplied: 0,
      checkpoint: null,
      published: false,
      dropped: { records, snapshots: 0 },
      pendingDrained: 0,
      durationMs: Math.round(runtime.monotonicMs() - started),
    };
  }

  async maintain(): Promise<void> {
    const { runtime, warn, watch } = this.#parts;
    const isDue = runtime.monotonicMs() >= this.#nextRetentionMs;
    await watch.attach(isDue);
    if (!isDue) return;
    this.#nextRetentionMs = runtime.monotonicMs() + retentionEveryMs;
    try {
      await this.#dropOldChanges();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      warn(`Old changes could not be dropped: ${error.message}`);
    }
  }

  close(): Promise<void> {
    return this.#parts.pool.close();
  }

  async #dropOldChanges(): Promise<number> {
    const { transactions, limits } = this.#parts;
    for (let records = 0; ;) {
      const { value: dropped } = await transactions.run((transaction) => dropOldChanges(transaction, limits.retainMs), {
        mode: 'upkeep',
      });
      records += dropped.records;
      if (!dropped.mayBeMore) return records;
    }
  }

  #advanceTo<T>(answer: Answer<T>): Answer<T> {
    this.#version = Math.max(this.#version, answer.version);
    return answer;
  }
}

/** What a statement made gets its triggers at once, and the feed says that definitions changed. */
async function keepDefinitions(transaction: PostgresTransaction, before: Catalog): Promise<void> {
  await transaction.rows(noteDefinitions);
  await watchNew(transaction, (table) => !before.relations.has(relationId(table)));
}

function requireBookmark(atLeast: number | undefined, version: number): void {
  if (atLeast === undefined || atLeast <= version) return;
  throw new AppError('invalid', `The bookmark ${atLeast} is ahead of the database, which is at version ${version}.`, {
    hint: 'It is from another database, or from before a restore. Repeat the request without it.',
  });
}

function refuse(): Promise<never> {
  const message = 'On PostgreSQL a file has to be imported in one request.';
  const hint = 'Split a larger file into several, each with its header line.';
  return Promise.reject(new AppError('invalid', message, { hint }));
}

export const noUploads: Uploads = {
  keep: refuse,
  read: refuse,
  list: refuse,
  drop: refuse,
  dropAbandoned: () => Promise.resolve(0),
};
