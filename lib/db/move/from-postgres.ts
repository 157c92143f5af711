/**
 * From PostgreSQL into the file that becomes the new state of a DuckDB database, a part at a time. The file notes how far it has
 * come. One that was gone on with may hold parts of two states: so it is compared with all rows as they are at the end.
 */
import type { Session } from '../../sync/sql.ts';
import { RowSum, type TableSum } from './checksum.ts';
import { fillTable, makeEmpty } from './fill.ts';
import { hasTable } from './into-duckdb.ts';
import type { DuckDbDefinitions } from './onto-duckdb.ts';
import { lastKey, type Progress, progressColumns, progressOf, progressTexts } from './progress.ts';
import { sumAllOnPostgres } from './postgres-rows.ts';
import type { PostgresSession } from './postgres-session.ts';
import { type MovedSums, type OnMoveEvent, progress } from './report.ts';
import type { MovedTable, PlainRow } from './tables.ts';

export interface FileFilling {
  readonly postgres: PostgresSession;
  readonly definitions: DuckDbDefinitions;
  readonly tables: readonly MovedTable[];
  /** What the file is made of and for: it is gone on with only when this is the same. */
  readonly job: string;
  /** Rows between two notes. */
  readonly commitRows: number;
  readonly onEvent: OnMoveEvent;
}

/** Whether the file at hand is a part of this job. */
export async function isPartOf(session: Session, job: string): Promise<boolean> {
  if (!(await hasTable(session, 'move_progress'))) return false;
  const [row] = await session.rows(`SELECT 1 FROM eider.move_progress WHERE title = '' AND last_key = $1`, [job]);
  return row !== undefined;
}

/** Makes the tables anew and notes that nothing is in them. */
export async function beginFile(session: Session, filling: FileFilling): Promise<void> {
  await session.execute('BEGIN');
  await makeEmpty(session, filling.postgres, filling.tables, filling.definitions);
  await session.execute(`DROP TABLE IF EXISTS eider.move_progress; CREATE TABLE eider.move_progress
    (title text PRIMARY KEY, ${progressColumns})`);
  await session.run(`INSERT INTO eider.move_progress VALUES ('', '0', '', $1, 'false')`, [filling.job]);
  await session.execute('COMMIT');
}

/** Fills what is missing. Answers the sums of the source's rows. */
export async function fillFile(session: Session, filling: FileFilling): Promise<{ sums: MovedSums; resumed: boolean }> {
  const { postgres, tables, onEvent } = filling;
  const sums: Record<string, TableSum> = {};
  let resumed = false;
  for (const table of tables) {
    const begun = await begunOf(session, table);
    resumed ||= begun !== null;
    sums[table.title] = await fillOne(session, { filling, table, begun });
    await session.execute('CHECKPOINT');
  }
  return { sums: resumed ? await sumAllOnPostgres(postgres, tables, 'read', onEvent) : sums, resumed };
}

interface OneTable {
  readonly filling: FileFilling;
  readonly table: MovedTable;
  readonly begun: Progress | null;
}

async function fillOne(session: Session, { filling, table, begun }: OneTable): Promise<TableSum> {
  if (begun?.isDone) return begun;
  const sum = new RowSum(table, begun ?? undefined);
  const told = progress(table, 'copy', filling.onEvent, begun?.rows ?? 0);
  let noted = sum.sum.rows;
  let last: PlainRow | null = begun?.after ?? null;
  await session.execute('BEGIN');
  const onRows = async (rows: readonly PlainRow[]): Promise<void> => {
    last = lastKey(table, rows, last);
    told(rows.length);
    if (table.key.length === 0 || sum.sum.rows - noted < filling.commitRows) return;
    noted = sum.sum.rows;
    await note(session, table, { ...sum.sum, after: last, isDone: false });
    await session.execute('COMMIT; BEGIN');
  };
  const order = table.key.length === 0 ? {} : { after: last };
  await fillTable(session, filling.postgres, { table, sum, onRows, ...order });
  await note(session, table, { ...sum.sum, after: last, isDone: true });
  await session.execute('COMMIT');
  return sum.sum;
}

async function begunOf(session: Session, { title }: MovedTable): Promise<Progress | null> {
  const [row] = await session.rows('SELECT rows, checksum, last_key, done FROM eider.move_progress WHERE title = $1', [
    title,
  ]);
  return row ? progressOf(row) : null;
}

async function note(session: Session, { title }: MovedTable, done: Progress): Promise<void> {
  const values = [title, ...progressTexts(done)];
  await session.run('INSERT OR REPLACE INTO eider.move_progress VALUES ($1, $2, $3, $4, $5)', values);
}
