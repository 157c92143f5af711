/**
 * What a DuckDB database holds, for a move: its tables as both engines will know them, what cannot be moved, and what of
 * it is no table.
 *
 * Owns: reading DuckDB's catalog. The worst that can happen: something that stays behind without a word; so everything
 * that is neither moved nor refused is listed.
 */
import { DuckDBTypeId } from '@duckdb/node-api';
import { codecFor } from '../../sync/codec.ts';
import { quoteName, quoteTable, type Session } from '../../sync/sql.ts';
import {
  type Inventory,
  isDataOfEider,
  type MovedColumn,
  type MovedTable,
  type Refusal,
  tableTitle,
  throwRefusals,
} from './tables.ts';
import { textForm } from './texts.ts';
import { postgresTypeOf } from './types.ts';

interface Named {
  readonly schema: string;
  readonly name: string;
}

/**
 * `towards`: rows that the other engine cannot hold are refused, too. `ownTables`: tables that migrations make, on
 * either engine as it should be.
 */
export async function inventoryOfDuckDb(
  session: Session,
  towards: 'duckdb' | 'postgres',
  ownTables: ReadonlySet<string> = new Set(),
): Promise<Inventory> {
  const refusals: Refusal[] = [];
  const tables: MovedTable[] = [];
  for (const name of await tableNames(session)) {
    const table = await describeTable(session, name, refusals);
    tables.push(table);
    if (towards === 'postgres') refusals.push(...(await valueRefusals(session, table)));
  }
  throwRefusals(refusals);
  return { tables, leftBehind: towards === 'postgres' ? await leftBehind(session, ownTables) : [] };
}

async function tableNames(session: Session): Promise<Named[]> {
  const rows = await session.rows(
    `SELECT schema_name, table_name FROM duckdb_tables()
     WHERE database_name = current_database() AND NOT internal AND NOT temporary ORDER BY ALL`,
  );
  return rows
    .map(([schema, name]) => ({ schema: String(schema), name: String(name) }))
    .filter(({ schema, name }) => schema !== 'eider' || isDataOfEider(name));
}

/** A table of DuckDB, also one that was made for what comes from PostgreSQL. */
export async function describeTable(session: Session, name: Named, refusals: Refusal[]): Promise<MovedTable> {
  const quoted = quoteTable({ schema: name.schema, table: name.name });
  const result = await session.connection.run(`SELECT * FROM ${quoted} LIMIT 0`);
  const columns: MovedColumn[] = [];
  for (const [index, [column, declared, nullable, comment]] of (await columnRows(session, name)).entries()) {
    const found = { declared: String(declared), type: result.columnType(index) };
    const postgres = postgresTypeOf(found, comment === null ? null : String(comment));
    if (postgres === null) {
      const reason = 'has no counterpart on PostgreSQL';
      refusals.push({ table: tableTitle(name), column: String(column), type: found.declared, reason });
      continue;
    }
    const form = textForm(found.type);
    columns.push({
      name: String(column),
      notNull: nullable === false,
      ...found,
      postgres,
      codec: codecFor(found.type),
      form,
    });
  }
  const [count] = await session.rows(`SELECT count(*) FROM ${quoted}`);
  const keys = await constraintColumns(session, name, 'PRIMARY KEY');
  return {
    ...name,
    columns,
    key: (keys[0] ?? []).flatMap((key) => columns.filter((column) => column.name === key)),
    unique: await constraintColumns(session, name, 'UNIQUE'),
    rows: Number(count?.[0]),
  };
}

function columnRows(session: Session, { schema, name }: Named) {
  return session.rows(
    `SELECT column_name, data_type, is_nullable, comment FROM duckdb_columns()
     WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2 ORDER BY column_index`,
    [schema, name],
  );
}

async function constraintColumns(
  session: Session,
  { schema, name }: Named,
  type: 'PRIMARY KEY' | 'UNIQUE',
): Promise<string[][]> {
  const rows = await session.rows(
    `SELECT to_json(constraint_column_names)::VARCHAR FROM duckdb_constraints()
     WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2 AND constraint_type = $3
     ORDER BY constraint_index`,
    [schema, name, type],
  );
  return rows.map(([columns]) => JSON.parse(String(columns)) as string[]);
}

/** Conditions on a column's values that PostgreSQL cannot hold, by type; `c` is the column. */
const limits: Partial<Record<DuckDBTypeId, readonly [condition: string, reason: string]>> = {
  [DuckDBTypeId.VARCHAR]: ['contains(c, chr(0))', 'holds a NUL character, which PostgreSQL does not store'],
  [DuckDBTypeId.DATE]: [
    `isfinite(c) AND (c < DATE '4714-11-24 (BC)' OR c > DATE '5874897-12-31')`,
    'holds a day beyond those of PostgreSQL (4714 BC to 5874897)',
  ],
  [DuckDBTypeId.TIMESTAMP]: timestampLimit('TIMESTAMP'),
  [DuckDBTypeId.TIMESTAMP_S]: timestampLimit('TIMESTAMP_S'),
  [DuckDBTypeId.TIMESTAMP_MS]: timestampLimit('TIMESTAMP_MS'),
  [DuckDBTypeId.TIMESTAMP_TZ]: timestampLimit('TIMESTAMPTZ'),
};

function timestampLimit(type: string): readonly [string, string] {
  return [
    `isfinite(c::TIMESTAMP) AND c::TIMESTAMP < TIMESTAMP '4714-11-24 (BC) 00:00:00'`,
    `holds a time before those of PostgreSQL (4714 BC), as ${type}`,
  ];
}

async function valueRefusals(session: Session, table: MovedTable): Promise<Refusal[]> {
  const refusals: Refusal[] = [];
  for (const { name, type, declared } of table.columns) {
    const [condition, reason] = limits[type.typeId] ?? [];
    if (condition === undefined || reason === undefined) continue;
    const found = await session.rows(
      `SELECT 1 FROM (SELECT ${quoteName(name)} AS c FROM ${quoteTable({ ...table, table: table.name })}) WHERE ${condition} LIMIT 1`,
    );
    if (found.length > 0) refusals.push({ table: tableTitle(table), column: name, type: declared, reason });
  }
  return refusals;
}

/** What a DuckDB file may hold besides rows, and PostgreSQL does not understand. */
async function leftBehind(session: Session, ownTables: ReadonlySet<string>): Promise<string[]> {
  const here = 'database_name = current_database() AND NOT internal';
  const ofTable = `database_name = current_database() AND schema_name <> 'eider'`;
  const rows = await session.rows(
    `SELECT NULL, 'the view ' || view_name FROM duckdb_views() WHERE ${here}
     UNION ALL SELECT table_name, 'the index ' || index_name FROM duckdb_indexes() WHERE ${ofTable}
     UNION ALL SELECT NULL, 'the sequence ' || sequence_name FROM duckdb_sequences() WHERE database_name = current_database()
     UNION ALL SELECT NULL, 'the macro ' || function_name FROM duckdb_functions() WHERE ${here} AND function_type LIKE '%macro'
     UNION ALL SELECT table_name, 'the ' || lower(constraint_type) || ' constraint of ' || table_name || ': ' || constraint_text
       FROM duckdb_constraints() WHERE ${ofTable} AND constraint_type IN ('CHECK', 'FOREIGN KEY')
     UNION ALL SELECT table_name, 'the default or generated value of ' || table_name || '.' || column_name || ': ' || column_default
       FROM duckdb_columns() WHERE ${ofTable} AND NOT internal AND column_default IS NOT NULL
     ORDER BY ALL`,
  );
  return rows.filter(([table]) => !ownTables.has(String(table))).map(([, text]) => String(text));
}
