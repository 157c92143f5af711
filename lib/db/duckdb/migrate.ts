/** Migrations on DuckDB: each one runs once, in a commit of its own, whichever process comes first. */
import {
  located,
  type Migration,
  type MigrationPlan,
  type MigrationRun,
  type MigrationScript,
  planMigrations,
  runStatements,
  scriptsFor,
  skipped,
  statementsFor,
} from '../../catalog/migrations.ts';
import { isAppError } from '../../errors.ts';
import type { Runtime } from '../../runtime.ts';
import type { WriteTransaction } from '../../sync/batch.ts';
import type { Engine } from '../../sync/engine.ts';
import { resultRows, type Session } from '../../sync/sql.ts';
import { Capture } from './capture.ts';
import { Catalogs } from './catalogs.ts';
import { previewMigrations, type MigrationMode } from '../migration-report.ts';
import { knownNames, ownMigrations } from '../own-migrations.ts';
import { hasForeignKeys, takeOverForeignKeys } from './references/take-over.ts';

export interface DuckDbMigrateOptions {
  readonly migrations: readonly Migration[];
  readonly runtime: Runtime;
  readonly migrationMode?: MigrationMode;
}

const anyState = { maxStalenessMs: Infinity, atLeast: undefined };
const ownScripts = scriptsFor(ownMigrations, 'duckdb');

/** Runs the migrations that have not run on this database yet, in order. Answers what differs from the files. */
export async function runMigrations(
  engine: Engine,
  options: DuckDbMigrateOptions,
): Promise<MigrationPlan['differing']> {
  const { migrations, runtime, migrationMode: mode } = options;
  const scripts = scriptsFor(migrations, 'duckdb');
  const { runs, foreignKeys } = (await engine.read(lookAt, anyState)).value;
  const plan = planMigrations(scripts, runs, knownNames(migrations));
  const { pending, differing } = plan;
  if (mode?.isDryRun) {
    const tables = (): Promise<boolean> => engine.read(hasTables, anyState).then(({ value }) => value);
    mode.report(await previewMigrations(plan, runs, scripts, tables));
    return differing;
  }
  // A file that an earlier version adopted still has them.
  if (foreignKeys) await engine.writeBulk((session) => takeOverForeignKeys(session));
  const ran: string[] = [];
  const unwanted: string[] = [];
  // Eider's own run in the commit of the first of the user's, or alone when there is none.
  const catalogs = new Catalogs(runtime);
  const due = pending.length === 0 && lacksOwn(runs) ? [null] : pending;
  for (const script of due) {
    const outcome = await runOrFindRun(engine, { runtime, catalogs, scripts, script });
    if (script && outcome !== 'had-run') (outcome === 'ran' ? ran : unwanted).push(script.name);
  }
  mode?.report({ ran, pending: [], skipped: unwanted, differing });
  return differing;
}

/** Where others keep committing, one that lost the race for a migration may never prove that nothing is left to do. */
async function runOrFindRun(engine: Engine, due: Due): Promise<'ran' | 'skipped' | 'had-run'> {
  try {
    return (await engine.write((transaction) => runOne(engine, transaction, due))).value;
  } catch (error) {
    if (!isAppError(error, 'unavailable')) throw error;
    const { value: runs } = await engine.read(migrationRuns, anyState);
    const hasRun = due.script === null ? !lacksOwn(runs) : runs.some(({ name }) => name === due.script?.name);
    if (!hasRun) throw error;
    return 'had-run';
  }
}

interface FoundMigrations {
  readonly runs: readonly MigrationRun[];
  /** Whether there are foreign keys of DuckDB's own. None can be added once Eider's tables exist, so this is not checked then. */
  readonly foreignKeys: boolean;
}

async function lookAt(session: Session): Promise<FoundMigrations> {
  const runs = await migrationRuns(session);
  return { runs, foreignKeys: lacksOwn(runs) && (await hasForeignKeys(session)) };
}

/** Whether all of them have run. */
export async function haveRun(session: Session, migrations: readonly Migration[]): Promise<boolean> {
  const runs = await migrationRuns(session);
  return !lacksOwn(runs) && planMigrations(scriptsFor(migrations, 'duckdb'), runs, new Set()).pending.length === 0;
}

function lacksOwn(runs: readonly MigrationRun[]): boolean {
  return ownScripts.some(({ name }) => !runs.some((run) => run.name === name));
}

/** An earlier version recorded no hashes. */
async function migrationRuns(session: Session): Promise<MigrationRun[]> {
  const found = await session.table('eider', 'migrations');
  const names = found?.columnNames() ?? [];
  const [name, sha256] = [names.indexOf('name'), names.indexOf('sha256')];
  return (found ? resultRows(found) : []).map((row) => {
    const hash = row[sha256] ?? null;
    return { name: String(row[name]), sha256: hash === null ? null : String(hash) };
  });
}

interface Due {
  readonly runtime: Runtime;
  readonly catalogs: Catalogs;
  readonly scripts: readonly MigrationScript[];
  readonly script: MigrationScript | null;
}

async function runOne(
  engine: Engine,
  transaction: WriteTransaction,
  { runtime, catalogs, scripts, script }: Due,
): Promise<'ran' | 'skipped' | 'had-run'> {
  const { session } = transaction;
  const runs = await migrationRuns(session);
  const capture = new Capture({ transaction, shapes: engine.shapes, catalogs });
  const note = (name: string, sha256: string | null): Promise<unknown> =>
    capture.run(
      'INSERT INTO eider.migrations (name, "at", sha256) VALUES ($1, $2::TIMESTAMPTZ, $3)',
      [name, new Date(runtime.now()).toISOString(), sha256],
      'own',
    );
  if (lacksOwn(runs)) {
    for (const sql of migrationTable) await capture.run(sql, [], 'own');
    if (runs.length > 0) await capture.run(addHash, [], 'own');
    for (const own of ownScripts.filter(({ name }) => !runs.some((run) => run.name === name))) {
      await runStatements(own, own.parts[0]?.statements() ?? [], (sql) => capture.run(sql, [], 'own'));
      await note(own.name, null);
    }
  }
  if (!script || runs.some(({ name }) => name === script.name)) {
    await capture.finish();
    return 'had-run';
  }
  const statements = await statementsFor(script, runs, scripts, () => hasTables(session));
  await runStatements(script, statements ?? [], (sql) => capture.run(sql));
  await note(script.name, statements ? script.sha256 : skipped);
  // References are checked here, for all statements at once.
  await capture.finish().catch((error: unknown) => {
    throw located(error, script.file);
  });
  return statements ? 'ran' : 'skipped';
}

const migrationTable = [
  'CREATE SCHEMA IF NOT EXISTS eider',
  'CREATE TABLE IF NOT EXISTS eider.migrations (name VARCHAR PRIMARY KEY, "at" TIMESTAMPTZ NOT NULL, sha256 VARCHAR)',
];
/** For a table that an earlier version made. */
const addHash = 'ALTER TABLE eider.migrations ADD COLUMN IF NOT EXISTS sha256 VARCHAR';

async function hasTables(session: Session): Promise<boolean> {
  const rows = await session.rows(
    `SELECT 1 FROM (SELECT database_name, schema_name, internal, temporary FROM duckdb_tables()
      UNION ALL SELECT database_name, schema_name, internal, temporary FROM duckdb_views())
    WHERE database_name = current_database() AND schema_name <> 'eider' AND NOT internal AND NOT temporary LIMIT 1`,
  );
  return rows.length > 0;
}
