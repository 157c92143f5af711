/**
 * Converts a database whose tables have foreign keys of DuckDB's own: each such table is rebuilt without them, and
 * eider.references says what they were. Of a copy that is Eider's: the user's own file is not touched.
 */
import { type DuckDBValue, listValue } from '@duckdb/node-api';
import { type Catalog, type Relation, relationId } from '../../../catalog/catalog.ts';
import { readDuckDbCatalog } from '../../../catalog/duckdb.ts';
import { AppError } from '../../../errors.ts';
import { tokensOf } from '../../../sql/tokens.ts';
import { isDiskFull, mapLocalError } from '../../../sync/local-disk.ts';
import { quoteName, quoteTable, type Session } from '../../../sync/sql.ts';
import { referencesTable } from '../../own-migrations.ts';
import { plainRows } from '../dialect.ts';
import { cutFromCreate } from './clauses.ts';
import { type ReferenceLink, linksOf } from './links.ts';

/**
 * Takes over all foreign keys of the session's database; answers whether there were any. `afterEach`: called when a table
 * is done, so that the space of the old one can be used for the next. A failure leaves the copy half done, to be thrown away.
 *
 * @example await takeOverForeignKeys(session, () => session.execute('CHECKPOINT'))
 */
export async function takeOverForeignKeys(session: Session, afterEach?: () => Promise<void>): Promise<boolean> {
  const names = await tablesWithForeignKeys(session);
  if (names.length === 0) return false;
  const catalog = await readDuckDbCatalog(async (sql) => plainRows(await session.run(sql)), []);
  await session.execute(`CREATE SCHEMA IF NOT EXISTS eider; ${referencesTable}`);
  const tables = names.map(([schema, name]) => tableOf(catalog, String(schema), String(name)));
  for (const table of referrersFirst(catalog, tables)) {
    await rebuild(session, table).catch((cause: unknown) => {
      throw isDiskFull(cause) ? mapLocalError(cause) : notRebuilt(table, cause);
    });
    for (const link of linksOf(catalog).ofChild.get(relationId(table)) ?? []) await keep(session, link);
    await afterEach?.();
  }
  return true;
}

export async function hasForeignKeys(session: Session): Promise<boolean> {
  return (await tablesWithForeignKeys(session)).length > 0;
}

function tablesWithForeignKeys(session: Session): Promise<DuckDBValue[][]> {
  return session.rows(
    `SELECT DISTINCT schema_name, table_name FROM duckdb_constraints()
     WHERE database_name = current_database() AND constraint_type = 'FOREIGN KEY' ORDER BY ALL`,
  );
}

function tableOf(catalog: Catalog, schema: string, name: string): Relation {
  const table = catalog.relations.get(relationId({ schema, name }));
  if (table) return table;
  throw new AppError('invalid', `The table ${schema}.${name} has a foreign key that Eider cannot convert.`);
}

/** A table can go only when no other refers to it any longer. There are no circles: DuckDB adds no foreign key to a table. */
function referrersFirst(catalog: Catalog, tables: readonly Relation[]): Relation[] {
  const { ofParent } = linksOf(catalog);
  const ordered = new Set<Relation>();
  const visit = (table: Relation): void => {
    if (ordered.has(table)) return;
    for (const { child } of ofParent.get(relationId(table)) ?? []) if (child !== table) visit(child);
    ordered.add(table);
  };
  for (const table of tables) visit(table);
  return [...ordered].filter((table) => tables.includes(table));
}

async function rebuild(session: Session, table: Relation): Promise<void> {
  const { schema, name } = table;
  const built = { schema, table: `eider building ${name}` };
  const restore = await definitionsOnTop(session, table);
  await session.execute(await createSql(session, table, quoteTable(built)));
  const columns = table.columns.filter(({ generated }) => !generated).map((column) => quoteName(column.name));
  const old = quoteTable({ schema, table: name });
  const [[copied] = []] = await session.rows(
    `INSERT INTO ${quoteTable(built)} (${columns.join(', ')}) SELECT ${columns.join(', ')} FROM ${old}`,
  );
  await requireSame(session, table, built.table, copied);
  await session.execute(`DROP TABLE ${old}`);
  await session.execute(`ALTER TABLE ${quoteTable(built)} RENAME TO ${quoteName(name)}`);
  for (const statement of restore) await session.execute(statement);
}

/**
 * The table's own CREATE, without references and for another name. DuckDB prints the name of a schema without its quotes in a
 * foreign key, so that is found by its text rather than read.
 */
async function createSql(session: Session, { schema, name }: Relation, as: string): Promise<string> {
  const own = 'database_name = current_database() AND schema_name = $1 AND table_name = $2';
  const [[found] = []] = await session.rows(`SELECT sql FROM duckdb_tables() WHERE ${own}`, [schema, name]);
  const foreign = await session.rows(
    `SELECT constraint_text FROM duckdb_constraints() WHERE ${own} AND constraint_type = 'FOREIGN KEY'`,
    [schema, name],
  );
  const sql = foreign.reduce<string>((text, [key]) => withoutLast(text, String(key)), String(found));
  const cut = cutFromCreate(sql, tokensOf(sql)).sql;
  const open = tokensOf(cut).find((token) => token.text === '(' && token.kind === 'symbol');
  return `CREATE TABLE ${as} ${cut.slice(open?.start ?? 0)}`;
}

/** Constraints of the table come behind its columns, so the last such text is one. */
function withoutLast(sql: string, element: string): string {
  const at = sql.lastIndexOf(element);
  return at < 0 ? sql : sql.slice(0, at) + sql.slice(at + element.length);
}

/** What goes with the old table: its indexes, and all comments, as statements. */
async function definitionsOnTop(session: Session, { schema, name, comment, columns }: Relation): Promise<string[]> {
  const table = quoteTable({ schema, table: name });
  const indexes = await session.rows(
    `SELECT sql, index_name, comment FROM duckdb_indexes()
     WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2 AND sql IS NOT NULL ORDER BY index_oid`,
    [schema, name],
  );
  const statements = indexes.map(([sql]) => String(sql));
  const note = (kind: string, what: string, text: unknown): void => {
    if (typeof text === 'string') statements.push(`COMMENT ON ${kind} ${what} IS '${text.replaceAll("'", "''")}'`);
  };
  for (const [, index, text] of indexes) note('INDEX', quoteTable({ schema, table: String(index) }), text);
  note('TABLE', table, comment);
  for (const column of columns) note('COLUMN', `${table}.${quoteName(column.name)}`, column.comment);
  return statements;
}

async function requireSame(
  session: Session,
  { schema, name }: Relation,
  built: string,
  copied: unknown,
): Promise<void> {
  const columns = `SELECT column_name, column_index, column_default, is_nullable, data_type FROM duckdb_columns()
    WHERE database_name = current_database() AND schema_name = $1 AND table_name =`;
  const [[isSame, rows] = []] = await session.rows(
    `SELECT NOT EXISTS (${columns} $2 EXCEPT ${columns} $3), (SELECT count(*) FROM ${quoteTable({ schema, table: name })})`,
    [schema, name, built],
  );
  if (isSame !== true || rows !== copied) throw new Error('Its columns or rows differ after the copy.');
}

function notRebuilt({ schema, name }: Relation, cause: unknown): AppError {
  return new AppError('invalid', `The table ${schema}.${name} cannot be rebuilt without its foreign keys.`, {
    cause,
    hint: 'Create the table again without them in the database file. The file was not changed.',
  });
}

async function keep(session: Session, { child, reference, parent }: ReferenceLink): Promise<void> {
  const { name, columns, targetColumns } = reference;
  await session.rows('INSERT INTO eider."references" VALUES ($1, $2, $3, $4, $5, $6, $7)', [
    name,
    child.schema,
    child.name,
    listValue(columns),
    parent.schema,
    parent.name,
    listValue(targetColumns),
  ]);
}
