/**
 * A type that the other engine lacks goes into the nearest that holds all its values, with a comment on the column
 * from which the way back restores it.
 */
import { type DuckDBType, DuckDBTypeId } from '@duckdb/node-api';
import { readArray, writeArray } from '../../sql/postgres-array.ts';
import type { PlainValue } from '../../values.ts';
import { bytesText, intervalText, type PlainInterval, readerOf, withEra } from '../postgres/values.ts';

interface DuckDbColumnType {
  /** As DDL writes it; only here JSON differs from VARCHAR. */
  readonly declared: string;
  readonly type: DuckDBType;
}

function isNested({ typeId }: DuckDBType): boolean {
  return [DuckDBTypeId.LIST, DuckDBTypeId.ARRAY, DuckDBTypeId.STRUCT, DuckDBTypeId.MAP, DuckDBTypeId.UNION].includes(
    typeId,
  );
}

/** From `A: a, B: b(1,2)`. */
function pairs(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(text.split(/,\s+/).map((pair) => pair.trim().split(/:\s*/) as [string, string]));
}

const postgresNames =
  pairs(`BOOLEAN: boolean, TINYINT: smallint, UTINYINT: smallint, SMALLINT: smallint, USMALLINT: integer,
  INTEGER: integer, UINTEGER: bigint, BIGINT: bigint, UBIGINT: numeric(20,0), HUGEINT: numeric(39,0), UHUGEINT: numeric(39,0),
  BIGNUM: numeric, FLOAT: real, DOUBLE: double precision, VARCHAR: text, ENUM: text, UUID: uuid, BLOB: bytea, BIT: bit varying,
  DATE: date, TIME: time without time zone, TIME_TZ: time with time zone, TIMESTAMP: timestamp without time zone,
  TIMESTAMP_S: timestamp without time zone, TIMESTAMP_MS: timestamp without time zone, TIMESTAMP_NS: text,
  TIMESTAMP_TZ: timestamp with time zone, INTERVAL: interval, STRUCT: json, MAP: json, UNION: json`);

export function postgresType({ declared, type }: DuckDbColumnType): string | null {
  if (declared === 'JSON') return 'json';
  if (type.typeId === DuckDBTypeId.DECIMAL) return `numeric(${type.width},${type.scale})`;
  if (type.typeId !== DuckDBTypeId.LIST && type.typeId !== DuckDBTypeId.ARRAY)
    return postgresNames[DuckDBTypeId[type.typeId]] ?? null;
  if (isNested(type.valueType)) return 'json';
  const item = postgresType({ declared: declared.replace(/\[\d*\]$/, ''), type: type.valueType });
  return item === null ? null : `${item}[]`;
}

const duckdbNames = pairs(`boolean: BOOLEAN, smallint: SMALLINT, integer: INTEGER, bigint: BIGINT, real: FLOAT,
  double precision: DOUBLE, text: VARCHAR, character varying: VARCHAR, character: VARCHAR, uuid: UUID, bytea: BLOB, bit: BIT,
  bit varying: BIT, date: DATE, time without time zone: TIME, time with time zone: TIME WITH TIME ZONE,
  timestamp without time zone: TIMESTAMP, timestamp with time zone: TIMESTAMP WITH TIME ZONE, interval: INTERVAL,
  json: JSON, jsonb: JSON`);

/** What DuckDB has no type for and PostgreSQL reads back from its own text. */
const asText =
  /^(?:name|inet|cidr|macaddr8?|xml|jsonpath|tsvector|tsquery|point|line|lseg|box|path|polygon|circle|(?:int[48]|num|date|ts|tstz)(?:multi)?range)$/;

const mostDigits = 38;

export function duckdbType(postgres: string): string | null {
  if (postgres.endsWith('[]')) {
    const item = duckdbType(postgres.slice(0, -2));
    return item === null ? null : `${item}[]`;
  }
  const [, digits, scale] = /^numeric\((\d+),(\d+)\)$/.exec(postgres) ?? [];
  if (digits !== undefined && Number(digits) <= mostDigits && Number(scale) <= Number(digits)) {
    return `DECIMAL(${digits},${scale})`;
  }
  const plain = postgres.replace(/\([-\d,]+\)/, '');
  return plain === 'numeric' || asText.test(plain) ? 'VARCHAR' : (duckdbNames[plain] ?? null);
}

const labels = { postgres: 'PostgreSQL type: ', duckdb: 'DuckDB type: ' } as const;

/** The comment on a column whose type the other engine would not restore by itself: behind the user's own, a line. */
export function withRecordedType(comment: string | null, of: keyof typeof labels, type: string): string {
  return [...(comment === null ? [] : [comment]), labels[of] + type].join('\n');
}

export function recordedType(of: keyof typeof labels, comment: string | null): string | null {
  const last = comment?.split('\n').at(-1) ?? '';
  return last.startsWith(labels[of]) ? last.slice(labels[of].length) : null;
}

export function commentOf(comment: string | null): string | null {
  if (comment === null || (recordedType('postgres', comment) ?? recordedType('duckdb', comment)) === null)
    return comment;
  return comment.includes('\n') ? comment.slice(0, comment.lastIndexOf('\n')) : null;
}

/** A type of PostgreSQL that is safe in DDL, as `format_type` writes it. */
const plainType = /^[a-z][a-z0-9 ]*(?:\(\d+(?:,-?\d+)?\)[a-z ]*)?(?:\[\])?$/;

/** The type for a column of DuckDB that may have come from PostgreSQL: the one it had there, if that still fits. */
export function postgresTypeOf(column: DuckDbColumnType, comment: string | null): string | null {
  const recorded = recordedType('postgres', comment);
  if (recorded !== null && plainType.test(recorded) && duckdbType(recorded) === column.declared) return recorded;
  return postgresType(column);
}

export interface TextForm {
  write(plain: PlainValue): string;
  read(text: string): PlainValue;
}

/** Types whose values are no texts, by the OID of the type of PostgreSQL that reads like them. */
const oids =
  pairs(`BOOLEAN: 16, TINYINT: 21, SMALLINT: 21, INTEGER: 23, UTINYINT: 21, USMALLINT: 23, UINTEGER: 23, FLOAT: 700,
  DOUBLE: 701, BLOB: 17, DATE: 1082, TIME: 1083, TIME_TZ: 1266, TIMESTAMP: 1114, TIMESTAMP_S: 1114, TIMESTAMP_MS: 1114,
  TIMESTAMP_TZ: 1184, INTERVAL: 1186`);

export function textForm(type: DuckDBType): TextForm {
  return { write: (plain) => writeText(type, plain), read: (text) => readText(type, text) };
}

function writeText(type: DuckDBType, plain: PlainValue): string {
  const item = itemOf(type);
  if (item) return writeArray((plain as PlainValue[]).map((each) => (each === null ? null : writeText(item, each))));
  if (isNested(type)) return JSON.stringify(plain);
  if (type.typeId === DuckDBTypeId.BLOB) return bytesText(plain as string);
  if (type.typeId === DuckDBTypeId.INTERVAL) return intervalText(plain as PlainInterval);
  const text = typeof plain === 'string' ? plain : JSON.stringify(plain);
  return /^(?:DATE|TIMESTAMP)/.test(DuckDBTypeId[type.typeId]) ? withEra(text) : text;
}

function readText(type: DuckDBType, text: string): PlainValue {
  const item = itemOf(type);
  if (item) return readArray(text, (each) => readText(item, each));
  if (isNested(type)) return JSON.parse(text) as PlainValue;
  const plain = readerOf(Number(oids[DuckDBTypeId[type.typeId]] ?? 0))(text);
  if (typeof plain !== 'string') return plain;
  if (type.typeId === DuckDBTypeId.TIMESTAMP_S) return plain.replace(/\.\d{6}$/, '');
  return type.typeId === DuckDBTypeId.TIMESTAMP_MS ? plain.replace(/(\.\d{3})\d{3}$/, '$1') : plain;
}

/** Of what is an array on PostgreSQL, too. */
function itemOf(type: DuckDBType): DuckDBType | null {
  if (type.typeId !== DuckDBTypeId.LIST && type.typeId !== DuckDBTypeId.ARRAY) return null;
  return isNested(type.valueType) ? null : type.valueType;
}
