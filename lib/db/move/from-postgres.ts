/**
 * From PostgreSQL into the file that becomes the new state of a DuckDB database, a part at a time. The file notes how far it has
 * come. One that was gone on with may hold parts of two states: so it is compared with all rows as they are at the end.
 */
import { AppError } from '../../errors.ts';
import type { Session } from '../../sync/sql.ts';
import { lastKey, type Progress, progressColumns, progressOf, progressTexts, RowSum, type TableSum } from './checksum.ts';
import { appendDuckDbRows, quotedOnDuckDb } from './duckdb-rows.ts';
import { hasTable } from './into-duckdb.ts';
import { type DuckDbDefinitions, remakeOnDuckDb } from './onto-duckdb.ts';
import { readPostgresRows, sumAllOnPostgres } from './postgres-rows.ts';
import type { PostgresSession } from './postgres-session.ts';
import { type MovedSums, type OnMoveEvent, progress } from './report.ts';
import type { MovedTable, PlainRow } from './tables.ts';

interface FileFilling {
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

/** Makes everything anew, as PostgreSQL has it, and without rows. Within the session's transaction, if there is one. */
export async function makeEmpty(
  session: Session,
  postgres: PostgresSession,
  tables: readonly MovedTable[],
  definitions: DuckDbDefinitions,
): Promise<void> {
  await remakeOnDuckDb(session, definitions);
  for (const table of tables.filter(({ duckdb }) => duckdb.schema === 'eider')) {
    await session.execute(`DELETE FROM ${quotedOnDuckDb(table)}`);
  }
  for (const { name, at } of await postgres.rows(
    `SELECT name, at::text AS at FROM eider.migrations WHERE name NOT LIKE 'eider.%'`,
  )) {
    await session.run('INSERT OR IGNORE INTO eider.migrations (name, "at") VALUES ($1, $2::TIMESTAMPTZ)', [name!, at!]);
  }
}

interface TableFilling {
  readonly table: MovedTable;
  readonly sum: RowSum;
  /** The last key that is there; undefined: read in any order. */
  readonly after?: PlainRow | null;
  /** After each batch. */
  readonly onRows: (rows: readonly PlainRow[]) => Promise<void> | void;
}

/** Appends all rows of the table on PostgreSQL, or those after a key. */
export async function fillTable(session: Session, postgres: PostgresSession, filling: TableFilling): Promise<void> {
  const { table, sum, after, onRows } = filling;
  const order = after === undefined ? null : { after };
  try {
    for await (const rows of readPostgresRows(postgres, table, order)) {
      await appendDuckDbRows(session, table, rows);
      for (const row of rows) sum.add(row);
      await onRows(rows);
    }
  } catch (error) {
    throw beyondDuckDb(table, error);
  }
}

function beyondDuckDb({ title }: MovedTable, error: unknown): unknown {
  if (error instanceof AppError || !isAboutValues(error)) return error;
  return new AppError('invalid', `The table ${title} holds a value that DuckDB does not have.`, { cause: error });
}

/** Of the forms of values, or of DuckDB. */
function isAboutValues(error: unknown): boolean {
  if (error instanceof SyntaxError || error instanceof RangeError) return true;
  return error instanceof Error && /^(?:Error: )?(?:Constraint|Conversion|Out of Range) Error/.test(error.message);
}
