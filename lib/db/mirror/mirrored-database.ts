/**
 * PostgreSQL with a mirror behind it: `sync` refreshes the mirror, `status` tells its age. Trouble of the mirror is told of,
 * and stops nothing.
 */
import { mkdir } from 'node:fs/promises';
import type { Catalog } from '../../catalog/catalog.ts';
import { isAppError } from '../../errors.ts';
import type { Runtime } from '../../runtime.ts';
import type { Engine as MirrorEngine } from '../../sync/engine.ts';
import { Turn } from '../../sync/turn.ts';
import type {
  Answer,
  ChangePage,
  ChangesRequest,
  Database,
  DatabaseStatus,
  MirrorOutcome,
  QueryRequest,
  QueryResult,
  ReadOptions,
  SyncReport,
  Uploads,
  Work,
  WriteOptions,
} from '../database.ts';
import type { PooledDatabase } from '../postgres/postgres-database.ts';
import { readKnown, writeKnown } from './known-mirror.ts';
import type { MirrorReport } from './mirror.ts';

export interface MirrorPlace {
  /** The address of the PostgreSQL database. */
  readonly source: string;
  /** That of the store. */
  readonly address: string;
  readonly backend: string;
  /** Opens the DuckDB database in the store. @throws AppError */
  open(): Promise<MirrorEngine>;
  readonly spillFolder: string;
  readonly runtime: Runtime;
}

export function withMirror(database: PooledDatabase, place: MirrorPlace): Database {
  return new MirroredDatabase(database, place);
}

class MirroredDatabase implements Database {
  readonly engine = 'postgres';
  readonly #database: PooledDatabase;
  readonly #place: MirrorPlace;
  readonly #turn = new Turn();

  constructor(database: PooledDatabase, place: MirrorPlace) {
    this.#database = database;
    this.#place = place;
  }

  read<T>(work: Work<T>, options?: ReadOptions): Promise<Answer<T>> {
    return this.#database.read(work, options);
  }

  write<T>(work: Work<T>, options?: WriteOptions): Promise<Answer<T>> {
    return this.#database.write(work, options);
  }

  catalog(options?: ReadOptions): Promise<Catalog> {
    return this.#database.catalog(options);
  }

  query(request: QueryRequest, options?: ReadOptions): Promise<Answer<QueryResult>> {
    return this.#database.query(request, options);
  }

  exportTo(path: string, options?: ReadOptions): Promise<Answer<null>> {
    return this.#database.exportTo(path, options);
  }

  changes(request: ChangesRequest): Promise<Answer<ChangePage>> {
    return this.#database.changes(request);
  }

  get uploads(): Uploads {
    return this.#database.uploads;
  }

  async status(): Promise<DatabaseStatus> {
    const { address, backend, runtime } = this.#place;
    const status = await this.#database.status();
    const known = await readKnown(this.#database.pool, address);
    const ageSeconds =
      known.at === null ? null : Math.max(0, Math.round((runtime.now() - Date.parse(known.at)) / 1000));
    const warnings = known.trouble === null ? status.warnings : [...status.warnings, known.trouble];
    return { ...status, mirror: { backend, ...known, ageSeconds }, warnings };
  }

  async sync(): Promise<SyncReport> {
    const { runtime } = this.#place;
    const started = runtime.monotonicMs();
    const report = await this.#database.sync();
    const mirror = await this.#turn.take(() => this.#refresh());
    return { ...report, mirror, durationMs: Math.round(runtime.monotonicMs() - started) };
  }

  maintain(): Promise<void> {
    return this.#database.maintain();
  }

  async close(): Promise<void> {
    await this.#turn.take(() => Promise.resolve());
    await this.#database.close();
  }

  async #refresh(): Promise<MirrorOutcome> {
    const { pool } = this.#database;
    const { address } = this.#place;
    try {
      const report = await this.#refreshOnce();
      await writeKnown(pool, address, { version: report.version, at: report.at, trouble: null });
      return report;
    } catch (error) {
      const reason = reasonOf(error);
      // What is known of it stays as it was, except for the trouble; where even that cannot be noted, the answer says it.
      await readKnown(pool, address)
        .then((known) => writeKnown(pool, address, { ...known, trouble: reason }))
        .catch(() => undefined);
      // A defect is for the log.
      if (!isAppError(error)) throw error;
      return { how: 'failed', reason };
    }
  }

  async #refreshOnce(): Promise<MirrorReport> {
    // With DuckDB, which a process that serves from PostgreSQL does not need otherwise.
    const { refreshMirror } = await import('./mirror.ts');
    await mkdir(this.#place.spillFolder, { recursive: true });
    const engine = await this.#place.open();
    try {
      const postgres = { database: this.#database, pool: this.#database.pool };
      return await refreshMirror({ ...this.#place, postgres, engine });
    } finally {
      await engine.close();
    }
  }
}

function reasonOf(error: unknown): string {
  if (!isAppError(error)) return 'The mirror could not be refreshed because of a defect of this program.';
  return [error.message, error.hint].filter((text) => text !== undefined).join(' ');
}
