/**
 * What a PostgreSQL database holds before a move into it.
 *
 * Owns: which of its tables count: those that come, and those of an earlier move. A database may serve other programs as
 * well, whose tables are left alone.
 */
import type { ConnectionPool } from '../postgres/pool.ts';
import { movedTable, type TargetState } from './earlier.ts';
import { progress } from './into-duckdb.ts';
import { inventoryOfPostgres } from './postgres-inventory.ts';
import { currentSchema, quotedOnPostgres, sumPostgresTable } from './postgres-rows.ts';
import { inTransaction, type PostgresSession } from './postgres-session.ts';
import { type PostgresState, stateOfPostgres } from './postgres-state.ts';
import type { MovedSums, OnMoveEvent } from './report.ts';
import { withScratch } from './scratch.ts';
import { type MovedTable, tableTitle } from './tables.ts';

export function lookAtPostgres(
  pool: ConnectionPool,
  coming: readonly MovedTable[],
  spillFolder: string,
  onEvent: OnMoveEvent,
): Promise<TargetState & PostgresState> {
  return inTransaction(pool, 'read', async (postgres) => {
    const state = await stateOfPostgres(postgres);
    const moved = await readMoved(postgres);
    const titles = new Set([...coming.map(tableTitle), ...Object.keys(moved ?? {})]);
    const isWanted = (table: { schema: string; name: string }): boolean => titles.has(tableTitle(table));
    const { tables } = await withScratch({ spillFolder }, (scratch) =>
      inventoryOfPostgres(postgres, scratch, isWanted),
    );
    const current = await currentSchema(postgres);
    const sums: Record<string, MovedSums[string]> = {};
    for (const table of tables) {
      const onRows = progress(table, 'compare', onEvent);
      sums[tableTitle(table)] = await sumPostgresTable(postgres, table, quotedOnPostgres(table, current), onRows);
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
