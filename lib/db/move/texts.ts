/**
 * Values in PostgreSQL's text, by the type that the column has on DuckDB. What PostgreSQL has no type for travels as JSON.
 * Expects the settings that postgres-session.ts makes.
 */
import { DuckDBTypeId, type DuckDBType } from '@duckdb/node-api';
import { readArray, writeArray } from '../../sql/postgres-array.ts';
import type { PlainValue } from '../../values.ts';
import { bytesText, intervalText, type PlainInterval, readerOf, withEra } from '../postgres/values.ts';
import { isNested, pairs } from './types.ts';

/** One type's values as text. NULL never reaches either function. */
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
