/** A schema of Drizzle, as its own introspection writes it: the dialect is that of the SQL endpoint, PostgreSQL's. */
import { type Catalog, type Column, type Reference, type Relation, relationId } from '../catalog.ts';
import type { ValueType } from '../types.ts';
import { camelCase, comment, distinctNames, literal, property } from './names.ts';

interface NamedRelation {
  readonly relation: Relation;
  /** What the schema calls it. */
  readonly name: string;
  readonly columns: ReadonlyMap<Column, string>;
}

export function drizzleSchema(catalog: Catalog, relations: readonly Relation[]): string {
  const schemas = [...new Set(relations.map(({ schema }) => schema))].filter((name) => name !== catalog.defaultSchema);
  const schemaNames = distinctNames(schemas, (name) => `${camelCase(name)}Schema`, ['sql', ...builders]);
  const taken = ['sql', ...builders, ...schemaNames.values()];
  const names = distinctNames(relations, ({ name }) => camelCase(name), taken);
  const all = relations.map((relation): NamedRelation => {
    const columns = distinctNames(relation.columns, ({ name }) => camelCase(name));
    return { relation, name: names.get(relation)!, columns };
  });
  const heads = schemas.map((name) => `export const ${schemaNames.get(name)!} = pgSchema(${literal(name)});\n`);
  const body = [...heads, ...all.map((each) => definition(each, all, schemaNames.get(each.relation.schema)))].join(
    '\n',
  );
  const used = builders.filter((name) => new RegExp(`(?<![.\\w'])${name}\\(`).test(body));
  const sql = body.includes('sql`') ? "import { sql } from 'drizzle-orm';\n" : '';
  return `${sql}import { ${used.join(', ')} } from 'drizzle-orm/pg-core';\n\n${body}`;
}

/** Of `drizzle-orm/pg-core`. */
const builders = [
  'bigint',
  'boolean',
  'check',
  'date',
  'doublePrecision',
  'foreignKey',
  'integer',
  'interval',
  'json',
  'numeric',
  'pgSchema',
  'pgTable',
  'pgView',
  'primaryKey',
  'real',
  'smallint',
  'text',
  'time',
  'timestamp',
  'unique',
  'uuid',
  'varchar',
];

function definition(named: NamedRelation, all: readonly NamedRelation[], schema: string | undefined): string {
  const { relation, name, columns } = named;
  const isView = relation.kind === 'view';
  const maker = schema === undefined ? (isView ? 'pgView' : 'pgTable') : `${schema}.${isView ? 'view' : 'table'}`;
  const lines = relation.columns.map(
    (column) => `${comment(column.comment, '  ')}  ${property(columns.get(column)!)}: ${columnOf(column, relation)},\n`,
  );
  const more = isView ? [] : constraints(named, all);
  const extra = more.length === 0 ? '' : `, (table) => [\n${more.map((line) => `  ${line},\n`).join('')}]`;
  const end = isView ? '.existing()' : '';
  const made = `export const ${name} = ${maker}(${literal(relation.name)}, {\n${lines.join('')}}${extra})${end};\n`;
  return comment(relation.comment, '') + made;
}

function columnOf(column: Column, { key, kind }: Relation): string {
  const base = builderOf(column.type, literal(column.name));
  if (kind === 'view') return base;
  const isKey = key.length === 1 && key[0] === column.name;
  return [
    base,
    ...(isKey ? ['primaryKey()'] : column.nullable ? [] : ['notNull()']),
    ...(column.generated ? [`generatedAlwaysAs(${sqlText(column.default ?? '')})`] : []),
    ...(column.default !== null && !column.generated ? [`default(${sqlText(column.default)})`] : []),
  ].join('.');
}

function builderOf(type: ValueType, name: string): string {
  switch (type.kind) {
    case 'integer':
      return integerOf(type, name);
    case 'decimal': {
      const limits = type.width === null ? '' : `, { precision: ${type.width}, scale: ${type.scale ?? 0} }`;
      return `numeric(${name}${limits})`;
    }
    case 'float':
      return type.bits === 32 ? `real(${name})` : `doublePrecision(${name})`;
    case 'text':
      return type.maxLength === null ? `text(${name})` : `varchar(${name}, { length: ${type.maxLength} })`;
    case 'enum':
      return `text(${name}, { enum: [${type.values.map(literal).join(', ')}] })`;
    case 'timestamp':
      return `timestamp(${name}, { ${type.withZone ? 'withTimezone: true, ' : ''}mode: 'string' })`;
    case 'time':
      return `time(${name}${type.withZone ? ', { withTimezone: true }' : ''})`;
    case 'list':
      return type.nests || type.item.kind === 'list' ? `json(${name})` : `${builderOf(type.item, name)}.array()`;
    case 'struct':
    case 'map':
      return `json(${name})`;
    case 'boolean':
    case 'date':
    case 'interval':
    case 'json':
    case 'uuid':
      return `${type.kind}(${name})`;
    default:
      return `text(${name})`;
  }
}

function integerOf({ min, max }: Extract<ValueType, { kind: 'integer' }>, name: string): string {
  if (min >= -(2n ** 15n) && max < 2n ** 15n) return `smallint(${name})`;
  if (min >= -(2n ** 31n) && max < 2n ** 31n) return `integer(${name})`;
  if (min >= -(2n ** 53n) && max < 2n ** 53n) return `bigint(${name}, { mode: 'number' })`;
  return max < 2n ** 63n ? `bigint(${name}, { mode: 'bigint' })` : `numeric(${name})`;
}

function constraints({ relation, columns }: NamedRelation, all: readonly NamedRelation[]): string[] {
  const own = (names: readonly string[]): string => fieldsOf('table', relation, columns, names);
  const { key, unique, checks, references } = relation;
  return [
    ...(key.length > 1 ? [`primaryKey({ columns: [${own(key)}] })`] : []),
    ...unique.map((set) => `unique(${literal(set.name)}).on(${own(set.columns)})`),
    ...references.flatMap((reference) => foreignKeyOf(reference, own(reference.columns), all)),
    ...checks.map(({ name, expression }) => `check(${literal(name)}, ${sqlText(expression)})`),
  ];
}

function foreignKeyOf(
  { name, target, targetColumns }: Reference,
  columns: string,
  all: readonly NamedRelation[],
): string[] {
  const found = all.find(({ relation }) => relationId(relation) === relationId(target));
  if (!found) return [];
  const foreign = fieldsOf(found.name, found.relation, found.columns, targetColumns);
  return [`foreignKey({ columns: [${columns}], foreignColumns: [${foreign}], name: ${literal(name)} })`];
}

function fieldsOf(
  table: string,
  relation: Relation,
  names: NamedRelation['columns'],
  wanted: readonly string[],
): string {
  const found = wanted.map((name) => names.get(relation.columns.find((column) => column.name === name)!) ?? name);
  return found
    .map((name) => (/^[A-Za-z_$][\w$]*$/.test(name) ? `${table}.${name}` : `${table}[${literal(name)}]`))
    .join(', ');
}

/** As Drizzle's template, in which a backslash, a backtick and `${` would mean something. */
function sqlText(expression: string): string {
  return `sql\`${expression.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${')}\``;
}
