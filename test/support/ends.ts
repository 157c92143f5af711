/** Ends of moves for tests: a database of a real PostgreSQL server, and DuckDB on a store in memory. */
import { onTestFinished } from 'vitest';
import { moveDatabase } from '../../lib/db/move/move.ts';
import type { DuckDbBackend, MoveOptions, MoveReport, OnMoveEvent, PostgresBackend } from '../../lib/db/move/report.ts';
import { openMigratedPool } from '../../lib/db/postgres/postgres-database.ts';
import { systemRuntime as runtime } from '../../lib/runtime.ts';
import { Engine } from '../../lib/sync/engine.ts';
import { openDatabase, temporaryFolder } from './engine.ts';
import { migrations } from './migrations.ts';
import type { PostgresServer } from './servers/postgres.ts';
import { createMemoryStore } from '../../lib/testing/memory.ts';

export interface PostgresTestBackend extends PostgresBackend {
  readonly url: string;
  run(sql: string): Promise<Record<string, unknown>[]>;
}

/** A new database with the schema's tables. */
export async function postgresBackend(server: PostgresServer): Promise<PostgresTestBackend> {
  const url = await server.createDatabase();
  const { pool, location } = await openMigratedPool({ connectionString: url, driver: 'pg', migrations, runtime });
  onTestFinished(() => pool.close());
  return { kind: 'postgres', url, location, pool, run: (sql) => server.run(sql, new URL(url).pathname.slice(1)) };
}

export interface DuckDbTestBackend extends DuckDbBackend {
  /** Rows, every value as text. */
  rows(sql: string): Promise<(string | null)[][]>;
}

/** A new database with the schema's tables, and what the statements make. */
export async function duckDbBackend(statements = ''): Promise<DuckDbTestBackend> {
  const store = createMemoryStore({ runtime });
  await (await openDatabase({ store, migrations })).close();
  const engine = await Engine.open({ store, name: 'test.db', slotRoot: await temporaryFolder(), runtime });
  onTestFinished(() => engine.close());
  if (statements !== '') await engine.writeBulk((session) => session.execute(statements));
  return {
    kind: 'duckdb',
    location: `memory ${runtime.uuid()}`,
    engine,
    async rows(sql) {
      const newest = { maxStalenessMs: 0, atLeast: undefined };
      const { value } = await engine.read((session) => session.rows(sql), newest);
      return value.map((row) => row.map((each) => (each === null ? null : String(each))));
    },
  };
}

export interface TestMove {
  readonly replace?: boolean;
  readonly workFolder?: string;
  readonly commitRows?: number;
  readonly onEvent?: OnMoveEvent;
}

/** Moves as the command does. */
export async function move(
  source: MoveOptions['source'],
  target: MoveOptions['target'],
  { replace = false, workFolder, commitRows = 1000, onEvent = () => undefined }: TestMove = {},
): Promise<MoveReport> {
  const folder = workFolder ?? (await temporaryFolder());
  return moveDatabase({ source, target, replace, workFolder: folder, commitRows, runtime, onEvent });
}
