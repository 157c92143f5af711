/** Values of any type: read from JSON and from text, described, and what filters can ask of them. */
import type { ValueType } from '../catalog/types.ts';
import type { PlainValue } from '../values.ts';
import { type JsonSchema, type ValueKind, type Operator, ValueFault } from './kind.ts';
import { list, map, type NestedParts, struct, union } from './nested.ts';
import * as scalars from './scalars.ts';
import { date, interval, time, timestamp } from './times.ts';

const parts: NestedParts = { parse: parseValue, operators: operatorsOf };

const kinds: { readonly [K in ValueType['kind']]: ValueKind<K> } = {
  boolean: scalars.boolean,
  integer: scalars.integer,
  decimal: scalars.decimal,
  float: scalars.float,
  text: scalars.text,
  json: scalars.json,
  enum: scalars.enumeration,
  uuid: scalars.uuid,
  blob: scalars.blob,
  bit: scalars.bit,
  date,
  time,
  timestamp,
  interval,
  list: list(parts),
  struct: struct(parts),
  map: map(parts),
  union: union(parts),
  other: scalars.other,
};

function kindOf(type: ValueType): ValueKind {
  return kinds[type.kind] as ValueKind;
}

/**
 * The value that `input`, which is not null, represents in a column of this type, in the form that rows have.
 *
 * @throws ValueFault
 * @example parseValue({ kind: 'decimal', width: 10, scale: 2 }, 12.5) // '12.50'
 */
export function parseValue(type: ValueType, input: PlainValue): PlainValue {
  return kindOf(type).parse(type, input);
}

/**
 * The same of a text: a filter, a cell of CSV, a part of a key. What is nested is written as JSON.
 *
 * @throws ValueFault
 * @example parseText({ kind: 'boolean' }, 'true') // true
 */
export function parseText(type: ValueType, text: string): PlainValue {
  const kind = kindOf(type);
  if (kind.parseText) return kind.parseText(type, text);
  return kind.parse(type, isWrittenAsJson(type) ? jsonOf(text) : text);
}

/** The text of a value, which `parseText` reads back. */
export function textOf(value: PlainValue): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Of a text that is no value of the type: whether it is a number, and the type one of numbers, out of whose range it is. */
export function isOtherNumber({ kind }: ValueType, text: string): boolean {
  return (kind === 'integer' || kind === 'decimal') && /^-?\d+(?:\.\d+)?$/.test(text);
}

/** What filters of the plain grammar can ask of a column of this type. */
export function operatorsOf(type: ValueType): readonly Operator[] {
  return kindOf(type).operators(type);
}

/** What any filter can. */
export function everyOperatorOf(type: ValueType): readonly Operator[] {
  const plain = operatorsOf(type);
  const distinct: readonly Operator[] = plain.includes('eq') ? ['isdistinct'] : [];
  if (type.kind === 'text') return [...plain, ...distinct, 'match', 'imatch'];
  if (type.kind === 'json') return [...plain, 'cs', 'cd'];
  if (type.kind === 'list' && plain.includes('eq')) return [...plain, ...distinct, 'cs', 'cd', 'ov'];
  return [...plain, ...distinct];
}

/** Whether rows can be ordered by such values. */
export function isSortable(type: ValueType): boolean {
  return type.kind === 'boolean' || operatorsOf(type).includes('gt');
}

/** JSON Schema of the values in rows, null left out. */
export function valueSchema(type: ValueType): JsonSchema {
  return kindOf(type).schema(type, valueSchema);
}

/** JSON Schema of the values that are taken, null left out. */
export function valueInputSchema(type: ValueType): JsonSchema {
  const kind = kindOf(type);
  return kind.inputSchema ? kind.inputSchema(type, valueInputSchema) : kind.schema(type, valueInputSchema);
}

function isWrittenAsJson({ kind }: ValueType): boolean {
  return kind === 'list' || kind === 'struct' || kind === 'map' || kind === 'union' || kind === 'interval';
}

function jsonOf(text: string): PlainValue {
  try {
    return JSON.parse(text) as PlainValue;
  } catch {
    throw new ValueFault('must be written as JSON');
  }
}
