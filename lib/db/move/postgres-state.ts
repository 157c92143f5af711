/**
 * Which state of a PostgreSQL database a transaction sees, and whether a later one sees another. Of tables with Eider's
 * triggers every change is kept with its transaction; the rows of others are summed up again.
 */
import { isSameSum } from './checksum.ts';
import { sumPostgresTable } from './postgres-rows.ts';
import type { PostgresSession } from './postgres-session.ts';
import type { MovedSums } from './report.ts';
import { type MovedTable, titleOf } from './tables.ts';

export interface PostgresState {
  /** Of the database. */
  readonly id: string;
  readonly version: number;
  /** All transactions below it have ended. */
  readonly settled: number;
  /** As PostgreSQL writes a snapshot. */
  readonly snapshot: string;
}

export async function stateOfPostgres(postgres: PostgresSession): Promise<PostgresState> {
  const [row] = await postgres.rows(
    `SELECT id::text AS id, pg_current_snapshot()::text AS snapshot,
      pg_snapshot_xmin(pg_current_snapshot())::text AS xmin, pg_snapshot_xmax(pg_current_snapshot())::text AS xmax
    FROM eider.state`,
  );
  return {
    id: String(row?.['id']),
    version: Number(row?.['xmax']) - 1,
    settled: Number(row?.['xmin']) - 1,
    snapshot: String(row?.['snapshot']),
  };
}

/** Titles of the tables whose changes are kept. */
export async function keptTables(postgres: PostgresSession): Promise<ReadonlySet<string>> {
  const rows = await postgres.rows(
    `SELECT n.nspname::text AS schema, c.relname::text AS name, current_schema()::text AS current FROM pg_trigger t
    JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE t.tgname = 'eider_insert' AND t.tgenabled <> 'D'`,
  );
  return new Set(
    rows.map((row) => titleOf({ schema: String(row['schema']), name: String(row['name']) }, String(row['current']))),
  );
}

/** Whether changes are kept of transactions that the snapshot does not see. */
export async function hasNewChanges(postgres: PostgresSession, snapshot: string): Promise<boolean> {
  const [row] = await postgres.rows(
    `SELECT EXISTS (SELECT FROM eider.changes WHERE NOT pg_visible_in_snapshot(version, $1::pg_snapshot))::text AS written`,
    [snapshot],
  );
  return row?.['written'] === 'true';
}

export async function wasWrittenSince(
  postgres: PostgresSession,
  state: PostgresState,
  tables: readonly MovedTable[],
  sums: MovedSums,
): Promise<boolean> {
  if (await hasNewChanges(postgres, state.snapshot)) return true;
  const kept = await keptTables(postgres);
  for (const table of tables.filter(({ title }) => !kept.has(title))) {
    const now = await sumPostgresTable(postgres, table);
    const then = sums[table.title];
    if (!then || !isSameSum(now, then)) return true;
  }
  return false;
}
