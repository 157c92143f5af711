/** What tables and other things a database has at the moment: what statements are made for. Read from DuckDB's own catalog. */
import type { RunRows } from '../database-state.ts';

export interface LiveColumn {
  readonly name: string;
  readonly type: string;
  readonly notNull: boolean;
  readonly hasDefault: boolean;
  readonly generated: boolean;
}

export interface LiveTable {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly LiveColumn[];
  readonly key: readonly string[];
}

interface Named {
  readonly schema: string;
  readonly name: string;
}

export interface LiveSchema {
  readonly tables: readonly LiveTable[];
  readonly views: readonly Named[];
  readonly macros: readonly (Named & { readonly isTable: boolean })[];
  readonly types: readonly Named[];
  readonly indexes: readonly Named[];
  readonly sequences: readonly Named[];
  readonly schemas: readonly string[];
}

const mine = `database_name = current_database() AND schema_name NOT IN ('eider', 'information_schema', 'pg_catalog')`;

const namedQueries = [
  `SELECT 'views', schema_name, view_name FROM duckdb_views() WHERE NOT internal AND ${mine}`,
  `SELECT 'types', schema_name, type_name FROM duckdb_types() WHERE NOT internal AND ${mine}`,
  `SELECT 'indexes', schema_name, index_name FROM duckdb_indexes() WHERE ${mine}`,
  `SELECT 'sequences', schema_name, sequence_name FROM duckdb_sequences() WHERE ${mine}`,
  `SELECT 'schemas', schema_name, schema_name FROM duckdb_schemas() WHERE ${mine}`,
];

/** Takes long, as it goes through all of DuckDB's own. */
const macroQueries = ['macro', 'table_macro'].map(
  (kind) =>
    `SELECT DISTINCT '${kind}', schema_name, function_name FROM duckdb_functions() WHERE function_type = '${kind}' AND NOT internal AND ${mine}`,
);

export async function readLiveSchema(run: RunRows, withMacros: boolean): Promise<LiveSchema> {
  const queries = [...namedQueries, ...(withMacros ? macroQueries : [])];
  const found = await run(`${queries.join(' UNION ALL ')} ORDER BY ALL`);
  const named = (kind: string): Named[] =>
    found.filter(([each]) => each === kind).map(([, schema, name]) => ({ schema: String(schema), name: String(name) }));
  return {
    tables: await readTables(run),
    views: named('views'),
    macros: [
      ...named('macro').map((macro) => ({ ...macro, isTable: false })),
      ...named('table_macro').map((macro) => ({ ...macro, isTable: true })),
    ],
    types: named('types'),
    indexes: named('indexes'),
    sequences: named('sequences'),
    schemas: named('schemas').map(({ name }) => name),
  };
}

async function readTables(run: RunRows): Promise<LiveTable[]> {
  const found = await run(
    `SELECT t.schema_name, t.table_name, t.sql,
       list([column_name, data_type, is_nullable::VARCHAR, (column_default IS NOT NULL)::VARCHAR] ORDER BY column_index),
       (SELECT any_value(constraint_column_names) FROM duckdb_constraints() p
        WHERE p.schema_name = t.schema_name AND p.table_name = t.table_name AND constraint_type = 'PRIMARY KEY')
     FROM duckdb_tables() t JOIN duckdb_columns() c USING (database_name, schema_name, table_name)
     WHERE ${mine} GROUP BY ALL ORDER BY 1, 2`,
  );
  return found.map(([schema, name, sql, columns, key]) => ({
    schema: String(schema),
    name: String(name),
    key: (key ?? []) as string[],
    columns: (columns as string[][]).map(([column = '', type = '', nullable, hasDefault]) => ({
      name: column,
      type,
      notNull: nullable === 'false',
      hasDefault: hasDefault === 'true',
      generated: isGenerated(String(sql), column),
    })),
  }));
}

/** DuckDB's functions do not say it. Generated columns, and those copied from them, have such names: `gen1`. */
function isGenerated(sql: string, column: string): boolean {
  return (
    /^gen\d$/.test(column) &&
    new RegExp(`[(] ?${column} [^,]*GENERATED ALWAYS|, ${column} [^,]*GENERATED ALWAYS`).test(sql)
  );
}
