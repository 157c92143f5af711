/** Questions to DuckDB's own system functions about objects of the database. */
import type { ObjectKind } from '../../sql/definition.ts';
import type { TableName } from '../../sync/shapes.ts';
import type { Session } from '../../sync/sql.ts';

const relations = `SELECT schema_name, table_name AS name, database_name FROM duckdb_tables()
  UNION ALL SELECT schema_name, view_name, database_name FROM duckdb_views() WHERE NOT internal`;

/** Where objects of each kind are listed. A table and a view cannot have one name. */
const lists: Readonly<Record<ObjectKind, string>> = {
  TABLE: relations,
  COLUMN: relations,
  VIEW: relations,
  SCHEMA: 'SELECT schema_name, schema_name AS name, database_name FROM duckdb_schemas()',
  SEQUENCE: 'SELECT schema_name, sequence_name AS name, database_name FROM duckdb_sequences()',
  INDEX: 'SELECT schema_name, index_name AS name, database_name FROM duckdb_indexes()',
  MACRO: `SELECT schema_name, function_name AS name, database_name FROM duckdb_functions() WHERE NOT internal`,
  TYPE: 'SELECT schema_name, type_name AS name, database_name FROM duckdb_types() WHERE NOT internal',
};

export async function objectExists(session: Session, kind: ObjectKind, { schema, table }: TableName): Promise<boolean> {
  const rows = await session.rows(
    `SELECT 1 FROM (${lists[kind]}) WHERE database_name = current_database()
     AND lower(schema_name) = lower($1) AND lower(name) = lower($2) LIMIT 1`,
    [schema, table],
  );
  return rows.length > 0;
}

/** The name of a table, view, sequence, macro or type in the schema; null when it is empty. */
export async function objectIn(session: Session, schema: string): Promise<string | null> {
  const all = [lists.TABLE, lists.SEQUENCE, lists.MACRO, lists.TYPE].join(' UNION ALL ');
  const [row] = await session.rows(
    `SELECT name FROM (${all}) WHERE database_name = current_database() AND lower(schema_name) = lower($1) LIMIT 1`,
    [schema],
  );
  return row ? String(row[0]) : null;
}

/** Functions that may return different values at other times or places, in lower case; all macros count. */
export async function unstableFunctions(session: Session): Promise<ReadonlySet<string>> {
  const rows = await session.rows(
    `SELECT DISTINCT lower(function_name) FROM duckdb_functions()
     WHERE (stability IS NOT NULL AND stability <> 'CONSISTENT') OR (NOT internal AND function_type LIKE '%macro')`,
  );
  return new Set(rows.map(([name]) => String(name)));
}
