/**
 * Values written as text, as filters and cursors have them, checked against the column before any SQL is made.
 *
 * Owns: the text form of each kind of column and the SQL type that it is bound as. The worst that can happen: a value
 * that passes here and fails in the database, which the client would see as a defect.
 */
import { type RawBuilder, sql, type SqlBool } from 'kysely';
import { parseUuid } from './identifiers.ts';
import { parseDay, parseMoment } from './moments.ts';
import type { Column } from './table.ts';
import { normalizeText } from './text.ts';
import type { PlainValue } from '../values.ts';

export type Literal =
  { readonly ok: true; readonly value: PlainValue } | { readonly ok: false; readonly message: string };

const maxTextLength = 1000;
const numberPattern = /^-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** The value that `text` stands for in this column, or what is wrong with it. */
export function parseLiteral(column: Column, text: string): Literal {
  if (column.kind === 'text') return parseText(normalizeText(column, text));
  if (column.kind === 'enum')
    return given(column.values.includes(text) ? text : null, `one of ${column.values.join(', ')}`);
  const { parse, wanted } = forms[column.kind];
  return given(parse(text), wanted);
}

interface Form {
  readonly parse: (text: string) => PlainValue;
  readonly wanted: string;
}

const forms: Readonly<Record<Exclude<Column['kind'], 'text' | 'enum'>, Form>> = {
  integer: { parse: parseInteger, wanted: 'a whole number between -2147483648 and 2147483647' },
  number: { parse: parseNumber, wanted: 'a number' },
  boolean: { parse: (text) => (text === 'true' ? true : text === 'false' ? false : null), wanted: 'true or false' },
  date: { parse: parseDay, wanted: 'a day such as 2026-11-24' },
  timestamp: { parse: parseMoment, wanted: 'a time with its offset, such as 2026-11-24T04:05:06Z' },
  uuid: { parse: parseUuid, wanted: 'a UUID' },
};

/** The value as a parameter of the column's type, the same on every engine. */
export function bind(column: Column, value: PlainValue): RawBuilder<unknown> {
  // Doubles go as text: drivers take whole numbers such as 1e300 for integers.
  const parameter = typeof value === 'number' && column.kind === 'number' ? String(value) : value;
  return sql`cast(${parameter} as ${sql.raw(sqlTypes[column.kind])})`;
}

/** `name = value`, both of the column's type. */
export function equals(name: string, column: Column, value: PlainValue): RawBuilder<SqlBool> {
  return sql<SqlBool>`${sql.ref(name)} = ${bind(column, value)}`;
}

const sqlTypes = {
  text: 'varchar',
  enum: 'varchar',
  integer: 'integer',
  number: 'double precision',
  boolean: 'boolean',
  date: 'date',
  timestamp: 'timestamptz',
  uuid: 'uuid',
} as const satisfies Record<Column['kind'], string>;

/** The SQL type of a column, as DuckDB calls it. */
export function sqlTypeOf({ kind }: Column): string {
  const type = sqlTypes[kind];
  if (type === 'double precision') return 'DOUBLE';
  return type === 'timestamptz' ? 'TIMESTAMP WITH TIME ZONE' : type.toUpperCase();
}

function given(value: PlainValue, wanted: string): Literal {
  return value === null ? { ok: false, message: `expects ${wanted}` } : { ok: true, value };
}

function parseText(text: string): Literal {
  if (text.length > maxTextLength) return { ok: false, message: `expects at most ${maxTextLength} characters` };
  if (text.includes('\0') || !text.isWellFormed()) return { ok: false, message: 'expects text without NUL characters' };
  return { ok: true, value: text };
}

function parseInteger(text: string): number | null {
  if (!/^-?\d{1,10}$/.test(text)) return null;
  const value = Number(text) + 0;
  return value >= -(2 ** 31) && value < 2 ** 31 ? value : null;
}

function parseNumber(text: string): number | null {
  const value = numberPattern.test(text) ? Number(text) + 0 : Number.NaN;
  return Number.isFinite(value) ? value : null;
}
