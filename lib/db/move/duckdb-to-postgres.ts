/**
 * Moving from DuckDB to PostgreSQL: rows are brought beside what is there, and take its place in one transaction, which reads
 * them all back and commits only when they are the source's.
 */
import { mkdir } from 'node:fs/promises';
import type { Slot } from '../../sync/slot.ts';
import type { Session } from '../../sync/sql.ts';
import type { ConnectionPool } from '../postgres/pool.ts';
import { catalogOfDuckDb, definitionsOfDuckDb, tablesOfDuckDb } from './duckdb-inventory.ts';
import { fingerprintOf, isThere, makeMovedTable, mayBeThere, type Moved, movedTable, requireReplaceable, requireSameSums, type TargetState } from './earlier.ts';
import { sumAll } from './into-duckdb.ts';
import { requireNamesOnPostgres } from './names.ts';
import { stagingSchema, tablesOfPostgres } from './postgres-inventory.ts';
import { currentSchema, type PostgresState, stateOfPostgres, sumAllOnPostgres } from './postgres-rows.ts';
import { inTransaction, type PostgresSession } from './postgres-session.ts';
import { replaceAll, type Replacing } from './replace.ts';
import { type DuckDbEnd, type MovedSums, type MoveOptions, type MoveReport, newest, type OnMoveEvent, type PostgresEnd } from './report.ts';
import { withScratch } from './duckdb-rows.ts';
import { beginStaging, stageTable } from './staging.ts';
import type { MovedTable } from './tables.ts';

type Options = MoveOptions<DuckDbEnd, PostgresEnd>;

interface Outcome {
  readonly outcome: MoveReport['outcome'];
  readonly leftBehind: readonly string[];
  readonly sums: MovedSums;
  readonly targetVersion: number;
}

export async function moveIntoPostgres(options: Options, slot: Slot): Promise<MoveReport> {
  const { engine } = options.source;
  await mkdir(slot.spillPath, { recursive: true });
  // One read transaction: whatever others write, all of it is one state.
  const { value, version: sourceVersion } = await engine.read((session) => moveState(options, slot, session), newest);
  const { version: now } = await engine.read(() => Promise.resolve(), newest);
  const { sums, ...moved } = value;
  return { ...moved, tables: sums, sourceVersion, sourceMovedOn: now !== sourceVersion };
}

async function moveState(options: Options, slot: Slot, session: Session): Promise<Outcome> {
  const { source, target, replace, onEvent } = options;
  const current = await inTransaction(target.pool, 'read', currentSchema);
  const tables = await tablesOfDuckDb(session, current);
  const definitions = await definitionsOfDuckDb(session, current);
  requireNamesOnPostgres(tables, definitions);
  const before = await lookAtPostgres(target.pool, tables, slot.spillPath, onEvent);
  const fingerprint = fingerprintOf(await catalogOfDuckDb(session), definitions);
  if (mayBeThere(before)) {
    const sums = await sumAll(session, tables, 'read', onEvent);
    const { leftBehind } = definitions;
    if (isThere(before, { sums, definitions: fingerprint }))
      return { outcome: 'there-already', leftBehind, sums, targetVersion: before.version };
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
  return { outcome: 'moved', sums, ...(await commitStaged(options, { ...staged, migrations: done })) };
}

interface Staged extends Replacing {
  /** Names and times of those that ran at the source. */
  readonly migrations: readonly (readonly string[])[];
  readonly moved: Moved;
  readonly sourceVersion: number;
}

/** Everything at once. */
function commitStaged(options: Options, staged: Staged): Promise<Pick<Outcome, 'targetVersion' | 'leftBehind'>> {
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
    await forgetChanges(postgres);
    const [own] = await postgres.rows('SELECT pg_current_xact_id()::text AS version');
    return { targetVersion: Number(own?.['version']), leftBehind };
  });
}

/** Who follows the changes begins anew: what a move did is not among them. */
async function forgetChanges(postgres: PostgresSession): Promise<void> {
  await postgres.rows(`DELETE FROM eider.changes; UPDATE eider.state SET dropped = pg_current_xact_id()`);
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
  const [there] = await postgres.rows(`SELECT to_regclass('${movedTable}')::text AS name`);
  if (typeof there?.['name'] !== 'string') return null;
  const [row] = await postgres.rows(`SELECT tables, to_json(m)->>'definitions' AS definitions FROM ${movedTable} m`);
  const { tables, definitions = null } = row ?? {};
  return typeof tables !== 'string' ? null : { sums: JSON.parse(tables) as MovedSums, definitions };
}
