/**
 * A `Database` over a plain in-memory DuckDB, for tests of what stands above the engine: one connection, one
 * transaction at a time, nothing persists. Versions count the writes.
 */
import {
  DuckDBDateValue,
  DuckDBInstance,
  DuckDBTimestampTZValue,
  DuckDBUUIDValue,
  DOUBLE,
  type DuckDBConnection,
  type DuckDBType,
  type DuckDBValue,
} from '@duckdb/node-api';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely';
import type { Catalog } from '../../lib/catalog/catalog.ts';
import { readDuckDbCatalog } from '../../lib/catalog/duckdb.ts';
import type {
  Answer,
  Database,
  DatabaseStatus,
  ReadOptions,
  SyncReport,
  Work,
  WriteOptions,
} from '../../lib/db/database.ts';
import { plainRows } from '../../lib/db/duckdb/dialect.ts';
import { mapDuckDbError } from '../../lib/db/duckdb/errors.ts';
import { noUploads } from '../../lib/db/postgres/postgres-database.ts';
import { ownMigrations } from '../../lib/db/own-migrations.ts';
import { AppError } from '../../lib/errors.ts';
import { type Migration, scriptsFor } from '../../lib/catalog/migrations.ts';
import { Session } from '../../lib/sync/sql.ts';
import { runOn } from './plain-scope.ts';
import type { AnyTables, PlainValue, Queries } from '../../lib/values.ts';

export interface PlainDatabase extends Database {
  /** Every statement that ran, for tests that look at SQL. */
  readonly statements: CompiledQuery[];
  /** The options of every write. */
  readonly writes: WriteOptions[];
  /** When set, reads and writes fail with it, or answer with it. */
  trouble: { fail?: Error; degraded?: string; durability?: 'pending' };
  maintained: number;
  closed: boolean;
}

/** Opens an empty database and runs the migrations. */
export async function openPlainDatabase(migrations: readonly Migration[]): Promise<PlainDatabase> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const database = plainDatabase(connection);
  await connection.run('CREATE SCHEMA eider');
  for (const { parts } of scriptsFor([...ownMigrations, ...migrations], 'duckdb')) {
    // DuckDB's own foreign keys refuse too much; references are tested where Eider keeps them.
    for (const { sql } of parts[0]!.statements()) await connection.run(sql.replaceAll(/ REFERENCES \w+ \(id\)/g, ''));
  }
  database.statements.length = 0;
  database.writes.length = 0;
  return database;
}

function plainDatabase(connection: DuckDBConnection): PlainDatabase {
  const statements: CompiledQuery[] = [];
  const queries: Queries = new Kysely<AnyTables>({ dialect: dialectOf(connection, statements) });
  let version = 0;
  let turn: Promise<unknown> = Promise.resolve();

  /** One transaction at a time; always ended by the statement that says so. */
  function transact<T>(work: Work<T>, end: 'COMMIT' | 'ROLLBACK'): Promise<T> {
    const result = turn.then(async () => {
      await connection.run('BEGIN');
      const before = statements.length;
      let done = false;
      try {
        const value = await work(queries, {
          catalog: await readCatalog(),
          run: (sql, values = []) => {
            statements.push({ sql, parameters: values } as unknown as CompiledQuery);
            return runOn(session, sql, values);
          },
        });
        done = true;
        return value;
      } catch (error) {
        throw mapDuckDbError(error);
      } finally {
        await connection.run(done ? end : 'ROLLBACK');
        if (statements.slice(before).some(({ sql }) => /^\s*(?:CREATE|ALTER|DROP)/i.test(sql))) known = null;
      }
    });
    turn = result.catch(() => undefined);
    return result;
  }

  const session = new Session(connection);
  let known: Promise<Catalog> | null = null;
  const readCatalog = (): Promise<Catalog> =>
    (known ??= readDuckDbCatalog(async (sql) => plainRows(await session.run(sql)), []));

  const answer = <T>(value: T): Answer<T> => ({
    value,
    version,
    durability: database.trouble.durability ?? 'durable',
    ...(database.trouble.degraded === undefined ? {} : { degraded: database.trouble.degraded }),
    timings: { db: 1.25 },
  });

  const database: PlainDatabase = {
    engine: 'duckdb',
    statements,
    writes: [],
    trouble: {},
    maintained: 0,
    closed: false,
    async read(work, options: ReadOptions = {}) {
      if (database.trouble.fail) throw database.trouble.fail;
      if ((options.atLeast ?? 0) > version) {
        throw new AppError('unavailable', `The log ends at version ${version}.`, { retryAfterMs: 1000 });
      }
      return answer(await transact(work, 'ROLLBACK'));
    },
    async write(work, options = {}) {
      if (database.trouble.fail) throw database.trouble.fail;
      database.writes.push(options);
      const value = await transact(work, 'COMMIT');
      version += 1;
      return answer(value);
    },
    catalog: () => transact((_queries, { catalog }) => Promise.resolve(catalog), 'ROLLBACK'),
    uploads: noUploads,
    exportTo: () =>
      Promise.reject(new AppError('invalid', 'It makes no files: tests of exports run on a database that does.')),
    query: noSandbox,
    queryAll: noSandbox,
    /** It keeps nothing of what it did. */
    changes: async () => answer({ sets: [], oldest: version, head: version }),
    status: async (): Promise<DatabaseStatus> => ({
      engine: 'duckdb',
      location: 'memory',
      databaseId: '00000000-0000-4000-8000-000000000000',
      version,
      checkpoint: { version: null, at: null, bytes: null, recordsSince: version },
      pendingWrites: 0,
      transfers: [],
      usage: null,
      warnings: [],
    }),
    sync: async (): Promise<SyncReport> => ({
      from: version,
      version,
      recordsApplied: 0,
      checkpoint: { version, bytes: 1024, uploaded: false },
      published: false,
      dropped: { records: 0, snapshots: 0 },
      pendingDrained: 0,
      durationMs: 1,
    }),
    maintain: async () => void (database.maintained += 1),
    close: async () => void (database.closed = true),
  };
  return database;
}

function dialectOf(connection: DuckDBConnection, statements: CompiledQuery[]): Dialect {
  const kyselyConnection: DatabaseConnection = {
    async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
      statements.push(query);
      const values = query.parameters as DuckDBValue[];
      const reader = await connection.runAndReadAll(query.sql, values, typesOf(values));
      const rows = reader
        .getRowObjects()
        .map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)])));
      return { rows: rows as R[] };
    },
    streamQuery() {
      throw new Error('Tests do not stream.');
    },
  };
  return {
    createAdapter: () => new PostgresAdapter(),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createDriver: () => ({
      init: async () => undefined,
      acquireConnection: async () => kyselyConnection,
      beginTransaction: async () => undefined,
      commitTransaction: async () => undefined,
      rollbackTransaction: async () => undefined,
      releaseConnection: async () => undefined,
      destroy: async () => undefined,
    }),
  };
}

/** The client library takes any whole number for a BIGINT, also 1e300: such numbers are doubles. */
function typesOf(values: readonly DuckDBValue[]): DuckDBType[] {
  return values.map((value) =>
    typeof value === 'number' && Math.abs(value) >= 2 ** 31 ? DOUBLE : (undefined as unknown as DuckDBType),
  );
}

function plain(value: DuckDBValue): PlainValue {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number')
    return value;
  if (typeof value === 'bigint' || value instanceof DuckDBUUIDValue || value instanceof DuckDBDateValue) {
    return value.toString();
  }
  if (value instanceof DuckDBTimestampTZValue) return timestamp(value.micros);
  throw new Error(`A value that these tests do not know: ${value.constructor.name}`);
}

function timestamp(micros: bigint): string {
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const iso = new Date(Number((micros - fraction) / 1000n)).toISOString();
  return `${iso.slice(0, 19)}.${String(fraction).padStart(6, '0')}Z`;
}

function noSandbox(): Promise<never> {
  return Promise.reject(new Error('It has no sandbox: tests of queries run on a database that has one.'));
}
