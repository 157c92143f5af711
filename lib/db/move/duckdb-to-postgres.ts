/**
 * Rows are staged beside what is there and replace it in one transaction, which reads them back and compares them
 * first.
 */
import { mkdir } from 'node:fs/promises';
import { AppError } from '../../errors.ts';
import type { Slot } from '../../sync/slot.ts';
import { quoteName, type Session } from '../../sync/sql.ts';
import type { ConnectionPool } from '../postgres/pool.ts';
import {
  lastKey,
  type Progress,
  progressColumns,
  progressOf,
  progressTexts,
  RowSum,
  type TableSum,
} from './checksum.ts';
import { catalogOfDuckDb, definitionsOfDuckDb, tablesOfDuckDb } from './duckdb-inventory.ts';
import {
  fingerprintOf,
  isThere,
  makeMovedTable,
  mayBeThere,
  type Moved,
  movedTable,
  requireReplaceable,
  requireSameSums,
  type TargetState,
} from './earlier.ts';
import { readDuckDbRows, sumAllOnDuckDb, withScratch } from './into-duckdb.ts';
import { requireNamesOnPostgres } from './names.ts';
import { stagedName, stagingSchema, tablesOfPostgres } from './postgres-inventory.ts';
import {
  currentSchema,
  insertPostgresRows,
  type PostgresState,
  stateOfPostgres,
  sumAllOnPostgres,
} from './postgres-rows.ts';
import { inTransaction, isTable, type PostgresSession } from './postgres-session.ts';
import { replaceAll, type Replacing } from './replace.ts';
import {
  type DuckDbBackend,
  type MovedSums,
  type MoveOptions,
  type MoveReport,
  newest,
  type OnMoveEvent,
  type PostgresBackend,
  progress,
} from './report.ts';
import type { MovedTable, PlainRow } from './tables.ts';

type IntoPostgres = MoveOptions<DuckDbBackend, PostgresBackend>;

type FillOutcome = Omit<MoveReport, 'sourceVersion' | 'sourceMovedOn'>;

export async function moveIntoPostgres(options: IntoPostgres, slot: Slot): Promise<MoveReport> {
  const { engine } = options.source;
  await mkdir(slot.spillPath, { recursive: true });
  // One read transaction, so that all rows are of one state.
  const { value, version: sourceVersion } = await engine.read((session) => moveState(options, slot, session), newest);
  const { version: now } = await engine.read(() => Promise.resolve(), newest);
  return { ...value, sourceVersion, sourceMovedOn: now !== sourceVersion };
}

async function moveState(options: IntoPostgres, slot: Slot, session: Session): Promise<FillOutcome> {
  const { source, target, replace, onEvent } = options;
  const current = await inTransaction(target.pool, 'read', currentSchema);
  const tables = await tablesOfDuckDb(session, current);
  const definitions = await definitionsOfDuckDb(session, current);
  requireNamesOnPostgres(tables, definitions);
  const before = await lookAtPostgres(target.pool, tables, slot.spillPath, onEvent);
  const fingerprint = fingerprintOf(await catalogOfDuckDb(session), definitions);
  if (mayBeThere(before)) {
    const sums = await sumAllOnDuckDb(session, tables, 'read', onEvent);
    const { leftBehind } = definitions;
    if (isThere(before, { sums, definitions: fingerprint }))
      return { outcome: 'there-already', leftBehind, tables: sums, targetVersion: before.version };
    if (!replace) requireReplaceable(before, target.location);
  }
  const { databaseId, version } = source.engine.status();
  const shape = tables.map(({ title, columns }) => [
    title,
    columns.map((column) => [column.name, column.declared, column.postgres]),
  ]);
  const job = JSON.stringify([source.location, databaseId, version, shape]);
  const staging = { pool: target.pool, tables, job, onEvent };
  await beginStaging(staging);
  const sums: Record<string, MovedSums[string]> = {};
  for (const [index, { title }] of tables.entries()) sums[title] = await stageTable(session, staging, index);
  const migrations = await session.rows(
    `SELECT name, "at"::VARCHAR FROM eider.migrations WHERE name NOT LIKE 'eider.%'`,
  );
  const moved = { sums, definitions: fingerprint };
  const areChanged = (before.moved?.definitions ?? fingerprint) !== fingerprint;
  const since = replace ? null : before.snapshot;
  const staged = { tables, definitions, areChanged, moved, sourceVersion: version, since };
  const done = migrations.map((row) => row.map(String));
  return { outcome: 'moved', tables: sums, ...(await commitStaged(options, { ...staged, migrations: done })) };
}

interface Staged extends Replacing {
  readonly migrations: readonly (readonly string[])[];
  readonly moved: Moved;
  readonly sourceVersion: number;
}

function commitStaged(
  options: IntoPostgres,
  staged: Staged,
): Promise<Pick<FillOutcome, 'targetVersion' | 'leftBehind'>> {
  const { source, target, runtime, onEvent } = options;
  const { tables, moved, sourceVersion, migrations } = staged;
  return inTransaction(target.pool, 'write', async (postgres) => {
    onEvent({ step: 'commit', table: null, rows: 0, totalRows: 0 });
    const leftBehind = await replaceAll(postgres, staged);
    requireSameSums(moved.sums, await sumAllOnPostgres(postgres, tables, 'verify', onEvent));
    const finished = new Date(runtime.now()).toISOString();
    await postgres.rows(`${makeMovedTable}; DROP SCHEMA ${stagingSchema} CASCADE`);
    const values = [source.location, String(sourceVersion), finished, JSON.stringify(moved.sums), moved.definitions];
    await postgres.rows(`INSERT INTO ${movedTable} VALUES ($1, $2::bigint, $3, $4, $5)`, values);
    for (const migration of migrations) {
      await postgres.rows(
        'INSERT INTO eider.migrations (name, at) VALUES ($1, $2::timestamptz) ON CONFLICT DO NOTHING',
        migration,
      );
    }
    // Readers of the feed start over: a move's rows are not in it.
    await postgres.rows('DELETE FROM eider.changes; UPDATE eider.state SET dropped = pg_current_xact_id()');
    const [own] = await postgres.rows('SELECT pg_current_xact_id()::text AS version');
    return { targetVersion: Number(own?.['version']), leftBehind };
  });
}

/** What the target holds of the tables that come, and of those of an earlier move. Other programs' are left alone. */
function lookAtPostgres(
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
  if (!(await isTable(postgres, movedTable))) return null;
  const [row] = await postgres.rows(`SELECT tables, to_json(m)->>'definitions' AS definitions FROM ${movedTable} m`);
  const { tables, definitions = null } = row ?? {};
  return typeof tables !== 'string' ? null : { sums: JSON.parse(tables) as MovedSums, definitions };
}

interface Staging {
  readonly pool: ConnectionPool;
  readonly tables: readonly MovedTable[];
  /** What is moved, and from which state: a move resumes only if this is the same. */
  readonly job: string;
  readonly onEvent: OnMoveEvent;
}

/**
 * Rows wait in a schema of their own with the progress of each table. Only a move that knows the last progress may
 * change it: two moves cannot fill one table.
 */
async function beginStaging({ pool, tables, job }: Staging): Promise<void> {
  await inTransaction(pool, 'write', async (postgres) => {
    if ((await jobOf(postgres)) === job) return;
    await postgres.rows(`DROP SCHEMA IF EXISTS ${stagingSchema} CASCADE; CREATE SCHEMA ${stagingSchema};
      CREATE TABLE ${stagingSchema}.job (job text NOT NULL);
      CREATE TABLE ${stagingSchema}.progress (number int PRIMARY KEY, ${progressColumns})`);
    await postgres.rows(`INSERT INTO ${stagingSchema}.job VALUES ($1)`, [job]);
    for (const [index, { columns }] of tables.entries()) {
      const definitions = columns.map(({ name, postgres: type }) => `${quoteName(name)} ${type}`);
      await postgres.rows(`CREATE TABLE ${stagedName(index)} (${definitions.join(', ')})`);
      await postgres.rows(`INSERT INTO ${stagingSchema}.progress VALUES ($1, '0', '', NULL, 'false')`, [String(index)]);
    }
  });
}

async function jobOf(postgres: PostgresSession): Promise<string | null> {
  if (!(await isTable(postgres, `${stagingSchema}.job`))) return null;
  const [row] = await postgres.rows(`SELECT job FROM ${stagingSchema}.job`);
  return row?.['job'] ?? null;
}

/** Brings the rows that are missing of one table. Answers the sum of all of them, as they were read. */
async function stageTable(session: Session, staging: Staging, index: number): Promise<TableSum> {
  const { pool, onEvent } = staging;
  const table = staging.tables[index]!;
  const begun = await inTransaction(pool, 'read', (postgres) => noteOf(postgres, index));
  if (begun.isDone) return begun;
  const isOrdered = table.key.length > 0;
  const sum = new RowSum(table, isOrdered ? begun : undefined);
  const reportRows = progress(table, 'copy', onEvent, sum.sum.rows);
  let known = begun;
  const bring = async (rows: readonly PlainRow[], isDone: boolean): Promise<void> => {
    for (const row of rows) sum.add(row);
    const note = { ...sum.sum, after: lastKey(table, rows, known.after), isDone };
    await inTransaction(pool, 'write', async (postgres) => {
      if (!isOrdered && known.rows === begun.rows) await postgres.rows(`TRUNCATE ${stagedName(index)}`);
      await insertPostgresRows(postgres, table, stagedName(index), rows);
      await changeProgress(postgres, index, known, note);
    });
    known = note;
    reportRows(rows.length);
  };
  for await (const rows of batches(readDuckDbRows(session, table, isOrdered ? begun.after : null))) {
    await bring(rows, false);
  }
  await bring([], true);
  return sum.sum;
}

const batchRows = 8192;

async function* batches(chunks: AsyncIterable<PlainRow[]>): AsyncGenerator<PlainRow[]> {
  let batch: PlainRow[] = [];
  for await (const rows of chunks) {
    batch.push(...rows);
    if (batch.length < batchRows) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

async function noteOf(postgres: PostgresSession, index: number): Promise<Progress> {
  const [row = {}] = await postgres.rows(
    `SELECT rows, checksum, last_key, done FROM ${stagingSchema}.progress WHERE number = $1::int`,
    [String(index)],
  );
  return progressOf(Object.values(row));
}

async function changeProgress(postgres: PostgresSession, index: number, from: Progress, to: Progress): Promise<void> {
  const changed = await postgres.rows(
    `UPDATE ${stagingSchema}.progress SET rows = $2, checksum = $3, last_key = $4, done = $5
    WHERE number = $1::int AND rows = $6 AND checksum = $7 AND done = 'false' RETURNING '1' AS changed`,
    [String(index), ...progressTexts(to), String(from.rows), from.checksum],
  );
  if (changed.length > 0) return;
  throw new AppError('conflict', `Another move writes to the same target.`, {
    hint: 'Wait until it ends, then repeat this one.',
  });
}
