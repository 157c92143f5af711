/** The interface `DB` of Kysely, in the words of kysely-codegen. Rows have plain values: see lib/values.ts. */
import { type Catalog, type Column, displayName, type Relation } from '../catalog.ts';
import type { ValueType } from '../types.ts';
import { comment, distinctNames, literal, pascalCase, property } from './names.ts';

/** What may be imported or defined at the head of the file, by name. */
const definitions: Readonly<Record<string, string>> = {
  Generated:
    'export type Generated<T> = T extends ColumnType<infer S, infer I, infer U>\n  ? ColumnType<S, I | undefined, U>\n  : ColumnType<T, T | undefined, T>;',
  Int8: 'export type Int8 = ColumnType<string, bigint | number | string, bigint | number | string>;',
  Interval: 'export type Interval = { months: number; days: number; micros: string };',
  Numeric: 'export type Numeric = ColumnType<string, number | string, number | string>;',
  Timestamp: 'export type Timestamp = ColumnType<string, Date | string, Date | string>;',
};
const imported = ['ColumnType', 'GeneratedAlways'];

export function kyselyTypes(catalog: Catalog, relations: readonly Relation[]): string {
  const taken = [...Object.keys(definitions), ...imported, 'DB'];
  const names = distinctNames(relations, (relation) => pascalCase(displayName(catalog, relation)), taken);
  const interfaces = relations.map((relation) => interfaceOf(relation, names.get(relation)!));
  const tables = relations.map((each) => `  ${property(displayName(catalog, each))}: ${names.get(each)!};\n`);
  const body = [...interfaces, `export interface DB {\n${tables.join('')}}\n`].join('\n');
  const defined = Object.keys(definitions).filter((name) => uses(name, body));
  const head = defined.map((name) => `${definitions[name]!}\n`);
  const needed = imported.filter((name) => uses(name, body) || head.some((text) => uses(name, text)));
  const imports = needed.length === 0 ? '' : `import type { ${needed.join(', ')} } from 'kysely';\n\n`;
  return imports + [...head, body].join('\n');
}

const uses = (name: string, text: string): boolean => new RegExp(`\\b${name}\\b`).test(text);

function interfaceOf(relation: Relation, name: string): string {
  const columns = relation.columns.map(
    (column) => `${comment(column.comment, '  ')}  ${property(column.name)}: ${typeOfColumn(column, relation)};\n`,
  );
  return `${comment(relation.comment, '')}export interface ${name} {\n${columns.join('')}}\n`;
}

function typeOfColumn({ type, nullable, generated, ...column }: Column, { kind }: Relation): string {
  const value = nullable ? `${typeOf(type)} | null` : typeOf(type);
  if (kind === 'view') return value;
  if (generated) return `GeneratedAlways<${value}>`;
  return column.default === null ? value : `Generated<${value}>`;
}

const wide: Readonly<Partial<Record<ValueType['kind'], string>>> = { decimal: 'Numeric', timestamp: 'Timestamp' };

/** Of a column: what is inserted may differ from what is selected. */
function typeOf(type: ValueType): string {
  if (type.kind === 'integer') return isNumber(type) ? 'number' : 'Int8';
  return wide[type.kind] ?? selectedType(type);
}

const isNumber = ({ min, max }: Extract<ValueType, { kind: 'integer' }>): boolean =>
  min >= -(2n ** 31n) && max < 2n ** 32n;

function selectedType(type: ValueType): string {
  switch (type.kind) {
    case 'boolean':
      return 'boolean';
    case 'float':
      return 'number';
    case 'integer':
      return isNumber(type) ? 'number' : 'string';
    case 'enum':
      return type.values.length === 0 ? 'never' : type.values.map(literal).join(' | ');
    case 'interval':
      return 'Interval';
    case 'list':
      return type.nests ? 'unknown[]' : `${itemType(type.item)}[]`;
    case 'struct':
      return `{ ${type.fields.map(([name, field]) => `${property(name)}: ${selectedType(field)} | null`).join('; ')} }`;
    case 'map':
      return `[${selectedType(type.key)}, ${selectedType(type.value)} | null][]`;
    case 'union':
      return 'unknown';
    default:
      return 'string';
  }
}

const itemType = (item: ValueType): string => `(${selectedType(item)} | null)`;
