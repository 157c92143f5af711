/** References are Eider's own (DuckDB's foreign keys refuse too much): rows of eider.references. */
import { indexOfTop, isAt, splitAtCommas, type Token, tokensOf } from '../sql/tokens.ts';
import {
  type Catalog,
  type Check,
  type Column,
  type Macro,
  type Reference,
  type Relation,
  relationId,
  type UniqueSet,
} from './catalog.ts';
import { hasUnknownPart, parseDuckDbType } from './duckdb-types.ts';
import { byRelation, constraintNames, type RunQuery, withEtag } from './model.ts';

const own = `database_name = current_database() AND schema_name <> 'eider'`;

const relationsSql = `
  SELECT schema_name AS schema, table_name AS relation, comment, estimated_size AS rows, sql, false AS is_view
  FROM duckdb_tables() WHERE (${own} OR table_name = 'references') AND database_name = current_database()
    AND NOT internal AND NOT temporary
  UNION ALL SELECT schema_name, view_name, comment, NULL, NULL, true
  FROM duckdb_views() WHERE ${own} AND NOT internal AND NOT temporary ORDER BY ALL`;

const columnsSql = `
  SELECT schema_name AS schema, table_name AS relation, column_name AS name, data_type AS type, is_nullable AS nullable,
    column_default AS "default", comment
  FROM duckdb_columns() WHERE ${own} AND NOT internal ORDER BY schema_name, table_name, column_index`;

const constraintsSql = `
  SELECT schema_name AS schema, table_name AS relation, constraint_type AS type, expression,
    constraint_column_names AS columns, referenced_table AS target, referenced_column_names AS target_columns
  FROM duckdb_constraints() WHERE ${own} AND constraint_type <> 'NOT NULL' ORDER BY schema_name, table_name, constraint_index`;

const indexesSql = `
  SELECT schema_name AS schema, table_name AS relation, index_name AS name, sql
  FROM duckdb_indexes() WHERE ${own} AND is_unique ORDER BY schema_name, index_name`;

const referencesSql = `
  SELECT name, schema_name AS schema, table_name AS relation, columns, target_schema, target_table AS target, target_columns
  FROM eider."references" ORDER BY ALL`;

const macrosSql = `
  SELECT schema_name AS schema, function_name AS name, function_type AS type, parameters, parameter_types AS types, comment
  FROM duckdb_functions() WHERE ${own} AND NOT internal AND function_type IN ('macro', 'table_macro') ORDER BY ALL`;

interface RelationRow {
  readonly schema: string;
  readonly relation: string;
  readonly comment: string | null;
  readonly rows: string | null;
  readonly sql: string | null;
  readonly is_view: boolean;
}

interface DuckDbColumnRow {
  readonly schema: string;
  readonly relation: string;
  readonly name: string;
  readonly type: string;
  readonly nullable: boolean;
  readonly default: string | null;
  readonly comment: string | null;
}

interface ConstraintRow {
  readonly schema: string;
  readonly relation: string;
  readonly type: string;
  readonly expression: string | null;
  readonly columns: readonly string[];
  readonly target: string | null;
  readonly target_columns: readonly string[];
}

interface IndexRow {
  readonly schema: string;
  readonly relation: string;
  readonly name: string;
  readonly sql: string;
}

interface ReferenceRow {
  readonly name: string;
  readonly schema: string;
  readonly relation: string;
  readonly columns: readonly string[];
  readonly target_schema: string;
  readonly target: string;
  readonly target_columns: readonly string[];
}

interface CatalogParts {
  readonly columns: readonly DuckDbColumnRow[];
  readonly constraints: readonly ConstraintRow[];
  readonly indexes: readonly IndexRow[];
  readonly references: readonly ReferenceRow[];
}

/**
 * The catalog of the state that `run` queries. `macros`: those of `readDuckDbMacros`, which takes longer than all the rest, where
 * they are known to be the same, or what gives them at the end.
 *
 * @example const catalog = await readDuckDbCatalog(async (sql) => plainRows(await session.run(sql)))
 */
export async function readDuckDbCatalog(
  run: RunQuery,
  macros: readonly Macro[] | (() => Promise<readonly Macro[]>) = () => readDuckDbMacros(run),
): Promise<Catalog> {
  const [ours, relations] = parted(await rowsOf<RelationRow>(run, relationsSql));
  const columns = byRelation(await rowsOf<DuckDbColumnRow>(run, columnsSql));
  const constraints = byRelation(await rowsOf<ConstraintRow>(run, constraintsSql));
  const indexes = byRelation(await rowsOf<IndexRow>(run, indexesSql));
  const references = byRelation(ours.length === 0 ? [] : await rowsOf<ReferenceRow>(run, referencesSql));
  const found = relations.map((row) => {
    const name = { schema: row.schema, name: row.relation };
    return relationOf(row, {
      columns: columns(name),
      constraints: constraints(name),
      indexes: indexes(name),
      references: references(name),
    });
  });
  return withEtag({
    engine: 'duckdb',
    defaultSchema: 'main',
    relations: new Map(found.map((relation) => [relationId(relation), relation])),
    macros: typeof macros === 'function' ? await macros() : macros,
  });
}

export async function readDuckDbMacros(run: RunQuery): Promise<readonly Macro[]> {
  type MacroRow = Pick<Macro, 'schema' | 'name' | 'comment'> & {
    type: string;
    parameters: readonly string[];
    types: readonly (string | null)[];
  };
  return (await rowsOf<MacroRow>(run, macrosSql)).map(({ schema, name, type, parameters, types, comment }) => ({
    schema,
    name,
    kind: type === 'macro' ? 'scalar' : 'table',
    parameters: parameters.map((parameter, index) => ({ name: parameter, type: types[index] ?? null })),
    comment,
  }));
}

async function rowsOf<R>(run: RunQuery, sql: string): Promise<readonly R[]> {
  return (await run(sql)) as readonly unknown[] as readonly R[];
}

/** The table of references, where it is there (a query that fails would end the transaction), and what is the user's. */
function parted(rows: readonly RelationRow[]): readonly [ours: readonly RelationRow[], users: readonly RelationRow[]] {
  const isOurs = ({ schema }: RelationRow): boolean => schema === 'eider';
  return [rows.filter(isOurs), rows.filter((row) => !isOurs(row))];
}

function relationOf(row: RelationRow, parts: CatalogParts): Relation {
  const { schema, relation: name, comment, is_view: isView, sql, rows } = row;
  const generated = generatedColumns(sql);
  const columns = parts.columns.map((column) => columnOf(column, generated));
  const constraintName = constraintNames(name);
  return {
    schema,
    name,
    kind: isView ? 'view' : 'table',
    comment,
    columns,
    key: parts.constraints.find(({ type }) => type === 'PRIMARY KEY')?.columns ?? [],
    unique: uniqueSets(parts, constraintName),
    checks: checks(parts.constraints, constraintName),
    references: [...parts.references.map(referenceOf), ...nativeReferences(parts.constraints, constraintName)],
    readOnly: isView ? 'It is a view.' : unwritable(columns),
    estimatedRows: rows === null ? null : Number(rows),
  };
}

function columnOf(row: DuckDbColumnRow, generated: ReadonlySet<string>): Column {
  const isGenerated = generated.has(row.name);
  return {
    name: row.name,
    type: parseDuckDbType(row.type),
    sqlType: row.type,
    nullable: row.nullable,
    default: isGenerated ? null : row.default,
    generated: isGenerated,
    comment: row.comment,
  };
}

function unwritable(columns: readonly Column[]): string | null {
  const unknown = columns.find(({ type }) => hasUnknownPart(type));
  if (unknown) return `The type of its column ${unknown.name}, ${unknown.sqlType}, can only be read.`;
  return columns.some(({ name }) => name === '__proto__') ? 'A column is named __proto__.' : null;
}

type NameConstraint = ReturnType<typeof constraintNames>;

function uniqueSets({ constraints, indexes }: CatalogParts, nameOf: NameConstraint): UniqueSet[] {
  const declared = constraints
    .filter(({ type }) => type === 'UNIQUE')
    .map(({ columns }) => ({ name: nameOf(columns, 'key'), columns }));
  const indexed = indexes.flatMap(({ name, sql }) => {
    const columns = indexedColumns(sql);
    return columns ? [{ name, columns }] : [];
  });
  return [...declared, ...indexed];
}

function checks(constraints: readonly ConstraintRow[], nameOf: NameConstraint): Check[] {
  return constraints
    .filter(({ type }) => type === 'CHECK')
    .map(({ columns, expression }) => {
      const distinct = [...new Set(columns)];
      const name = nameOf(distinct.length === 1 ? distinct : [], 'check');
      return { name, expression: expression ?? '', columns: distinct };
    });
}

function referenceOf({ name, columns, target_schema, target, target_columns }: ReferenceRow): Reference {
  return { name, columns, target: { schema: target_schema, name: target }, targetColumns: target_columns };
}

/** DuckDB's own, of a file that was not taken over yet. They stay within a schema. */
function nativeReferences(constraints: readonly ConstraintRow[], nameOf: NameConstraint): Reference[] {
  return constraints
    .filter(({ type }) => type === 'FOREIGN KEY')
    .map(({ schema, columns, target, target_columns }) => ({
      name: nameOf(columns, 'fkey'),
      columns,
      target: { schema, name: target ?? '' },
      targetColumns: target_columns,
    }));
}

/** From `CREATE TABLE t(a INTEGER, b INTEGER GENERATED ALWAYS AS(…), CHECK(…));`, as DuckDB itself writes it. */
function generatedColumns(sql: string | null): ReadonlySet<string> {
  if (sql === null || !sql.includes('GENERATED ALWAYS')) return new Set();
  const elements = splitAtCommas(withinBrackets(tokensOf(sql)), 1);
  const generated = elements.filter((tokens) =>
    tokens.some((token, index) => token.depth === 1 && isAt(tokens, index, 'GENERATED', 'ALWAYS', 'AS')),
  );
  return new Set(generated.flatMap(([name]) => (name ? [name.text] : [])));
}

/** From `CREATE UNIQUE INDEX i ON t(a, "b c");`; null when it is about an expression. */
function indexedColumns(sql: string): string[] | null {
  const elements = splitAtCommas(withinBrackets(tokensOf(sql)), 1);
  const isPlain = elements.every(([only, ...more]) => more.length === 0 && /^(?:word|name)$/.test(only?.kind ?? ''));
  return isPlain ? elements.flatMap(([token]) => (token ? [token.text] : [])) : null;
}

function withinBrackets(tokens: readonly Token[]): readonly Token[] {
  const open = indexOfTop(tokens, '(');
  return open < 0 ? [] : tokens.slice(open + 1, indexOfTop(tokens, ')', open));
}
