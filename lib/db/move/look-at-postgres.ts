/**
 * What a PostgreSQL database holds before a move into it: of the tables that come, and of those of an earlier move. Other
 * programs' tables are left alone.
 */
import type { ConnectionPool } from '../postgres/pool.ts';
import { type Moved, movedTable, type TargetState } from './earlier.ts';
import { tablesOfPostgres } from './postgres-inventory.ts';
import { sumAllOnPostgres } from './postgres-rows.ts';
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
    const titles = new Set([...coming.map(({ title }) => title), ...Object.keys(moved?.sums ?? {})]);
    const { tables } = await withScratch({ spillFolder }, (scratch) =>
      tablesOfPostgres(postgres, scratch, (title) => titles.has(title)),
    );
    return { ...state, moved, sums: await sumAllOnPostgres(postgres, tables, 'compare', onEvent) };
  });
}

async function readMoved(postgres: PostgresSession): Promise<Moved | null> {
  const [there] = await postgres.rows(`SELECT to_regclass('${movedTable}')::text AS name`);
  if (typeof there?.['name'] !== 'string') return null;
  const [row] = await postgres.rows(`SELECT tables, to_json(m)->>'definitions' AS definitions FROM ${movedTable} m`);
  const { tables, definitions = null } = row ?? {};
  return typeof tables !== 'string' ? null : { sums: JSON.parse(tables) as MovedSums, definitions };
}
