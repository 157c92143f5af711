/**
 * In one query. Left out: schemas of PostgreSQL and Eider, what came with an extension, parts of partitioned tables,
 * and what this user may not read.
 */
import { type Catalog, type Column, type Macro, type Relation, relationId } from './catalog.ts';
import { type RunQuery, withEtag } from './model.ts';
import { type DefinedType, postgresTypes } from './postgres-types.ts';

export const isUsers = `n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'eider', 'eider_move') AND has_schema_privilege(n.oid, 'USAGE')`;

export const isOfExtension = (table: string, oid: string): string =>
  `EXISTS (SELECT FROM pg_depend e WHERE e.classid = '${table}'::regclass AND e.objid = ${oid} AND e.deptype = 'e')`;

/** The names of the columns of table `relation` that the numbers name, in the order of the numbers. */
const columnNames = (numbers: string, relation: string): string => `(
  SELECT coalesce(json_agg(b.attname ORDER BY k.place), '[]') FROM unnest(${numbers}) WITH ORDINALITY AS k (number, place)
  JOIN pg_attribute b ON b.attrelid = ${relation} AND b.attnum = k.number)`;

const columnsSql = `(
  SELECT json_agg(json_build_object('name', a.attname, 'oid', a.atttypid::bigint, 'modifier', a.atttypmod,
    'sqlType', format_type(a.atttypid, a.atttypmod), 'nullable', NOT (a.attnotnull OR t.typnotnull),
    'default', CASE
      WHEN a.attidentity <> '' THEN format('nextval(%L::regclass)', pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname))
      WHEN a.attgenerated = '' THEN coalesce(pg_get_expr(d.adbin, d.adrelid), t.typdefault) END,
    'generated', a.attgenerated <> '' OR a.attidentity = 'a',
    'comment', col_description(c.oid, a.attnum)) ORDER BY a.attnum)
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)`;

/** Indexes of part of the rows, or of expressions, make no set of columns unique. */
const uniqueSetsSql = `(
  SELECT json_agg(json_build_object('name', i.relname, 'isKey', x.indisprimary,
    'columns', ${columnNames('(x.indkey::int2[])[:x.indnkeyatts - 1]', 'c.oid')}) ORDER BY i.relname)
  FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
  WHERE x.indrelid = c.oid AND x.indisunique AND x.indisvalid AND x.indpred IS NULL AND x.indexprs IS NULL)`;

const checksSql = `(
  SELECT json_agg(json_build_object('name', k.conname, 'expression', pg_get_expr(k.conbin, k.conrelid),
    'columns', ${columnNames('k.conkey', 'c.oid')}) ORDER BY k.conname)
  FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c')`;

const referencesSql = `(
  SELECT json_agg(json_build_object('name', k.conname, 'columns', ${columnNames('k.conkey', 'c.oid')},
    'target', json_build_object('schema', tn.nspname, 'name', tc.relname),
    'targetColumns', ${columnNames('k.confkey', 'tc.oid')}) ORDER BY k.conname)
  FROM pg_constraint k JOIN pg_class tc ON tc.oid = k.confrelid JOIN pg_namespace tn ON tn.oid = tc.relnamespace
  WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.conparentid = 0)`;

const relationsSql = `(
  SELECT json_agg(json_build_object('schema', n.nspname, 'name', c.relname, 'kind', c.relkind,
    'comment', obj_description(c.oid, 'pg_class'), 'rows', c.reltuples,
    'mayWrite', has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE') OR has_any_column_privilege(c.oid, 'INSERT, UPDATE'),
    'columns', ${columnsSql}, 'unique', ${uniqueSetsSql}, 'checks', ${checksSql}, 'references', ${referencesSql}
  ) ORDER BY n.nspname, c.relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND ${isUsers}
    AND (has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT'))
    AND NOT ${isOfExtension('pg_class', 'c.oid')})`;

const typesSql = `(
  SELECT json_agg(json_build_object('oid', t.oid::bigint, 'base', nullif(t.typbasetype, 0)::bigint, 'modifier', t.typtypmod,
    'labels', (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)))
  FROM pg_type t WHERE t.typtype IN ('d', 'e') AND t.oid >= 16384)`;

const macrosSql = `(
  SELECT json_agg(json_build_object('schema', n.nspname, 'name', p.proname,
    'kind', CASE WHEN p.proretset OR p.prorettype = 'record'::regtype THEN 'table' ELSE 'scalar' END,
    'parameters', (
      SELECT coalesce(json_agg(json_build_object('name', coalesce(nullif(p.proargnames[a.place], ''), '$' || a.place),
        'type', format_type(a.type, NULL)) ORDER BY a.place), '[]')
      FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) WITH ORDINALITY AS a (type, place)
      WHERE coalesce(p.proargmodes[a.place], 'i') IN ('i', 'b', 'v')),
    'comment', obj_description(p.oid, 'pg_proc')) ORDER BY n.nspname, p.proname, p.oid)
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE p.prokind = 'f' AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype) AND ${isUsers}
    AND has_function_privilege(p.oid, 'EXECUTE') AND NOT ${isOfExtension('pg_proc', 'p.oid')})`;

const catalogSql = `SELECT current_schema() AS schema, ${relationsSql} AS relations, ${typesSql} AS types, ${macrosSql} AS macros`;

interface PostgresRelation extends Pick<Relation, 'schema' | 'name' | 'comment'> {
  readonly kind: 'r' | 'p' | 'v' | 'm' | 'f';
  readonly rows: number;
  readonly mayWrite: boolean;
  readonly columns: readonly PostgresColumn[] | null;
  readonly unique:
    readonly { readonly name: string; readonly columns: readonly string[]; readonly isKey: boolean }[] | null;
  readonly checks: Relation['checks'] | null;
  readonly references: Relation['references'] | null;
}

interface PostgresColumn extends Omit<Column, 'type'> {
  readonly oid: number;
  readonly modifier: number;
}

/**
 * The catalog as the transaction sees it in which `run` queries.
 *
 * @example const catalog = await readPostgresCatalog((text) => transaction.rows(text))
 */
export async function readPostgresCatalog(run: RunQuery): Promise<Catalog> {
  const [row = {}] = await run(catalogSql);
  const typeOf = postgresTypes(listIn(row['types']) as readonly DefinedType[]);
  const relations = listIn(row['relations']) as readonly PostgresRelation[];
  const found = relations.map((relation) => relationOf(relation, typeOf));
  return withEtag({
    engine: 'postgres',
    defaultSchema: textIn(row['schema']),
    relations: new Map(found.map((relation) => [relationId(relation), relation])),
    macros: listIn(row['macros']) as readonly Macro[],
  });
}

/** Aggregates of no rows are null. */
function listIn(json: unknown): readonly unknown[] {
  return typeof json === 'string' ? (JSON.parse(json) as unknown[]) : [];
}

function textIn(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function relationOf(found: PostgresRelation, typeOf: ReturnType<typeof postgresTypes>): Relation {
  const { schema, name, kind, comment, rows } = found;
  const unique = found.unique ?? [];
  return {
    schema,
    name,
    kind: kind === 'v' || kind === 'm' ? 'view' : 'table',
    comment,
    columns: (found.columns ?? []).map(({ oid, modifier, ...column }) => ({ ...column, type: typeOf(oid, modifier) })),
    key: unique.find(({ isKey }) => isKey)?.columns ?? [],
    unique: unique.filter(({ isKey }) => !isKey).map(({ name: index, columns: of }) => ({ name: index, columns: of })),
    checks: found.checks ?? [],
    references: found.references ?? [],
    readOnly: readOnlyReason(found),
    // Below zero: it was never analyzed. A view has none.
    estimatedRows: kind === 'v' || rows < 0 ? null : rows,
  };
}

function readOnlyReason({ kind, mayWrite }: PostgresRelation): string | null {
  if (kind === 'v') return 'It is a view.';
  if (kind === 'm') return 'It is a materialized view.';
  if (kind === 'f') return 'It is a foreign table.';
  return mayWrite ? null : 'The user of DATABASE_URL may not write to it.';
}

/** Tables of the system in which every definition of a user has a row, and the column that says so. */
const systemTables: Readonly<Record<string, string>> = {
  pg_class: 'oid',
  pg_attribute: 'attrelid',
  pg_attrdef: 'adrelid',
  pg_constraint: 'oid',
  pg_index: 'indexrelid',
  pg_type: 'oid',
  pg_enum: 'enumtypid',
  pg_proc: 'oid',
  pg_description: 'objoid',
  pg_namespace: 'oid',
  pg_trigger: 'oid',
};

/** A row that is written has a higher xmin than all that were there; one that goes is missing from the count. */
const fingerprints = Object.entries(systemTables).map(
  ([table, column]) => `(SELECT concat(count(*), ':', sum(xmin::text::bigint)) FROM ${table} WHERE ${column} >= 16384)`,
);

/** A text that changes with every DDL statement, and costs much less to find out than the catalog. */
export async function readPostgresFingerprint(run: RunQuery): Promise<string> {
  const sql = `SELECT concat_ws(' ', current_schemas(false)::text, ${fingerprints.join(', ')}) AS fingerprint`;
  return textIn((await run(sql))[0]?.['fingerprint']);
}
