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

export async function readLiveSchema(run: RunRows): Promise<LiveSchema> {
  const named = async (columns: string, from: string): Promise<Named[]> =>
    (await run(`SELECT schema_name, ${columns} FROM ${from} AND ${mine} ORDER BY ALL`)).map(([schema, name]) => ({
      schema: String(schema),
      name: String(name),
    }));
  const macros = await run(
    `SELECT DISTINCT schema_name, function_name, function_type = 'table_macro' FROM duckdb_functions() WHERE ${mine} AND NOT internal AND function_type LIKE '%macro%' ORDER BY ALL`,
  );
  return {
    tables: await readTables(run),
    views: await named('view_name', 'duckdb_views() WHERE NOT internal'),
    macros: macros.map(([schema, name, isTable]) => ({
      schema: String(schema),
      name: String(name),
      isTable: isTable === true,
    })),
    types: await named('type_name', 'duckdb_types() WHERE NOT internal'),
    indexes: await named('index_name', 'duckdb_indexes() WHERE true'),
    sequences: await named('sequence_name', 'duckdb_sequences() WHERE true'),
    schemas: (await run(`SELECT schema_name FROM duckdb_schemas() WHERE ${mine} ORDER BY 1`)).map(([name]) =>
      String(name),
    ),
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
