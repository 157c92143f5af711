/**
 * Moving into DuckDB: the new state is made in a file of its own and becomes the target's by one bulk record, once all rows of
 * the file were compared with the source's.
 */
import type { Runtime } from '../../runtime.ts';
import type { Engine } from '../../sync/engine.ts';
import type { Session } from '../../sync/sql.ts';
import { tablesOfDuckDb } from './duckdb-inventory.ts';
import { sumDuckDbTable } from './duckdb-rows.ts';
import { makeMovedTable, type Moved, movedTable, requireSameSums, type TargetState } from './earlier.ts';
import { type MovedSums, type MoveStep, newest, type OnMoveEvent, progress } from './report.ts';
import type { MovedTable } from './tables.ts';

export interface NewState {
  readonly path: string;
  /** The target's version that it replaces. */
  readonly onto: number;
  readonly source: string;
  readonly sourceVersion: number;
  /** As it was read from the source. */
  readonly moved: Moved;
}

/** Commits the file when it has the rows of the source. Answers the target's new version. */
export async function commitNewState(
  engine: Engine,
  { path, onto, source, sourceVersion, moved: { sums, definitions } }: NewState,
  runtime: Runtime,
  onEvent: OnMoveEvent,
): Promise<number> {
  const finish = async (session: Session): Promise<void> => {
    await session.execute('DROP TABLE IF EXISTS eider.mirror; DROP TABLE IF EXISTS eider.move_progress');
    requireSameSums(sums, await sumAll(session, await tablesOfDuckDb(session), 'verify', onEvent));
    await session.execute(makeMovedTable);
    const finished = new Date(runtime.now()).toISOString();
    await session.run(`INSERT INTO ${movedTable} VALUES ($1, $2, $3, $4, $5)`, [
      source,
      BigInt(sourceVersion),
      finished,
      JSON.stringify(sums),
      definitions,
    ]);
    onEvent({ step: 'commit', table: null, rows: 0, totalRows: 0 });
  };
  return (await engine.replaceState({ path, onto, finish })).version;
}

/** The sums of all these tables of a session's database. */
export async function sumAll(
  session: Session,
  tables: readonly MovedTable[],
  step: MoveStep,
  onEvent: OnMoveEvent,
): Promise<MovedSums> {
  const sums: Record<string, MovedSums[string]> = {};
  for (const table of tables) sums[table.title] = await sumDuckDbTable(session, table, progress(table, step, onEvent));
  return sums;
}

export interface DuckDbState extends TargetState {
  readonly version: number;
}

/** What the target holds before the move, and at which version that was. */
export async function lookAtDuckDb(engine: Engine, onEvent: OnMoveEvent): Promise<DuckDbState> {
  const { value, version } = await engine.read(
    async (session) => ({
      sums: await sumAll(session, await tablesOfDuckDb(session), 'compare', onEvent),
      moved: await readMoved(session),
    }),
    newest,
  );
  return { ...value, version };
}

async function readMoved(session: Session): Promise<Moved | null> {
  if (!(await hasTable(session, 'moved'))) return null;
  const [row] = await session.rows(`SELECT tables, to_json(m)->>'definitions' FROM ${movedTable} AS m`);
  return row ? { sums: JSON.parse(String(row[0])) as MovedSums, definitions: row[1] as string | null } : null;
}

/** Whether there is a table of this name in the schema `eider`. */
export async function hasTable(session: Session, name: string): Promise<boolean> {
  const found = await session.rows(
    `SELECT 1 FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = 'eider' AND table_name = $1`,
    [name],
  );
  return found.length > 0;
}
