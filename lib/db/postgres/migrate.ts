/**
 * Each migration runs once, in a transaction of its own: processes take turns on one lock and look again once they
 * have it.
 */
import {
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
import { isOfExtension, isUsers } from '../../catalog/postgres.ts';
import { AppError, isAppError } from '../../errors.ts';
import type { Runtime } from '../../runtime.ts';
import type { Row } from '../../values.ts';
import { previewMigrations, type MigrationMode } from '../migration-report.ts';
import { knownNames, ownMigrations } from '../own-migrations.ts';
import type { Limits } from './limits.ts';
import { orderByCodePoints } from './collations.ts';
import { addToken, functions, noteDefinitions, ownTables } from './schema-of-eider.ts';
import { runStatement } from './scope.ts';
import type { PostgresTransaction } from './transaction.ts';
import type { Transactions } from './transactions.ts';
import { findUnwatched, type TableWatch, takeTurn, waitForTablesBriefly, watchNew } from './watch.ts';

export interface PostgresMigrateOptions {
  readonly transactions: Transactions;
  readonly migrations: readonly Migration[];
  readonly runtime: Runtime;
  readonly limits: Limits;
  readonly watch: TableWatch;
  readonly mode?: MigrationMode;
}

const ownScripts = scriptsFor([...ownMigrations, functions], 'postgres');
const functionsScripts = scriptsFor([functions], 'postgres');

/**
 * Runs the migrations that have not run on this database yet, in order, and gives tables without triggers theirs. Answers
 * what differs from the files. @throws AppError
 */
export async function runMigrations(options: PostgresMigrateOptions): Promise<MigrationPlan['differing']> {
  const { transactions, migrations, mode, watch } = options;
  const scripts = scriptsFor(migrations, 'postgres');
  const looked = await look(options);
  const plan = planMigrations(scripts, looked.runs ?? [], knownNames(migrations));
  const { pending, differing } = plan;
  if (mode?.isDryRun) {
    const reading = { mode: 'read' } as const;
    const tables = (): Promise<boolean> => transactions.run(hasTables, reading).then(({ value }) => value);
    mode.report(await previewMigrations(plan, looked.runs ?? [], scripts, tables));
    return differing;
  }
  if (looked.isBehind) await bringUpToDate(options);
  const outcomes = await runPending(options, scripts, pending, looked.runs);
  if (outcomes.length > 0) await look(options);
  await watch.attach();
  const named = (outcome: MigrationOutcome): string[] =>
    outcomes.filter(([, each]) => each === outcome).map(([name]) => name);
  mode?.report({ ran: named('ran'), pending: [], skipped: named('skipped'), differing });
  return differing;
}

type MigrationOutcome = 'ran' | 'skipped' | 'had-run';

/** Eider's own run in the transaction of the first of the user's, or alone when there is none. */
async function runPending(
  { transactions, runtime, limits }: PostgresMigrateOptions,
  scripts: readonly MigrationScript[],
  pending: readonly MigrationScript[],
  runs: readonly MigrationRun[] | null,
): Promise<(readonly [name: string, outcome: MigrationOutcome])[]> {
  const isOwnPending = ownScripts.some(({ name }) => !runs?.some((run) => run.name === name));
  const due = pending.length === 0 && isOwnPending ? [null] : pending;
  const outcomes: (readonly [string, MigrationOutcome])[] = [];
  for (const script of due) {
    const { value } = await transactions.run((transaction) => runOne(transaction, runtime, scripts, script), {
      mode: 'upkeep',
      withinMs: limits.migrationMs,
    });
    outcomes.push([script?.name ?? '', value]);
  }
  return outcomes;
}

/** Whether the server can be used, what has run on it, and which tables lack triggers. */
async function look({ transactions, watch }: PostgresMigrateOptions) {
  const looked = await transactions.run(
    async (transaction) => {
      const { isMade, isBehind } = await requireServer(transaction);
      if (isMade) await watch.look(transaction);
      return { isBehind, runs: isMade ? await migrationRuns(transaction) : null };
    },
    { mode: 'read' },
  );
  return looked.value;
}

/**
 * Where the user has no right to it, or somebody has the table open, it is left for another start: what became of a commit
 * that was not answered is not known then.
 */
async function bringUpToDate({ transactions }: PostgresMigrateOptions): Promise<void> {
  const changing = transactions.run(
    async (transaction) => {
      await takeTurn(transaction);
      await waitForTablesBriefly(transaction);
      await transaction.rows(addToken);
      for (const script of functionsScripts)
        await runStatements(script, script.parts[0]?.statements() ?? [], (sql) => transaction.rows(sql));
    },
    { mode: 'upkeep' },
  );
  await changing.catch((error: unknown) => {
    if (!isAppError(error) || !['42501', '55P03'].includes(error.sqlState ?? '')) throw error;
  });
}

async function requireServer(transaction: PostgresTransaction): Promise<{ isMade: boolean; isBehind: boolean }> {
  const [row] = await transaction.rows(
    `SELECT current_setting('server_version_num')::int AS version, current_setting('server_encoding') AS encoding,
      current_schema() AS schema, to_regclass('eider.migrations') IS NOT NULL AS made,
      to_regclass('eider.changes') IS NOT NULL AND (to_regclass('eider.overtaken') IS NULL OR NOT EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = to_regclass('eider.changes') AND attname = 'token' AND atthasdef
      )) AS behind`,
  );
  if (Number(row?.['version']) < 130_000) throw unfit('is older than version 13');
  if (row?.['encoding'] !== 'UTF8') throw unfit('keeps text in another encoding than UTF8');
  if (row['schema'] === null) throw unfit('has none of the schemas in its search_path');
  return { isMade: row['made'] === true, isBehind: row['behind'] === true };
}

function unfit(why: string): AppError {
  return new AppError('denied', `This PostgreSQL database cannot be used: it ${why}.`);
}

function migrationRuns(transaction: PostgresTransaction): Promise<MigrationRun[]> {
  return transaction.rows<MigrationRun & Row>(`SELECT name, to_json(m)->>'sha256' AS sha256 FROM eider.migrations m`);
}

async function runOne(
  transaction: PostgresTransaction,
  runtime: Runtime,
  scripts: readonly MigrationScript[],
  script: MigrationScript | null,
): Promise<MigrationOutcome> {
  await takeTurn(transaction);
  const runs = await withHints(() => ownSchema(transaction, runtime));
  if (script === null || runs.some(({ name }) => name === script.name)) return 'had-run';
  const statements = await statementsFor(script, runs, scripts, () => hasTables(transaction));
  if (statements) await withHints(() => runScript(transaction, script, statements));
  await recordRun(transaction, runtime, script.name, statements ? script.sha256 : skipped);
  return statements ? 'ran' : 'skipped';
}

async function runScript(
  transaction: PostgresTransaction,
  script: MigrationScript,
  statements: Parameters<typeof runStatements>[1],
): Promise<void> {
  const before = new Set((await findUnwatched(transaction)).map(({ oid }) => oid));
  await transaction.rows(noteDefinitions);
  await runStatements(script, statements, async (sql) => {
    const { command } = await runStatement(transaction, sql);
    if (/^(?:CREATE|ALTER|SELECT)$/.test(command)) await orderByCodePoints(transaction);
  });
  await watchNew(transaction, ({ oid }) => !before.has(oid));
}

async function recordRun(
  transaction: PostgresTransaction,
  runtime: Runtime,
  name: string,
  sha256: string | null,
): Promise<void> {
  const at = new Date(runtime.now());
  await transaction.rows('INSERT INTO eider.migrations (name, at, sha256) VALUES ($1, $2, $3)', [name, at, sha256]);
}

/** Makes what of Eider's own is not there yet; answers what has run. */
async function ownSchema(transaction: PostgresTransaction, runtime: Runtime): Promise<readonly MigrationRun[]> {
  const { isMade } = await requireServer(transaction);
  if (!isMade) await makeOwnTables(transaction, runtime);
  const runs = await migrationRuns(transaction);
  const missing = ownScripts.filter(({ name }) => !runs.some((run) => run.name === name));
  for (const script of missing) {
    await runStatements(script, script.parts[0]?.statements() ?? [], (sql) => transaction.rows(sql));
    await recordRun(transaction, runtime, script.name, null);
  }
  return runs;
}

async function makeOwnTables(transaction: PostgresTransaction, runtime: Runtime): Promise<void> {
  const [row] = await transaction.rows(`SELECT to_regnamespace('eider') IS NOT NULL AS made`);
  // IF NOT EXISTS needs the right to create schemas even if this one exists.
  if (row?.['made'] !== true) await transaction.rows('CREATE SCHEMA eider');
  for (const text of ownTables) await transaction.rows(text);
  await transaction.rows('INSERT INTO eider.state (id) VALUES ($1)', [runtime.uuid()]);
}

async function hasTables(transaction: PostgresTransaction): Promise<boolean> {
  const [row] = await transaction.rows(
    `SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't' AND ${isUsers} AND NOT ${isOfExtension('pg_class', 'c.oid')}) AS found`,
  );
  return row?.['found'] === true;
}

async function withHints<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isAppError(error) || error.sqlState !== '42501') throw error;
    throw new AppError('denied', 'The user of DATABASE_URL may not create tables in this database.', {
      cause: error,
      hint: 'As the owner of the database: GRANT CREATE ON DATABASE … TO user; GRANT CREATE, USAGE ON SCHEMA public TO user.',
    });
  }
}
