/**
 * Migrations on PostgreSQL: each one runs once, in a transaction of its own, whichever process comes first.
 *
 * Owns: Eider's schema in the database, and what every table that a migration makes gets: an order by code points, as
 * DuckDB has it, and triggers that keep its changes. The worst that can happen: a migration run twice; all take turns on
 * one lock and look again once they have it. A migration that fails leaves nothing behind.
 */
import { type RawBuilder, sql } from '#packages/kysely';
import { AppError } from '../../errors.ts';
import type { Runtime } from '../../runtime.ts';
import type { Migration } from '../../schema/migration.ts';
import type { Queries } from '../../values.ts';
import { codeOf } from './errors.ts';
import type { Limits } from './limits.ts';
import { type Keys, queriesIn } from './queries.ts';
import { addColumns, ownFunctions, ownTables, triggersOf } from './schema-of-eider.ts';
import type { Transactions } from './transactions.ts';
import type { Transaction } from './transaction.ts';

/** Whatever number, as long as nobody else locks it: "eider" in ASCII. */
const lockNumber = 0x6569646572;

export interface MigrateOptions {
  readonly transactions: Transactions;
  readonly migrations: readonly Migration[];
  readonly runtime: Runtime;
  readonly limits: Limits;
}

/** Runs the migrations that have not run on this database yet, in order. Answers the tables' keys. @throws AppError */
export async function runMigrations(options: MigrateOptions): Promise<Keys> {
  const { transactions, migrations, runtime, limits } = options;
  const { done, keys, isOld } = await look(options);
  if (isOld) await bringUpToDate(options);
  const missing = migrations.filter(({ name }) => !done.has(name));
  for (const migration of missing) {
    await transactions.run((transaction) => runOne(transaction, migration, runtime), {
      mode: 'upkeep',
      withinMs: limits.migrationMs,
    });
  }
  return missing.length === 0 ? keys : (await look(options)).keys;
}

interface Looked {
  readonly done: ReadonlySet<string>;
  readonly keys: Keys;
  /** The tables of Eider are of an earlier version. */
  readonly isOld: boolean;
}

/** Whether the server can be used, what has run on it, and the keys of the tables that are there. */
async function look({ transactions, limits }: MigrateOptions): Promise<Looked> {
  const looked = await transactions.run(
    async (transaction) => {
      const { isOld } = await requireServer(transaction);
      const done = (await migrationsDone(transaction)) ?? new Set<string>();
      const tables = await tablesOf(queriesIn(transaction, 'read'));
      return { done, isOld, keys: new Map(tables.filter(({ kept }) => kept).map(({ name, key }) => [name, key])) };
    },
    { mode: 'read', withinMs: limits.operationMs },
  );
  return looked.value;
}

/** How long others wait behind this for the table, when somebody has it open. */
const patienceMs = 1000;

/**
 * Where the user has no right to it, or somebody has the table open, it is left for another start: what became of a commit
 * that was not answered is not known then.
 */
async function bringUpToDate({ transactions, limits }: MigrateOptions): Promise<void> {
  const changing = transactions.run(
    async (transaction) => {
      await transaction.rows('SELECT pg_advisory_xact_lock($1)', [lockNumber]);
      await transaction.rows(`SELECT set_config('lock_timeout', '${patienceMs}', true)`);
      for (const text of [addColumns, ...ownFunctions]) await transaction.rows(text);
    },
    { mode: 'upkeep', withinMs: limits.operationMs },
  );
  await changing.catch((error: unknown) => {
    if (!(error instanceof AppError) || !['42501', '55P03'].includes(codeOf(error.cause) ?? '')) throw error;
  });
}

async function requireServer(transaction: Transaction): Promise<Pick<Looked, 'isOld'>> {
  const [row] = await transaction.rows(
    `SELECT current_setting('server_version_num')::int AS version, current_setting('server_encoding') AS encoding,
      current_schema() AS schema, to_regclass('eider.changes') IS NOT NULL AND 2 > (
        SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass('eider.changes')
          AND (attname = 'token' AND atthasdef OR attname = 'table_schema')
      ) AS is_old`,
  );
  if (Number(row?.['version']) < 130_000) throw unfit('is older than version 13');
  if (row?.['encoding'] !== 'UTF8') throw unfit('keeps text in another encoding than UTF8');
  if (row['schema'] === null) throw unfit('has none of the schemas in its search_path');
  return { isOld: row['is_old'] === true };
}

function unfit(why: string): AppError {
  return new AppError('denied', `This PostgreSQL database cannot be used: it ${why}.`);
}

/** Null when the database has no schema of Eider's yet. */
async function migrationsDone(transaction: Transaction): Promise<ReadonlySet<string> | null> {
  const [row] = await transaction.rows(`SELECT to_regclass('eider.migrations') IS NOT NULL AS made`);
  if (row?.['made'] !== true) return null;
  const rows = await transaction.rows<{ name: string }>('SELECT name FROM eider.migrations');
  return new Set(rows.map(({ name }) => name));
}

async function runOne(transaction: Transaction, migration: Migration, runtime: Runtime): Promise<void> {
  await transaction.rows('SELECT pg_advisory_xact_lock($1)', [lockNumber]);
  const done = await migrationsDone(transaction);
  if (done?.has(migration.name)) return;
  const queries = queriesIn(transaction, 'upkeep');
  if (!done) await withHints(() => makeOwnSchema(queries, runtime));
  const before = new Set((await tablesOf(queries)).map(({ oid }) => oid));
  await withHints(() => migration.up({ queries, engine: 'postgres' })).catch((error: unknown) => {
    throw nameTaken(migration, error) ?? error;
  });
  await sql`INSERT INTO eider.changes (table_name, op, image) VALUES ('', 'schema', '{}')`.execute(queries);
  for (const table of await tablesOf(queries)) {
    if (before.has(table.oid) && !table.kept) continue;
    await orderByCodePoints(queries, table);
    if (!table.kept) await keepChanges(queries, table);
  }
  await sql`INSERT INTO eider.migrations VALUES (${migration.name}, ${new Date(runtime.now())})`.execute(queries);
}

async function makeOwnSchema(queries: Queries, runtime: Runtime): Promise<void> {
  const { rows } = await sql<{ made: boolean }>`SELECT to_regnamespace('eider') IS NOT NULL AS made`.execute(queries);
  // IF NOT EXISTS would ask for the right to make schemas also where somebody has made this one.
  if (rows[0]?.made !== true) await sql`CREATE SCHEMA eider`.execute(queries);
  for (const text of [...ownTables, ...ownFunctions]) await sql.raw(text).execute(queries);
  await sql`INSERT INTO eider.state (id) VALUES (${runtime.uuid()})`.execute(queries);
}

interface TableFound {
  /** As SQL names it, quoted. */
  readonly table: string;
  readonly name: string;
  readonly oid: string;
  /** Whether its changes are kept already. */
  readonly kept: boolean;
  readonly key: readonly string[];
}

/** The tables of the schema that names without one belong to. */
async function tablesOf(queries: Queries): Promise<readonly TableFound[]> {
  const { rows } = await sql<TableFound>`
    SELECT c.oid::regclass::text AS "table", c.relname AS name, c.oid::text AS oid,
      EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'eider_insert') AS kept,
      ARRAY(SELECT a.attname FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k (number, place)
        JOIN pg_attribute a ON a.attnum = k.number
        WHERE i.indrelid = c.oid AND i.indisprimary AND a.attrelid = c.oid ORDER BY k.place) AS key
    FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
    ORDER BY c.oid`.execute(queries);
  return rows;
}

async function keepChanges(queries: Queries, { table, key }: TableFound): Promise<void> {
  for (const text of triggersOf(table, key)) await sql.raw(text).execute(queries);
  await sql`SELECT eider.note_rows(${table}::regclass)`.execute(queries);
}

/** Text compares by code points on DuckDB, but in some language's order by default here. */
async function orderByCodePoints(queries: Queries, { table, oid }: TableFound): Promise<void> {
  const { rows } = await sql<{ name: string; type: string }>`
    SELECT quote_ident(attname) AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
    WHERE attrelid = ${oid}::oid AND attnum > 0 AND NOT attisdropped AND attcollation = '"default"'::regcollation`.execute(
    queries,
  );
  if (rows.length === 0) return;
  const collation = await codePointCollation(queries);
  const changes = rows.map(({ name, type }) => `ALTER COLUMN ${name} TYPE ${type} COLLATE ${collation}`);
  await sql.raw(`ALTER TABLE ${table} ${changes.join(', ')}`).execute(queries);
}

/**
 * The best there is: all order by code points; the last one knows upper and lower case (for `ilike`) of ASCII alone.
 * https://www.postgresql.org/docs/current/collation.html
 */
const collations = ['pg_c_utf8', 'C.utf8', 'C.UTF-8', 'C'];

async function codePointCollation(queries: Queries): Promise<string> {
  const names: RawBuilder<unknown> = sql.join(collations.map((name) => sql`${name}`));
  const { rows } = await sql<{ name: string }>`
    SELECT collname AS name FROM pg_collation WHERE collnamespace = 'pg_catalog'::regnamespace
    AND collencoding IN (-1, pg_char_to_encoding('UTF8')) AND collname IN (${names})`.execute(queries);
  const found = collations.find((each) => rows.some(({ name }) => name === each));
  return `pg_catalog."${found ?? 'C'}"`;
}

/** A right that is missing is most often missing here. */
async function withHints<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AppError) || codeOf(error.cause) !== '42501') throw error;
    throw new AppError('denied', 'The user of DATABASE_URL may not make the tables of this database.', {
      cause: error.cause,
      hint: 'As the owner of the database: GRANT CREATE ON DATABASE … TO user; GRANT CREATE, USAGE ON SCHEMA public TO user.',
    });
  }
}

/** For a database that others use as well: it may have a table or an index by a name that a migration needs. */
function nameTaken(migration: Migration, error: unknown): AppError | null {
  if (codeOf(error) !== '42P07' || !(error instanceof Error)) return null;
  const name = /"([^"]+)"/.exec(error.message)?.[1] ?? '';
  const message = `The database has a table or an index ${name} already, which ${migration.name} makes.`;
  return new AppError('invalid', message, {
    cause: error,
    hint: 'Rename it, or name another database in DATABASE_URL; nothing of this one was changed.',
  });
}
