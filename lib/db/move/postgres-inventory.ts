import { type Catalog, type Relation, relationId, type RelationName } from '../../catalog/catalog.ts';
import { readPostgresCatalog } from '../../catalog/postgres.ts';
import { quoteName, quoteTable, type Session } from '../../sync/sql.ts';
import { describeTable } from './duckdb-inventory.ts';
import { requireColumnsOnDuckDb, requireNamesOnDuckDb } from './names.ts';
import { countPostgresRows } from './postgres-rows.ts';
import type { PostgresSession } from './postgres-session.ts';
import {
  carriedRelation,
  carriedTables,
  type Limit,
  type MovedColumn,
  type MovedTable,
  namesOf,
  quotedOnPostgres,
  type MoveRefusal,
  throwRefusals,
  titleOf,
  valueRefusals,
} from './tables.ts';
import { commentOf, duckdbType, recordedType, postgresType } from './types.ts';

export interface ColumnFound {
  readonly name: string;
  /** As `format_type` writes it; of a domain, what it is made of. */
  readonly type: string;
  readonly notNull: boolean;
  readonly comment: string | null;
  readonly labels: readonly string[] | null;
  readonly expression: string | null;
  readonly isGenerated: boolean;
}

export interface TableFound extends RelationName {
  readonly relation: MovedTable['relation'] & Pick<Relation, 'key'>;
  readonly columns: readonly ColumnFound[];
}

export interface PostgresTables {
  readonly tables: readonly MovedTable[];
  readonly catalog: Catalog;
}

export async function catalogOfPostgres(postgres: PostgresSession): Promise<Catalog> {
  return readPostgresCatalog((sql) => postgres.rows(sql));
}

/**
 * `scratch` is a DuckDB of its own, in which every table is made, empty: so its types are known as DuckDB knows them.
 * `isWanted` leaves tables out, by their titles. @throws AppError `invalid`
 */
export async function tablesOfPostgres(
  postgres: PostgresSession,
  scratch: Session,
  isWanted: (title: string, name: RelationName) => boolean = () => true,
): Promise<PostgresTables> {
  const catalog = await catalogOfPostgres(postgres);
  const current = catalog.defaultSchema;
  const found = (await tablesFound(postgres, catalog)).filter((name) => isWanted(titleOf(name, current), name));
  requireNamesOnDuckDb(found.map((name) => ({ kind: 'table', ...namesOf(name, 'postgres', current) })));
  const refusals: MoveRefusal[] = [];
  const tables: MovedTable[] = [];
  for (const each of found) {
    const table = await describeFound(scratch, each, { current, refusals });
    if (!table) continue;
    tables.push({ ...table, rows: await countPostgresRows(postgres, table) });
    refusals.push(...(await valueRefusals(table, quotedOnPostgres(table), limitOf, (sql) => postgres.rows(sql))));
  }
  throwRefusals(refusals);
  return { tables, catalog };
}

export async function tablesFound(postgres: PostgresSession, catalog: Catalog): Promise<TableFound[]> {
  const rows = await columnRows(postgres);
  const columnsOf = (name: RelationName): ColumnFound[] =>
    (rows.get(relationId(name)) ?? []).filter((row) => row['name'] !== null).map(columnFound);
  const relations = [...catalog.relations.values()]
    .filter(({ schema }) => schema !== stagingSchema)
    .map((relation): TableFound => ({ ...relation, relation, columns: columnsOf(relation) }));
  const own = carriedTables.map((name): TableFound => {
    const columns = columnsOf({ schema: 'eider', name });
    const key = columns.slice(0, 1).map((column) => column.name);
    return { schema: 'eider', name, columns, relation: { ...carriedRelation, key } };
  });
  return [...relations, ...own].filter((name) => rows.has(relationId(name)));
}

export const stagingSchema = 'eider_move';
export const stagedName = (index: number): string => `${stagingSchema}.t${index}`;

type ColumnRow = Readonly<Record<string, string | null>>;

async function columnRows(postgres: PostgresSession): Promise<ReadonlyMap<string, readonly ColumnRow[]>> {
  const rows = await postgres.rows(
    `SELECT n.nspname::text AS schema, c.relname::text AS relation, a.attname::text AS name,
      a.attnotnull::text AS not_null, col_description(a.attrelid, a.attnum) AS comment,
      CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod)
        ELSE format_type(a.atttypid, a.atttypmod) END AS type,
      CASE t.typtype WHEN 'e' THEN (SELECT json_agg(enumlabel ORDER BY enumsortorder)::text FROM pg_enum
        WHERE enumtypid = t.oid) END AS labels,
      CASE WHEN a.attidentity = '' THEN coalesce(pg_get_expr(d.adbin, d.adrelid), t.typdefault)
        ELSE format('nextval(%L)', pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname)) END AS expression,
      (a.attgenerated <> '')::text AS generated
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' ORDER BY c.oid, a.attnum`,
  );
  return Map.groupBy(rows, (row) => relationId({ schema: String(row['schema']), name: String(row['relation']) }));
}

function columnFound(row: ColumnRow): ColumnFound {
  return {
    name: String(row['name']),
    type: String(row['type']),
    notNull: row['not_null'] === 'true',
    comment: row['comment'] ?? null,
    labels: typeof row['labels'] !== 'string' ? null : (JSON.parse(row['labels']) as string[]),
    expression: row['expression'] ?? null,
    isGenerated: row['generated'] === 'true',
  };
}

async function describeFound(
  scratch: Session,
  found: TableFound,
  { current, refusals }: { readonly current: string; readonly refusals: MoveRefusal[] },
): Promise<MovedTable | null> {
  const title = titleOf(found, current);
  const definition = await defineOnDuckDb(scratch, found, title, refusals);
  if (definition === null) return null;
  const names = namesOf(found, 'postgres', current);
  const { schema, name } = names.duckdb;
  const { relation, columns } = found;
  await scratch.execute(
    `CREATE SCHEMA IF NOT EXISTS ${quoteName(schema)}; CREATE TABLE ${quoteTable({ schema, table: name })} (${definition.join(', ')})`,
  );
  const made = await describeTable(scratch, names.duckdb, { relation, current: null, refusals });
  const all = made.all.map((column): MovedColumn => {
    const { type, expression, isGenerated, comment } = columns.find((each) => each.name === column.name)!;
    return { ...column, postgres: type, expression, isGenerated, comment: commentOf(comment) };
  });
  return {
    ...made,
    ...names,
    title,
    all,
    columns: all.filter(({ isGenerated }) => !isGenerated),
    key: relation.key.flatMap((each) => all.filter((column) => column.name === each)),
  };
}

async function defineOnDuckDb(
  scratch: Session,
  { columns }: TableFound,
  table: string,
  refusals: MoveRefusal[],
): Promise<string[] | null> {
  if (columns.length === 0) {
    refusals.push({ table, reason: 'has no columns, which DuckDB does not allow' });
    return null;
  }
  requireColumnsOnDuckDb(
    table,
    columns.map(({ name }) => name),
  );
  const definitions: string[] = [];
  for (const column of columns) {
    const type = await typeOnDuckDb(scratch, column);
    if (type === null) {
      refusals.push({ table, column: column.name, type: column.type, reason: 'has no counterpart on DuckDB' });
    } else {
      definitions.push(`${quoteName(column.name)} ${type}${column.notNull ? ' NOT NULL' : ''}`);
    }
  }
  return definitions.length === columns.length ? definitions : null;
}

async function typeOnDuckDb(scratch: Session, { type, comment, labels }: ColumnFound): Promise<string | null> {
  if (labels) return enumOnDuckDb(labels);
  const recorded = recordedType('duckdb', comment);
  if (recorded !== null && (await fits(scratch, recorded, type))) return recorded;
  return duckdbType(type);
}

export function enumOnDuckDb(labels: readonly string[]): string {
  return `ENUM (${labels.map((label) => `'${label.replaceAll("'", "''")}'`).join(', ')})`;
}

/** Whether a comment names one type of DuckDB and nothing else, and one whose values are kept as `type`. */
async function fits(scratch: Session, recorded: string, type: string): Promise<boolean> {
  try {
    return await scratch.withStatement(`SELECT NULL::${recorded} AS value`, (statement) =>
      Promise.resolve(
        statement.columnCount === 1 &&
          statement.columnName(0) === 'value' &&
          postgresType({ declared: recorded, type: statement.columnType(0) }) === type,
      ),
    );
  } catch {
    return false;
  }
}

/** Conditions on values that DuckDB cannot hold; `c` is the column. */
function limitOf({ declared, postgres }: MovedColumn): Limit | null {
  const limit = (condition: string, reason: string): Limit => ({
    condition,
    reason: `holds ${reason}`,
    declared: postgres,
  });
  if (postgres.endsWith('[]')) {
    const condition = `array_ndims(c) > 1 OR array_lower(c, 1) <> 1`;
    return declared.endsWith(']') ? limit(condition, 'arrays of several dimensions, or that do not begin at 1') : null;
  }
  if (declared.startsWith('DECIMAL')) return limit(`c = 'NaN'`, 'NaN, which a DECIMAL of DuckDB cannot');
  if (declared.startsWith('TIMESTAMP') && postgres.startsWith('timestamp'))
    return limit(`isfinite(c) AND c > '294247-01-10 04:00:54.775806'`, 'a time beyond those of DuckDB (year 294247)');
  return declared === 'BIT' ? limit(`length(c) = 0`, 'an empty one, which DuckDB does not have') : null;
}
