/**
 * Staged rows replace those of the target in one transaction: tables are locked first, references go first and come
 * back last.
 */
import { AppError } from '../../errors.ts';
import { writeArray } from '../../sql/postgres-array.ts';
import { quoteName } from '../../sync/sql.ts';
import { Definer, type DefinerOptions, type ReferenceFound } from './onto-postgres.ts';
import { catalogOfPostgres, type ColumnFound, type TableFound, stagedName, tablesFound } from './postgres-inventory.ts';
import { hasNewChanges } from './postgres-rows.ts';
import { ofTable, type PostgresSession, type TextRow } from './postgres-session.ts';
import { type MovedTable, quotedOnPostgres, titleOf } from './tables.ts';
import { duckdbType } from './types.ts';

export interface Replacing extends Pick<DefinerOptions, 'tables' | 'definitions' | 'areChanged'> {
  /** The state that was looked at, as PostgreSQL writes a snapshot; null: the present state is replaced. */
  readonly since: string | null;
}

interface ReplacedTable {
  readonly table: MovedTable;
  readonly staged: string;
  readonly quoted: string;
  readonly found: TableFound | undefined;
  /** It is defined alike: it keeps its definition, its indexes and its grants, and gets other rows. */
  readonly isKept: boolean;
}

export async function replaceAll(
  postgres: PostgresSession,
  { tables, definitions, areChanged, since }: Replacing,
): Promise<readonly string[]> {
  const catalog = await catalogOfPostgres(postgres);
  const present = await tablesFound(postgres, catalog);
  const targets = tables.map((table, index): ReplacedTable => {
    const found = present.find((each) => titleOf(each, catalog.defaultSchema) === table.title);
    const isKept = found !== undefined && (table.duckdb.schema === 'eider' || isAlike(found, table));
    return { table, staged: stagedName(index), quoted: quotedOnPostgres(table), found, isKept };
  });
  const there = targets.filter(({ found }) => found).map(({ quoted }) => quoted);
  if (there.length > 0) await postgres.rows(`LOCK TABLE ${there.join(', ')} IN ACCESS EXCLUSIVE MODE`);
  if (since !== null) await requireUnwritten(postgres, since);
  const references = await dropReferences(postgres, there);
  const triggers = await empty(postgres, targets);
  const definer = new Definer(postgres, { definitions, tables, areChanged, current: catalog.defaultSchema });
  await definer.before();
  for (const target of targets) await running(target.table, () => fill(postgres, definer, target));
  for (const { table, isKept } of targets) if (!isKept) await running(table, () => definer.keys(table));
  const kept = new Set(targets.filter(({ isKept }) => isKept).map(({ quoted }) => quoted));
  for (const { table, sql } of references) if (kept.has(table)) await postgres.rows(sql);
  await definer.after(references);
  await enableTriggers(postgres, triggers);
  for (const { quoted, isKept } of targets) {
    // The feed does not report these rows one by one.
    if (!isKept) await postgres.rows(`SELECT eider.watch($1::regclass, 'none')`, [quoted]);
  }
  return definer.leftBehind;
}

/** Whether the table can stay as it is: it has the columns, and promises no less than the source's does. */
function isAlike(found: TableFound, table: MovedTable): boolean {
  const there = new Map(found.columns.map((each) => [each.name, each]));
  const { key, unique, checks } = found.relation;
  const sets = new Set(unique.map(({ columns }) => JSON.stringify(columns.toSorted())));
  return (
    there.size === table.all.length &&
    table.all.every((column) => isAlikeColumn(there.get(column.name), column)) &&
    JSON.stringify(key) === JSON.stringify(table.key.map(({ name }) => name)) &&
    table.relation.unique.every(({ columns }) => sets.has(JSON.stringify(columns.toSorted()))) &&
    checks.length >= table.relation.checks.length
  );
}

function isAlikeColumn(found: ColumnFound | undefined, column: MovedTable['all'][number]): boolean {
  if (found?.isGenerated !== column.isGenerated || (!column.isGenerated && found.notNull !== column.notNull))
    return false;
  return found.type === column.postgres || duckdbType(found.type) === column.declared;
}

async function requireUnwritten(postgres: PostgresSession, since: string): Promise<void> {
  if (!(await hasNewChanges(postgres, since))) return;
  throw new AppError('conflict', 'The target was written during the move; nothing was replaced.', {
    hint: 'Stop all writers, then repeat.',
  });
}

async function running<T>({ title }: MovedTable, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw ofTable(title, error);
  }
}

/** Those of the tables, so that these can be emptied and filled in any order. */
async function dropReferences(postgres: PostgresSession, tables: readonly string[]): Promise<ReferenceFound[]> {
  const rows = await postgres.rows(
    `SELECT t.name AS table, c.conname::text AS name, pg_get_constraintdef(c.oid) AS definition
    FROM unnest($1::text[]) AS t (name) JOIN pg_constraint c ON c.conrelid = t.name::regclass
    WHERE c.contype = 'f' AND c.conparentid = 0`,
    [writeArray(tables)],
  );
  const found = rows.map((row): ReferenceFound => {
    const [table, name] = [String(row['table']), String(row['name'])];
    return { table, name, sql: `ALTER TABLE ${table} ADD CONSTRAINT ${quoteName(name)} ${row['definition']}` };
  });
  for (const { table, name } of found) await postgres.rows(`ALTER TABLE ${table} DROP CONSTRAINT ${quoteName(name)}`);
  return found;
}

async function empty(postgres: PostgresSession, targets: readonly ReplacedTable[]): Promise<TextRow[]> {
  const named = (isKept: boolean): string[] =>
    targets.filter((each) => each.found && each.isKept === isKept).map(({ quoted }) => quoted);
  const [kept, others] = [named(true), named(false)];
  try {
    if (others.length > 0) await postgres.rows(`DROP TABLE ${others.join(', ')}`);
    const triggers = await disableTriggers(postgres, kept);
    if (kept.length > 0) await postgres.rows(`TRUNCATE ${kept.join(', ')}`);
    return triggers;
  } catch (error) {
    throw ofTable('The target', error);
  }
}

/** Tables with triggers: the feed reports a move once, not row by row. */
async function disableTriggers(postgres: PostgresSession, tables: readonly string[]): Promise<TextRow[]> {
  const rows = await postgres.rows(
    `SELECT n.name AS table, quote_ident(t.tgname) AS trigger, (t.tgenabled = 'A')::text AS always
    FROM unnest($1::text[]) AS n (name) JOIN pg_trigger t ON t.tgrelid = n.name::regclass
    WHERE NOT t.tgisinternal AND t.tgname LIKE 'eider\\_%' AND t.tgenabled <> 'D'`,
    [writeArray(tables)],
  );
  for (const row of rows) await postgres.rows(`ALTER TABLE ${row['table']} DISABLE TRIGGER ${row['trigger']}`);
  return rows;
}

async function enableTriggers(postgres: PostgresSession, triggers: readonly TextRow[]): Promise<void> {
  for (const { table, trigger, always } of triggers) {
    await postgres.rows(`ALTER TABLE ${table} ENABLE ${always === 'true' ? 'ALWAYS ' : ''}TRIGGER ${trigger}`);
  }
}

async function fill(
  postgres: PostgresSession,
  definer: Definer,
  { table, staged, quoted, found, isKept }: ReplacedTable,
): Promise<void> {
  if (!isKept) await definer.table(table);
  const types = new Map(found?.columns.map(({ name, type }) => [name, type]));
  const names = table.columns.map(({ name }) => quoteName(name)).join(', ');
  const values = table.columns
    .map((column) => `${quoteName(column.name)}::${isKept ? types.get(column.name) : definer.typeOf(column)}`)
    .join(', ');
  if (table.columns.length === 0) return;
  await postgres.rows(`INSERT INTO ${quoted} (${names}) OVERRIDING SYSTEM VALUE SELECT ${values} FROM ${staged}`);
  if (isKept) await definer.kept(table);
}
