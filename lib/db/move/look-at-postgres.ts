/**
 * What a PostgreSQL database holds before a move into it.
 *
 * Owns: which of its tables count: those that come, and those of an earlier move. A database may serve other programs as
 * well, whose tables are left alone.
 */
import type { ConnectionPool } from '../postgres/pool.ts';
import { movedTable, type TargetState } from './earlier.ts';
import { progress } from './into-duckdb.ts';
import { tablesOfPostgres } from './postgres-inventory.ts';
import { sumPostgresTable } from './postgres-rows.ts';
import { inTransaction, type PostgresSession } from './postgres-session.ts';
import { type PostgresState, stateOfPostgres } from './postgres-state.ts';
import type { MovedSums, OnMoveEvent } from './report.ts';
import { withScratch } from './scratch.ts';
import type { MovedTable } from './tables.ts';

export function lookAtPostgres(
  pool: ConnectionPool,
  coming: readonly MovedTable[],
  spillFolder: string,
  onEvent: OnMoveEvent,
): Promise<TargetState & PostgresState> {
  return inTransaction(pool, 'read', async (postgres) => {
    const state = await stateOfPostgres(postgres);
    const moved = await readMoved(postgres);
    const titles = new Set([...coming.map(({ title }) => title), ...Object.keys(moved ?? {})]);
    const { tables } = await withScratch({ spillFolder }, (scratch) =>
      tablesOfPostgres(postgres, scratch, (title) => titles.has(title)),
    );
    const sums: Record<string, MovedSums[string]> = {};
    for (const table of tables) {
      const onRows = progress(table, 'compare', onEvent);
      sums[table.title] = await sumPostgresTable(postgres, table, onRows);
    }
    return { ...state, moved, sums };
  });
}

async function readMoved(postgres: PostgresSession): Promise<MovedSums | null> {
  const [there] = await postgres.rows(`SELECT to_regclass('${movedTable}')::text AS name`);
  if (typeof there?.['name'] !== 'string') return null;
  const [row] = await postgres.rows(`SELECT tables FROM ${movedTable}`);
  return typeof row?.['tables'] !== 'string' ? null : (JSON.parse(row['tables']) as MovedSums);
}
