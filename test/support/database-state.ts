/**
 * All that a DuckDB database holds, as plain text that can be compared: every value exactly, every definition, and the
 * next value of each sequence. Reads DuckDB's own catalog and casts, and knows nothing of how Eider reads either.
 */

/** Rows of one statement as the driver makes JSON of them, whichever library runs it. */
export type RunRows = (sql: string) => Promise<readonly (readonly unknown[])[]>;

export interface DatabaseState {
  /** By `table main.books`, `index main.by_title`, …: the definition and its comment. */
  readonly definitions: Readonly<Record<string, string>>;
  /** By table: each row as text, in an order of their text. */
  readonly rows: Readonly<Record<string, readonly string[]>>;
  /** By sequence: the number that it gives next. */
  readonly sequences: Readonly<Record<string, string>>;
}

const hiddenSchemas = ['eider', 'information_schema', 'pg_catalog'];
const mine = `database_name = current_database() AND schema_name NOT IN (${hiddenSchemas.map((name) => `'${name}'`).join(', ')})`;

/** One row each: what it is, and its definition as a list of texts. */
const definitionQueries: readonly string[] = [
  `SELECT 'schema ' || schema_name, [comment] FROM duckdb_schemas() WHERE ${mine} AND NOT internal AND schema_name <> 'main'`,
  `SELECT 'table ' || schema_name || '.' || table_name, [sql, comment] FROM duckdb_tables() WHERE ${mine} AND NOT temporary`,
  `SELECT 'column ' || schema_name || '.' || table_name || '.' || column_name,
     [column_index::VARCHAR, data_type, column_default, is_nullable::VARCHAR, comment]
   FROM duckdb_columns() WHERE ${mine} AND NOT internal`,
  `SELECT 'constraint ' || schema_name || '.' || table_name || ' ' || constraint_text || constraint_column_names::VARCHAR,
     [constraint_type, constraint_name, referenced_table, referenced_column_names::VARCHAR]
   FROM duckdb_constraints() WHERE ${mine}`,
  `SELECT 'index ' || schema_name || '.' || index_name, [table_name, is_unique::VARCHAR, expressions, sql, comment]
   FROM duckdb_indexes() WHERE ${mine}`,
  `SELECT 'view ' || schema_name || '.' || view_name, [sql, comment] FROM duckdb_views() WHERE ${mine} AND NOT internal AND NOT temporary`,
  `SELECT 'type ' || schema_name || '.' || type_name, [logical_type, labels::VARCHAR, type_category, comment]
   FROM duckdb_types() WHERE ${mine} AND NOT internal`,
  // Where it began is not here: DuckDB calls a beginning where it stood when the file was opened.
  `SELECT 'sequence ' || schema_name || '.' || sequence_name,
     [min_value::VARCHAR, max_value::VARCHAR, increment_by::VARCHAR, cycle::VARCHAR, comment]
   FROM duckdb_sequences() WHERE ${mine} AND NOT temporary`,
];

const macroQuery = `SELECT 'macro ' || schema_name || '.' || function_name || parameters::VARCHAR,
     [function_type, macro_definition, parameters::VARCHAR, parameter_types::VARCHAR, comment]
   FROM duckdb_functions() WHERE ${mine} AND NOT internal AND function_type LIKE '%macro%'`;

/**
 * Reads the state. The caller sees to it that nothing changes meanwhile. Without macros, where it is known that there are
 * none, it takes a third of the time: DuckDB goes through all functions of its own.
 */
export async function stateOf(run: RunRows, withMacros = true): Promise<DatabaseState> {
  const queries = withMacros ? [...definitionQueries, macroQuery] : definitionQueries;
  const found = await run(queries.join('\nUNION ALL\n'));
  const definitions = found.map(([name, texts]): [string, string] => [String(name), asReopened(JSON.stringify(texts))]);
  const rows: [string, string[]][] = [];
  for (const [schema, table, columns, types] of await run(tablesQuery)) {
    const shown = (columns as string[]).map((column, index) => shownValue(quoted(column), (types as string[])[index]!));
    const shownRows = await run(`SELECT [${shown.join(', ')}] FROM ${quoted(String(schema))}.${quoted(String(table))}`);
    rows.push([`${String(schema)}.${String(table)}`, shownRows.map(([texts]) => JSON.stringify(texts)).toSorted()]);
  }
  return {
    definitions: Object.fromEntries(definitions.toSorted(byName)),
    rows: Object.fromEntries(rows.toSorted(byName)),
    sequences: Object.fromEntries((await run(sequencesQuery)).map(([name, next]) => [String(name), String(next)])),
  };
}

const tablesQuery = `
  SELECT schema_name, table_name, list(column_name ORDER BY column_index), list(data_type ORDER BY column_index)
  FROM duckdb_columns() JOIN duckdb_tables() USING (database_name, schema_name, table_name)
  WHERE ${mine} AND NOT temporary GROUP BY ALL`;

/** DuckDB prints types within expressions in another way until the file is opened again: `BIT(1)`, `DECIMAL(9, 2)`, `"DOUBLE"`. */
function asReopened(definition: string): string {
  return definition
    .replaceAll('BIT(1)', 'BIT')
    .replaceAll(/(\d), (?=\d+\))/g, '$1,')
    .replaceAll(/AS \\"([A-Z_ ]+)\\"/g, 'AS $1');
}

/** A sequence that was never asked has no last value. A cycle starts over behind its end. */
const sequencesQuery = `
  SELECT schema_name || '.' || sequence_name, CASE
    WHEN last_value IS NULL THEN start_value
    WHEN cycle AND last_value::HUGEINT + increment_by > max_value THEN min_value
    WHEN cycle AND last_value::HUGEINT + increment_by < min_value THEN max_value
    ELSE last_value::HUGEINT + increment_by END::VARCHAR
  FROM duckdb_sequences() WHERE ${mine} AND NOT temporary ORDER BY 1`;

/**
 * A sign before each text, as the driver drops a U+FEFF that leads one. Of a union, the text does not say which member it is.
 * JavaScript has one NaN, whatever sign it has in DuckDB.
 */
function shownValue(value: string, type: string): string {
  const text = type.includes('UNION(') ? `to_json(${value})` : value;
  return `CASE WHEN ${value} IS NULL THEN 'NULL' ELSE concat('=', replace(${text}::VARCHAR, '-nan', 'nan')) END`;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

/** A checkpoint of DuckDB 1.5 makes -0 of 0, or the other way round, where a column has nothing else. */
export function withoutSigns(state: DatabaseState): DatabaseState {
  const rows = Object.entries(state.rows).map(([table, texts]): [string, string[]] => [
    table,
    texts.map((text) => text.replaceAll(/-0\.0(?!\d)/g, '0.0')),
  ]);
  return { ...state, rows: Object.fromEntries(rows) };
}

/** In which `actual` is not as `expected`, a line each; empty when they are the same. */
export function differencesOf(expected: DatabaseState, actual: DatabaseState): string[] {
  return [
    ...entriesThatDiffer('', expected.definitions, actual.definitions),
    ...entriesThatDiffer('next value of ', expected.sequences, actual.sequences),
    ...Object.keys({ ...expected.rows, ...actual.rows }).flatMap((table) =>
      rowsThatDiffer(table, expected.rows[table] ?? [], actual.rows[table] ?? []),
    ),
  ];
}

function entriesThatDiffer(
  kind: string,
  expected: Readonly<Record<string, string>>,
  actual: Readonly<Record<string, string>>,
): string[] {
  return Object.keys({ ...expected, ...actual })
    .filter((name) => expected[name] !== actual[name])
    .map((name) => `${kind}${name}: expected ${expected[name] ?? 'none'}, found ${actual[name] ?? 'none'}`);
}

/** Rows are a bag: of twins each counts. */
function rowsThatDiffer(table: string, expected: readonly string[], actual: readonly string[]): string[] {
  const missing = without(expected, actual).map((row) => `row of ${table} is missing: ${row}`);
  return [...missing, ...without(actual, expected).map((row) => `row of ${table} should not be there: ${row}`)];
}

function without(rows: readonly string[], others: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const row of others) counts.set(row, (counts.get(row) ?? 0) + 1);
  return rows.filter((row) => {
    const left = counts.get(row) ?? 0;
    counts.set(row, left - 1);
    return left <= 0;
  });
}
