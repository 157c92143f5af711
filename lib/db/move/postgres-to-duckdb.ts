import { mkdir } from 'node:fs/promises';
import { AppError, isAppError } from '../../errors.ts';
import { removeReplica, type Slot } from '../../sync/slot.ts';
import type { Session } from '../../sync/sql.ts';
import {
  lastKey,
  type Progress,
  progressColumns,
  progressOf,
  progressTexts,
  RowSum,
  type TableSum,
} from './checksum.ts';
import { isThere, mayBeThere, type Moved, requireReplaceable } from './earlier.ts';
import {
  appendDuckDbRows,
  commitNewState,
  type DuckDbState,
  hasTable,
  lookAtDuckDb,
  withScratch,
} from './into-duckdb.ts';
import { defineOnDuckDb, type DuckDbDefinitions, remakeOnDuckDb } from './onto-duckdb.ts';
import { tablesOfPostgres } from './postgres-inventory.ts';
import {
  type PostgresState,
  readPostgresRows,
  stateOfPostgres,
  sumAllOnPostgres,
  wasWrittenSince,
} from './postgres-rows.ts';
import { inTransaction, type PostgresSession } from './postgres-session.ts';
import {
  type DuckDbBackend,
  type MovedSums,
  type MoveOptions,
  type MoveReport,
  type OnMoveEvent,
  type PostgresBackend,
  progress,
} from './report.ts';
import { type MovedTable, type PlainRow, quotedOnDuckDb } from './tables.ts';

type OutOfPostgres = MoveOptions<PostgresBackend, DuckDbBackend>;

interface FoundSource {
  readonly state: PostgresState;
  readonly tables: readonly MovedTable[];
  readonly leftBehind: readonly string[];
  readonly moved: Moved;
  readonly isThere: boolean;
  readonly resumed: boolean;
}

export async function moveOutOfPostgres(options: OutOfPostgres, slot: Slot): Promise<MoveReport> {
  await mkdir(slot.spillPath, { recursive: true });
  try {
    return await moveOnce(options, slot);
  } catch (error) {
    // The file was resumed, and the source has changed since.
    if (!(error instanceof StaleFile)) throw error;
    await removeReplica(slot);
    return moveOnce(options, slot);
  }
}

class StaleFile extends Error {}

async function moveOnce(options: OutOfPostgres, slot: Slot): Promise<MoveReport> {
  const { source, target, runtime, onEvent } = options;
  const before = await lookAtDuckDb(target.engine, onEvent);
  const found = await inTransaction(source.pool, 'read', (postgres) =>
    withScratch({ spillFolder: slot.spillPath }, (scratch) => readSource(options, { postgres, scratch, slot, before })),
  );
  const sourceVersion = found.state.version;
  let { version } = before;
  if (!found.isThere) {
    const state = { path: slot.replicaPath, onto: before.version, source: source.location, sourceVersion };
    version = await commitNewState(target.engine, { ...state, moved: found.moved }, runtime, onEvent).catch(
      (error: unknown) => {
        throw found.resumed && isAppError(error, 'corrupt') ? new StaleFile() : error;
      },
    );
    await removeReplica(slot);
  }
  return {
    outcome: found.isThere ? 'there-already' : 'moved',
    tables: found.moved.sums,
    sourceVersion,
    targetVersion: version,
    sourceMovedOn: await hasMovedOn(source, found),
    leftBehind: found.leftBehind,
  };
}

interface SourceReading {
  readonly postgres: PostgresSession;
  readonly scratch: Session;
  readonly slot: Slot;
  readonly before: DuckDbState;
}

/** Reads everything in one transaction: compares with the target, or makes the file. */
async function readSource(
  options: OutOfPostgres,
  { postgres, scratch, slot, before }: SourceReading,
): Promise<FoundSource> {
  const { target, replace, commitRows = 50_000, onEvent } = options;
  const state = await stateOfPostgres(postgres);
  const inventory = await tablesOfPostgres(postgres, scratch);
  const { tables } = inventory;
  const definitions = await defineOnDuckDb(postgres, scratch, inventory);
  const moved = (sums: MovedSums): Moved => ({ sums, definitions: definitions.fingerprint });
  const found = { state, tables, leftBehind: definitions.leftBehind };
  const job = JSON.stringify([state.id, options.source.location, target.location, before.version, definitions.ddl]);
  const filling = { postgres, tables, definitions, job, commitRows, onEvent };
  const spill = { path: slot.replicaPath, spillFolder: slot.spillPath };
  const isBegun = await withScratch(spill, (file) => isPartOf(file, job)).catch(() => false);
  if (!isBegun) {
    if (mayBeThere(before)) {
      const source = moved(await sumAllOnPostgres(postgres, tables, 'read', onEvent));
      if (isThere(before, source)) return { ...found, moved: source, isThere: true, resumed: false };
    }
    if (!replace) requireReplaceable(before, target.location);
    await removeReplica(slot);
    await target.engine.copyState(slot.replicaPath);
    await withScratch(spill, (file) => beginFile(file, filling));
  }
  const { sums, resumed } = await withScratch(spill, (file) => fillFile(file, filling));
  return { ...found, moved: moved(sums), isThere: false, resumed };
}

function hasMovedOn(source: PostgresBackend, { state, tables, moved: { sums } }: FoundSource): Promise<boolean> {
  return inTransaction(source.pool, 'read', (postgres) => wasWrittenSince(postgres, state, tables, sums));
}

/**
 * The file records its progress. One that was resumed may hold parts of two states, so it is compared at the end.
 */
interface FileFilling {
  readonly postgres: PostgresSession;
  readonly definitions: DuckDbDefinitions;
  readonly tables: readonly MovedTable[];
  /** The file's source and target: a move resumes only if these are the same. */
  readonly job: string;
  readonly commitRows: number;
  readonly onEvent: OnMoveEvent;
}

async function isPartOf(session: Session, job: string): Promise<boolean> {
  if (!(await hasTable(session, 'move_progress'))) return false;
  const [row] = await session.rows(`SELECT 1 FROM eider.move_progress WHERE title = '' AND last_key = $1`, [job]);
  return row !== undefined;
}

async function beginFile(session: Session, filling: FileFilling): Promise<void> {
  await session.execute('BEGIN');
  await makeEmpty(session, filling.postgres, filling.tables, filling.definitions);
  await session.execute(`DROP TABLE IF EXISTS eider.move_progress; CREATE TABLE eider.move_progress
    (title text PRIMARY KEY, ${progressColumns})`);
  await session.run(`INSERT INTO eider.move_progress VALUES ('', '0', '', $1, 'false')`, [filling.job]);
  await session.execute('COMMIT');
}

async function fillFile(session: Session, filling: FileFilling): Promise<{ sums: MovedSums; resumed: boolean }> {
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
  const reportRows = progress(table, 'copy', filling.onEvent, begun?.rows ?? 0);
  let saved = sum.sum.rows;
  let last: PlainRow | null = begun?.after ?? null;
  await session.execute('BEGIN');
  const onRows = async (rows: readonly PlainRow[]): Promise<void> => {
    last = lastKey(table, rows, last);
    reportRows(rows.length);
    if (table.key.length === 0 || sum.sum.rows - saved < filling.commitRows) return;
    saved = sum.sum.rows;
    await saveProgress(session, table, { ...sum.sum, after: last, isDone: false });
    await session.execute('COMMIT; BEGIN');
  };
  const order = table.key.length === 0 ? {} : { after: last };
  await fillTable(session, filling.postgres, { table, sum, onRows, ...order });
  await saveProgress(session, table, { ...sum.sum, after: last, isDone: true });
  await session.execute('COMMIT');
  return sum.sum;
}

async function begunOf(session: Session, { title }: MovedTable): Promise<Progress | null> {
  const [row] = await session.rows('SELECT rows, checksum, last_key, done FROM eider.move_progress WHERE title = $1', [
    title,
  ]);
  return row ? progressOf(row) : null;
}

async function saveProgress(session: Session, { title }: MovedTable, done: Progress): Promise<void> {
  const values = [title, ...progressTexts(done)];
  await session.run('INSERT OR REPLACE INTO eider.move_progress VALUES ($1, $2, $3, $4, $5)', values);
}

/** Makes everything again as PostgreSQL has it, without rows. Within the session's transaction, if there is one. */
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
  readonly onRows: (rows: readonly PlainRow[]) => Promise<void> | void;
}

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

function isAboutValues(error: unknown): boolean {
  if (error instanceof SyntaxError || error instanceof RangeError) return true;
  return error instanceof Error && /^(?:Error: )?(?:Constraint|Conversion|Out of Range) Error/.test(error.message);
}
