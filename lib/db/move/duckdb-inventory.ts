import { DuckDBTypeId } from '@duckdb/node-api';
import type { Catalog, Relation, RelationName } from '../../catalog/catalog.ts';
import { readDuckDbCatalog } from '../../catalog/duckdb.ts';
import { indexOfTop, tokensOf } from '../../sql/tokens.ts';
import { codecFor } from '../../sync/codec.ts';
import { quoteTable, type Session } from '../../sync/sql.ts';
import { plainRows } from '../duckdb/dialect.ts';
import { nameRefusals } from './names.ts';
import {
  carriedRelation,
  carriedTables,
  type MovedDefinitions,
  type Limit,
  type MovedColumn,
  type MovedTable,
  namesOf,
  quotedOnDuckDb,
  type MoveRefusal,
  sequenceAt,
  throwRefusals,
  titleOf,
  valueRefusals,
} from './tables.ts';
import { commentOf, postgresTypeOf, textForm } from './types.ts';

const run = (session: Session) => async (sql: string) => plainRows(await session.run(sql));

export function catalogOfDuckDb(session: Session): Promise<Catalog> {
  return readDuckDbCatalog(run(session), []);
}

/**
 * All tables. `current`: they are to go to PostgreSQL, where this schema is `main`; rows that PostgreSQL cannot hold are
 * refused then, too. @throws AppError `invalid`
 */
export async function tablesOfDuckDb(session: Session, current: string | null = null): Promise<MovedTable[]> {
  const catalog = await catalogOfDuckDb(session);
  const refusals: MoveRefusal[] = [];
  const found: [RelationName, MovedTable['relation']][] = [...catalog.relations.values()]
    .filter(({ kind }) => kind === 'table')
    .map((relation) => [relation, relation]);
  const tables: MovedTable[] = [];
  for (const [name, relation] of [...found, ...(await carried(session))]) {
    const table = await describeTable(session, name, { relation, current, refusals });
    tables.push(table);
    if (current !== null) {
      const values = await valueRefusals(table, quotedOnDuckDb(table), limitOf, (sql) => session.rows(sql));
      refusals.push(...nameRefusals(table), ...values);
    }
  }
  throwRefusals(refusals);
  return tables;
}

async function carried(session: Session): Promise<[RelationName, MovedTable['relation']][]> {
  const rows = await session.rows(
    `SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = 'eider' ORDER BY ALL`,
  );
  const names = rows.map(([name]) => String(name)).filter((name) => carriedTables.includes(name));
  return names.map((name) => [{ schema: 'eider', name }, carriedRelation]);
}

export interface Describing {
  readonly relation: MovedTable['relation'] & Partial<Pick<Relation, 'key' | 'columns'>>;
  readonly current: string | null;
  readonly refusals: MoveRefusal[];
}

export async function describeTable(session: Session, name: RelationName, how: Describing): Promise<MovedTable> {
  const { relation, current, refusals } = how;
  const quoted = quoteTable({ schema: name.schema, table: name.name });
  const names = namesOf(name, 'duckdb', current ?? 'main');
  const title = current === null ? titleOf(name) : titleOf(names.postgres, current);
  const types = (await session.connection.run(`SELECT * FROM ${quoted} LIMIT 0`)).columnTypes();
  const all: MovedColumn[] = [];
  for (const [index, [column, declared, nullable, comment, expression]] of (
    await columnRows(session, name)
  ).entries()) {
    const found = { declared: String(declared), type: types[index]! };
    const note = comment === null ? null : String(comment);
    const postgres = postgresTypeOf(found, note);
    if (postgres === null) {
      const reason = 'has no counterpart on PostgreSQL';
      refusals.push({ table: title, column: String(column), type: found.declared, reason });
      continue;
    }
    all.push({
      ...found,
      name: String(column),
      notNull: nullable === false,
      postgres,
      codec: codecFor(found.type),
      form: textForm(found.type),
      expression: expression === null ? null : String(expression),
      isGenerated: relation.columns?.find((each) => each.name === column)?.generated ?? false,
      comment: commentOf(note),
    });
  }
  const [count] = await session.rows(`SELECT count(*) FROM ${quoted}`);
  const key = relation.key ?? all.slice(0, 1).map(({ name: first }) => first);
  return {
    ...names,
    title,
    all,
    columns: all.filter(({ isGenerated }) => !isGenerated),
    key: key.flatMap((each) => all.filter((column) => column.name === each)),
    relation,
    rows: Number(count?.[0]),
  };
}

function columnRows(session: Session, { schema, name }: RelationName) {
  return session.rows(
    `SELECT column_name, data_type, is_nullable, comment, column_default FROM duckdb_columns()
     WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2 ORDER BY column_index`,
    [schema, name],
  );
}

/** Conditions on values that PostgreSQL cannot hold; `c` is the column. */
function limitOf({ type, declared }: MovedColumn): Limit | null {
  const name = DuckDBTypeId[type.typeId].replace('_TZ', 'TZ');
  const before = 'before those of PostgreSQL (4714 BC)';
  if (name === 'VARCHAR')
    return {
      condition: 'contains(c, chr(0))',
      reason: 'holds a NUL character, which PostgreSQL does not store',
      declared,
    };
  if (name === 'DATE') {
    const condition = `isfinite(c) AND (c < DATE '4714-11-24 (BC)' OR c > DATE '5874897-12-31')`;
    return { condition, reason: 'holds a day beyond those of PostgreSQL (4714 BC to 5874897)', declared };
  }
  if (!/^TIMESTAMP(?:TZ|_S|_MS)?$/.test(name)) return null;
  const first = `'4714-11-24 (BC) 00:00:00${name === 'TIMESTAMPTZ' ? '+00' : ''}'::${name}`;
  return {
    condition: `c < ${first} AND c <> '-infinity'::${name}`,
    reason: `holds a time ${before}, as ${name}`,
    declared,
  };
}

const own = `database_name = current_database() AND schema_name <> 'eider'`;

export async function definitionsOfDuckDb(session: Session, current: string): Promise<MovedDefinitions> {
  const catalog = await catalogOfDuckDb(session);
  const named = (row: Readonly<Record<string, unknown>>) =>
    namesOf({ schema: String(row['schema']), name: String(row['name']) }, 'duckdb', current);
  // Only the text shows the position of the counter: the columns of a file that was opened again have other numbers.
  const sequences = await run(session)(
    `SELECT schema_name AS schema, sequence_name AS name, increment_by AS increment, min_value AS min,
      max_value AS max, cycle, regexp_extract(sql, ' START (-?\\d+) ', 1) AS counter
    FROM duckdb_sequences() WHERE ${own} AND NOT temporary ORDER BY ALL`,
  );
  const enums = await run(session)(
    `SELECT schema_name AS schema, type_name AS name, labels FROM duckdb_types()
    WHERE ${own} AND NOT internal AND logical_type = 'ENUM' ORDER BY schema_name, type_name`,
  );
  return {
    sequences: sequences.map((row) =>
      sequenceAt(named(row), BigInt(row['counter'] as string), {
        increment: row['increment'],
        min: row['min'],
        max: row['max'],
        cycle: row['cycle'] === true,
      }),
    ),
    enums: enums.map((row) => ({ ...named(row), labels: row['labels'] as string[] })),
    views: await viewsOf(session, catalog, current),
    indexes: await indexesOf(session, catalog, current),
    leftBehind: await leftBehind(session),
  };
}

async function viewsOf(session: Session, catalog: Catalog, current: string): Promise<MovedDefinitions['views']> {
  const rows = await session.rows(
    `SELECT schema_name, view_name, sql FROM duckdb_views() WHERE ${own} AND NOT internal`,
  );
  const texts = new Map(rows.map(([schema, name, sql]) => [JSON.stringify([schema, name]), String(sql)]));
  return [...catalog.relations.values()]
    .filter(({ kind }) => kind === 'view')
    .map(({ schema, name, columns, comment }) => ({
      ...namesOf({ schema, name }, 'duckdb', current),
      columns: columns.map((column) => column.name),
      query: queryOf(texts.get(JSON.stringify([schema, name])) ?? ''),
      comment,
    }));
}

/** From `CREATE VIEW v (a) AS SELECT 1;` */
function queryOf(sql: string): string {
  const tokens = tokensOf(sql);
  return sql.slice(tokens[indexOfTop(tokens, 'AS')]?.end ?? sql.length).trim();
}

/** Those that are neither a constraint nor, in the catalog, a unique set. */
async function indexesOf(session: Session, catalog: Catalog, current: string): Promise<MovedDefinitions['indexes']> {
  const rows = await session.rows(
    `SELECT schema_name, table_name, index_name, is_unique, sql FROM duckdb_indexes() WHERE ${own} ORDER BY ALL`,
  );
  const sets = new Set([...catalog.relations.values()].flatMap(({ unique }) => unique.map(({ name }) => name)));
  return rows
    .filter(([, , name]) => !sets.has(String(name)))
    .map(([schema, table, name, unique, sql]) => ({
      name: String(name),
      table: namesOf({ schema: String(schema), name: String(table) }, 'duckdb', current),
      isUnique: unique === true,
      elements: elementsOf(String(sql)),
    }));
}

/** From `CREATE INDEX i ON t(a, (lower(b)));` */
function elementsOf(sql: string): string {
  const tokens = tokensOf(sql);
  const open = indexOfTop(tokens, '(');
  return sql.slice(tokens[open]!.end, tokens[indexOfTop(tokens, ')', open)]!.start);
}

async function leftBehind(session: Session): Promise<string[]> {
  const rows = await session.rows(
    `SELECT 'the macro ' || function_name FROM duckdb_functions() WHERE ${own} AND NOT internal AND function_type LIKE '%macro'
    UNION ALL SELECT 'the type ' || type_name FROM duckdb_types() WHERE ${own} AND NOT internal AND logical_type <> 'ENUM'
    UNION ALL SELECT 'the collations of ' || table_name FROM duckdb_tables() WHERE ${own}
      AND regexp_matches(regexp_replace(sql, '''(?:[^'']|'''')*''|"(?:[^"]|"")*"', '_', 'g'), '\\bCOLLATE\\b')
    ORDER BY ALL`,
  );
  return rows.map(([text]) => String(text));
}
