/**
 * Whether a user's statement may run: each part of it is checked like a query, by the tree that DuckDB's
 * own parser makes of it.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Catalog } from '../../../catalog/catalog.ts';
import { AppError, isAppError } from '../../../errors.ts';
import { definitionOf } from '../../../sql/definition.ts';
import { requireShallow } from '../../../sql/nesting.ts';
import { definitionParts, rowParts } from '../../../sql/parts.ts';
import { type Statement, statementOf } from '../../../sql/statement.ts';
import { isQuery } from '../run.ts';
import { scalarFunctions } from './functions.ts';
import { checkTree, refuse, type Relations } from './grammar.ts';

/** All tables and views, each with whether it is the user's. */
const relationsSql = `
  SELECT schema_name || '.' || name AS path, schema_name, name,
    NOT internal AND NOT temporary AND database_name = current_database() AND lower(schema_name) <> 'eider' AS own
  FROM (
    SELECT database_name, schema_name, table_name, internal, temporary FROM duckdb_tables() UNION ALL
    SELECT database_name, schema_name, view_name, internal, temporary FROM duckdb_views()
  ) AS relations(database_name, schema_name, name, internal, temporary)`;
/** Each as a statement: that of a table is one. */
const macrosSql = `
  SELECT lower(schema_name || '.' || function_name), function_type = 'table_macro', macro_definition
  FROM duckdb_functions() WHERE NOT internal AND database_name = current_database() AND lower(schema_name) <> 'eider'
    AND function_type IN ('macro', 'table_macro')`;

const typesSql = `
  SELECT type_name FROM duckdb_types()
  WHERE NOT internal AND database_name = current_database() AND lower(schema_name) <> 'eider'`;

/** What a query may name. Not a view whose own query would be refused: in an adopted file it may be anybody's. */
export async function readRelations(connection: DuckDBConnection): Promise<Relations> {
  return (await judgeViews(connection)).relations;
}

const viewsSql = `
  SELECT lower(schema_name || '.' || view_name), sql FROM duckdb_views()
  WHERE NOT internal AND NOT temporary AND database_name = current_database() AND lower(schema_name) <> 'eider'`;

interface JudgedViews {
  readonly relations: Relations;
  /** By their names in lower case, with the schema: why they may not be read. */
  readonly refused: ReadonlyMap<string, AppError>;
}

/** Each view is judged as a query of its text, until those that are left read none of those that are not. */
export async function judgeViews(connection: DuckDBConnection): Promise<JudgedViews> {
  const all = await readAllRelations(connection);
  const views = new Map((await connection.runAndReadAll(viewsSql)).getRows().map(([name, sql]) => [String(name), sql]));
  const refused = new Map<string, AppError>();
  const users = new Set(all.users);
  const relations = { ...all, users };
  for (let before = -1; before < refused.size;) {
    before = refused.size;
    for (const [name, sql] of views) {
      const fault = await faultOfView(connection, String(sql), relations);
      if (!fault) continue;
      refused.set(name, fault);
      users.delete(name);
      views.delete(name);
    }
  }
  return { relations, refused };
}

async function faultOfView(connection: DuckDBConnection, sql: string, relations: Relations): Promise<AppError | null> {
  try {
    const statement = statementOf(sql);
    const definition = definitionOf(statement);
    if (!definition) throw refuse('a view of an unknown form');
    for (const select of definitionParts(statement, definition).selects) {
      await checkQuery(connection, select, relations);
    }
    return null;
  } catch (error) {
    if (isAppError(error, 'invalid')) return error;
    throw error;
  }
}

async function readAllRelations(connection: DuckDBConnection): Promise<Relations> {
  const names = async (sql: string): Promise<string[]> => {
    const reader = await connection.runAndReadAll(sql);
    return reader.getRows().map(([name]) => String(name).toLowerCase());
  };
  const users = await names(`SELECT path FROM (${relationsSql}) WHERE own`);
  const internal = await names(
    `SELECT name FROM (${relationsSql}) WHERE NOT own AND schema_name IN ('main', 'pg_catalog')`,
  );
  const [database = ''] = await names('SELECT current_database()');
  const types = new Set(['json', ...(await names(typesSql))]);
  const macros = await readMacros(connection);
  return { users: new Set(users), internal: new Set(internal), database, functions: new Set(), types, macros };
}

async function readMacros(connection: DuckDBConnection): Promise<Relations['macros']> {
  const rows = (await connection.runAndReadAll(macrosSql)).getRows();
  const texts = rows.map(
    ([name, isTable, text]) => [String(name), `${isTable === true ? '' : 'SELECT '}${String(text)}`] as const,
  );
  const groups = Map.groupBy(texts, ([name]) => name);
  return new Map([...groups].map(([name, all]) => [name, all.map(([, text]) => text)]));
}

/**
 * Checks the query, and every macro that it comes to. `values`: of its parameters, where it runs in the server's own process.
 *
 * @throws AppError `invalid` for a text that is not one SELECT, or that may not be run
 */
export async function checkQuery(
  connection: DuckDBConnection,
  sql: string,
  relations: Relations,
  values: readonly unknown[] | null = null,
): Promise<void> {
  const seen = new Set<string>();
  const texts = [sql];
  for (let text = texts.pop(); text !== undefined; text = texts.pop()) {
    for (const macro of checkTree(await parse(connection, text), relations, values)) {
      if (!seen.has(macro)) texts.push(...(relations.macros.get(macro) ?? []));
      seen.add(macro);
    }
  }
}

/** What a write may name, from a catalog. */
const known = new WeakMap<Catalog, Relations>();
/** Statements that were found right: those of parameters alone, whose values decide nothing. */
const found = new WeakMap<Relations, Set<string>>();
const mostFound = 1000;

/** Checks a statement that runs in a write. What it is about, and whether it can be captured, is for others to say. */
export async function checkStatement(
  connection: DuckDBConnection,
  catalog: Catalog,
  statement: Statement,
  values: readonly unknown[],
): Promise<void> {
  const relations = known.get(catalog) ?? withSequences(await readRelations(connection));
  known.set(catalog, relations);
  const right = found.get(relations) ?? new Set<string>();
  if (right.has(statement.sql)) return;
  // Each part would number its own unnumbered parameters from 1.
  const isNumbered = !statement.tokens.some(({ text }) => text === '?');
  // Definitions are the administrator's.
  const bounds = definitionOf(statement) ? null : isNumbered ? values : [];
  for (const select of partsOf(statement, relations)) await checkQuery(connection, select, relations, bounds);
  if (!statement.write?.insertsParameters || right.size >= mostFound) return;
  found.set(relations, right.add(statement.sql));
}

/** Only writes may use sequences. */
function withSequences(relations: Relations): Relations {
  return { ...relations, functions: new Set(['nextval', 'currval']) };
}

function partsOf(statement: Statement, { functions, macros }: Relations): readonly string[] {
  if (statement.write) return rowParts(statement, statement.write);
  const definition = definitionOf(statement);
  // What is neither is refused where it would run.
  if (!definition) return isQuery(statement) ? [statement.sql] : [];
  // A default and a CHECK are in no tree.
  requireShallow(statement.tokens, 200);
  const { selects, calls } = definitionParts(statement, definition);
  const bodies = calls.flatMap((name) => {
    const macro = macros.get(`main.${name.toLowerCase()}`);
    if (macro) return macro;
    if ([scalarFunctions, functions, clauses].some((may) => may.has(name.toLowerCase()))) return [];
    throw refuse(`the function ${name}`);
  });
  return [...selects, ...bodies];
}

/** Words before a bracket in a definition that are not function calls. */
const clauses: ReadonlySet<string> = new Set(
  `key check unique default always as using in and or not is between like when then else on values cascade null
   decimal numeric dec varchar char bpchar character text string time timestamp timestamptz bit struct union enum
   varying virtual stored column add exists`.split(/\s+/),
);

/** The syntax tree of the one statement. DuckDB makes one of what only reads; of all else it says that it cannot. */
async function parse(connection: DuckDBConnection, sql: string): Promise<unknown> {
  const reader = await connection.runAndReadAll(
    'SELECT json_serialize_sql($1::VARCHAR, skip_null := true, skip_empty := true)::VARCHAR',
    [sql],
  );
  const parsed = readTree(String(reader.getRows()[0]?.[0]));
  if (parsed.error) {
    const text = parsed.error_message ?? '';
    const isOther = text.startsWith('Only SELECT statements');
    throw wrong(
      isOther
        ? 'A query is one SELECT; this is something else.'
        : `DuckDB does not understand the query: ${text}${placeIn(sql, parsed.position)}`,
    );
  }
  const [statement, ...others] = parsed.statements ?? [];
  if (statement === undefined || others.length > 0) throw wrong('A query is one statement.');
  return statement;
}

interface Parsed {
  readonly error: boolean;
  readonly error_message?: string;
  /** Where, in characters of the text. */
  readonly position?: string;
  readonly statements?: readonly unknown[];
}

/** As `mapDuckDbError` writes it. */
function placeIn(sql: string, position: string | undefined): string {
  if (position === undefined || !/^\d+$/.test(position)) return '';
  const lines = Array.from(sql).slice(0, Number(position)).join('').split('\n');
  return ` (line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1})`;
}

/** DuckDB writes numbers beyond all limits as words that are not JSON. */
function readTree(text: string): Parsed {
  try {
    return JSON.parse(text) as Parsed;
  } catch (cause) {
    throw new AppError('invalid', 'The query has a number that is out of range.', { cause, sqlState: '22003' });
  }
}

function wrong(message: string): AppError {
  return new AppError('invalid', message, { sqlState: '42601' });
}
