/**
 * What a PostgreSQL database holds, for a move or a mirror: its tables as both engines will know them, what cannot be
 * moved, and what stays behind.
 *
 * Owns: reading PostgreSQL's catalog. Tables are looked for in the schema that names without one belong to, among
 * Eider's own, and where an earlier move made a schema. The worst that can happen: as in duckdb-inventory.ts.
 */
import { quoteName, quoteTable, type Session } from '../../sync/sql.ts';
import { describeTable } from './duckdb-inventory.ts';
import type { PostgresSession } from './postgres-session.ts';
import { type Inventory, isDataOfEider, type MovedTable, type Refusal, tableTitle, throwRefusals } from './tables.ts';
import { duckdbType, notedType, postgresType, typeNote } from './types.ts';

/** A comment on a schema that a move made. */
export const schemaNote = 'Made by a move from DuckDB.';

interface TableFound {
  readonly oid: string;
  /** On DuckDB. */
  readonly schema: string;
  readonly name: string;
}

interface ColumnFound {
  readonly name: string;
  /** As `format_type` writes it; of a domain, what it is made of. */
  readonly type: string;
  readonly notNull: boolean;
  readonly comment: string | null;
  readonly labels: readonly string[] | null;
}

/**
 * `scratch` is a DuckDB of its own, in which every table is made, empty: so its types are known as DuckDB knows them.
 * `isWanted` leaves tables out.
 */
export async function inventoryOfPostgres(
  postgres: PostgresSession,
  scratch: Session,
  isWanted: (table: { readonly schema: string; readonly name: string }) => boolean = () => true,
): Promise<Inventory> {
  const refusals: Refusal[] = [];
  const tables: MovedTable[] = [];
  for (const found of (await tablesOf(postgres)).filter(isWanted)) {
    const columns = await columnsOf(postgres, found.oid);
    const definition = await defineOnDuckDb(scratch, found, columns, refusals);
    if (definition === null) continue;
    const unique = await uniqueOf(postgres, found.oid);
    await makeTable(scratch, found, [...definition, ...unique.map(({ primary, names }) => constraint(primary, names))]);
    const [counted] = await postgres.rows(`SELECT count(*)::text AS count FROM ${await quotedOf(postgres, found.oid)}`);
    const table = { ...(await describeTable(scratch, found, refusals)), rows: Number(counted?.['count']) };
    tables.push(table);
    refusals.push(...(await valueRefusals(postgres, table, await quotedOf(postgres, found.oid))));
  }
  throwRefusals(refusals);
  return { tables, leftBehind: await leftBehind(postgres) };
}

const ours = `(n.nspname = current_schema() OR obj_description(n.oid, 'pg_namespace') = '${schemaNote}')`;

async function tablesOf(postgres: PostgresSession): Promise<TableFound[]> {
  const rows = await postgres.rows(
    `SELECT c.oid::text AS oid, CASE n.nspname WHEN current_schema() THEN 'main' ELSE n.nspname END::text AS schema,
      c.relname::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
      AND (${ours} OR n.nspname = 'eider') ORDER BY c.oid`,
  );
  return (rows as unknown as TableFound[]).filter(({ schema, name }) => schema !== 'eider' || isDataOfEider(name));
}

/** As SQL names a table of this oid. */
async function quotedOf(postgres: PostgresSession, oid: string): Promise<string> {
  const [row] = await postgres.rows(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = $1::oid`,
    [oid],
  );
  return String(row?.['name']);
}

async function columnsOf(postgres: PostgresSession, oid: string): Promise<ColumnFound[]> {
  const rows = await postgres.rows(
    `SELECT a.attname::text AS name, a.attnotnull::text AS not_null, col_description(a.attrelid, a.attnum) AS comment,
      CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod)
        ELSE format_type(a.atttypid, a.atttypmod) END AS type,
      CASE t.typtype WHEN 'e' THEN (SELECT json_agg(enumlabel ORDER BY enumsortorder)::text FROM pg_enum
        WHERE enumtypid = t.oid) END AS labels
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    [oid],
  );
  return rows.map((row) => ({
    name: String(row['name']),
    type: String(row['type']),
    notNull: row['not_null'] === 'true',
    comment: row['comment'] ?? null,
    labels: typeof row['labels'] !== 'string' ? null : (JSON.parse(row['labels']) as string[]),
  }));
}

/** DDL of the columns on DuckDB; null when one of them is refused. */
async function defineOnDuckDb(
  scratch: Session,
  table: TableFound,
  columns: readonly ColumnFound[],
  refusals: Refusal[],
): Promise<string[] | null> {
  const definitions: string[] = [];
  for (const column of columns) {
    const type = await typeOnDuckDb(scratch, column);
    if (type === null) {
      const reason = 'has no counterpart on DuckDB';
      refusals.push({ table: tableTitle(table), column: column.name, type: column.type, reason });
    } else {
      definitions.push(`${quoteName(column.name)} ${type}${column.notNull ? ' NOT NULL' : ''}`);
    }
  }
  return definitions.length === columns.length ? definitions : null;
}

async function typeOnDuckDb(scratch: Session, { type, comment, labels }: ColumnFound): Promise<string | null> {
  if (labels) return `ENUM (${labels.map((label) => `'${label.replaceAll("'", "''")}'`).join(', ')})`;
  const noted = notedType('duckdb', comment);
  if (noted !== null && (await fits(scratch, noted, type))) return noted;
  return duckdbType(type);
}

/** Whether a comment names one type of DuckDB and nothing else, and one whose values are kept as `type`. */
async function fits(scratch: Session, noted: string, type: string): Promise<boolean> {
  try {
    return await scratch.withStatement(`SELECT NULL::${noted} AS value`, (statement) =>
      Promise.resolve(
        statement.columnCount === 1 &&
          statement.columnName(0) === 'value' &&
          postgresType({ declared: noted, type: statement.columnType(0) }) === type,
      ),
    );
  } catch {
    return false;
  }
}

interface UniqueFound {
  readonly primary: boolean;
  readonly names: readonly string[];
}

async function uniqueOf(postgres: PostgresSession, oid: string): Promise<UniqueFound[]> {
  const rows = await postgres.rows(
    `SELECT (contype = 'p')::text AS primary, (SELECT json_agg(a.attname ORDER BY k.place)::text
      FROM unnest(conkey) WITH ORDINALITY AS k (number, place)
      JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = k.number) AS names
    FROM pg_constraint WHERE conrelid = $1::oid AND contype IN ('p', 'u') ORDER BY contype, conname`,
    [oid],
  );
  return rows.map((row) => ({
    primary: row['primary'] === 'true',
    names: JSON.parse(String(row['names'])) as string[],
  }));
}

function constraint(primary: boolean, columns: readonly string[]): string {
  return `${primary ? 'PRIMARY KEY' : 'UNIQUE'} (${columns.map(quoteName).join(', ')})`;
}

async function makeTable(scratch: Session, { schema, name }: TableFound, parts: readonly string[]): Promise<void> {
  const table = quoteTable({ schema, table: name });
  await scratch.execute(
    `CREATE SCHEMA IF NOT EXISTS ${quoteName(schema)}; CREATE TABLE ${table} (${parts.join(', ')})`,
  );
}

/** DDL that makes a table on DuckDB as the scratch has it, with what its columns were on PostgreSQL. */
export async function duckDbDefinition(
  postgres: PostgresSession,
  scratch: Session,
  { schema, name, columns }: MovedTable,
): Promise<string> {
  const [row] = await scratch.rows(
    `SELECT sql FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2`,
    [schema, name],
  );
  const found = (await tablesOf(postgres)).find((each) => each.schema === schema && each.name === name);
  const types = new Map((await columnsOf(postgres, found?.oid ?? '0')).map((column) => [column.name, column]));
  const notes = columns.flatMap((column) => {
    const there = types.get(column.name);
    if (!there || there.labels || there.type === postgresType(column)) return [];
    const note = typeNote('postgres', there.type).replaceAll("'", "''");
    const quoted = `${quoteTable({ schema, table: name })}.${quoteName(column.name)}`;
    return [`COMMENT ON COLUMN ${quoted} IS '${note}'`];
  });
  return [`CREATE SCHEMA IF NOT EXISTS ${quoteName(schema)}`, String(row?.[0]).replace(/;$/, ''), ...notes].join('; ');
}

const beyond = 'holds a time beyond those of DuckDB (year 294247)';

/** Conditions on values that DuckDB cannot hold; `c` is the column. */
function limitOf({ declared, postgres }: MovedTable['columns'][number]): readonly [string, string] | null {
  if (postgres.endsWith('[]')) {
    return declared.endsWith(']')
      ? [
          `array_ndims(c) > 1 OR array_lower(c, 1) <> 1`,
          'holds arrays of several dimensions, or that do not begin at 1',
        ]
      : null;
  }
  if (declared.startsWith('DECIMAL')) return [`c = 'NaN'`, 'holds NaN, which a DECIMAL of DuckDB cannot'];
  if (declared.startsWith('TIMESTAMP') && postgres.startsWith('timestamp'))
    return [`isfinite(c) AND c > '294247-01-10 04:00:54.775806'`, beyond];
  if (declared === 'BIT') return [`length(c) = 0`, 'holds an empty one, which DuckDB does not have'];
  return null;
}

async function valueRefusals(postgres: PostgresSession, table: MovedTable, quoted: string): Promise<Refusal[]> {
  const refusals: Refusal[] = [];
  for (const column of table.columns) {
    const limit = limitOf(column);
    if (!limit) continue;
    const [condition, reason] = limit;
    const found = await postgres.rows(
      `SELECT '1' AS found FROM (SELECT ${quoteName(column.name)} AS c FROM ${quoted}) t WHERE ${condition} LIMIT 1`,
    );
    if (found.length > 0) {
      refusals.push({ table: tableTitle(table), column: column.name, type: column.postgres, reason });
    }
  }
  return refusals;
}

/** What is no table, or is elsewhere. Eider's own is not told of; neither are other programs' extensions. */
async function leftBehind(postgres: PostgresSession): Promise<string[]> {
  const rows = await postgres.rows(
    `SELECT 'the ' || CASE c.relkind WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view ' WHEN 'S' THEN 'sequence '
        ELSE 'foreign table ' END || c.relname AS what
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE ${ours} AND c.relkind IN ('v', 'm', 'S', 'f')
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
    UNION ALL SELECT 'the schema ' || n.nspname || ', with ' || count(*) || ' tables' FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p') AND NOT ${ours} AND n.nspname !~ '^(pg_|information_schema$|eider$|eider_move$)'
      GROUP BY n.nspname ORDER BY what`,
  );
  return rows.map((row) => String(row['what']));
}
