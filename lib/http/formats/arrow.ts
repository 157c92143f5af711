/** Rows as an Arrow IPC stream. https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format */
import {
  Binary,
  Bool,
  type DataType,
  DateDay,
  Field,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  Int8,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableToIPC,
  Uint16,
  Uint32,
  Uint64,
  Uint8,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import type { QueryResult } from '../../db/database.ts';
import { parseDate } from '../../datetime.ts';
import type { PlainValue } from '../../values.ts';

export function arrowStream({ columns, rows }: Pick<QueryResult, 'columns' | 'rows'>): Uint8Array<ArrayBuffer> {
  const chosen = columns.map(({ type }) => kindOf(type));
  const schema = new Schema(columns.map(({ name }, index) => new Field(name, chosen[index]!.type, true)));
  const children = chosen.map(({ type, convert }, index) => {
    const values = rows.map((row) => row[index] ?? null);
    return vectorFromArray(
      values.map((value) => (value === null ? null : convert(value))),
      type,
    ).data[0]!;
  });
  const data = makeData({ type: new Struct(schema.fields), length: rows.length, nullCount: 0, children });
  // What is not large is one block of memory of its own.
  return tableToIPC(new Table(schema, [new RecordBatch(schema, data)]), 'stream') as Uint8Array<ArrayBuffer>;
}

interface ArrowKind {
  readonly type: DataType;
  readonly convert: (value: PlainValue) => unknown;
}

const msADay = 86_400_000;

const number = (type: DataType): ArrowKind => ({ type, convert: Number });
const bigNumber = (type: DataType): ArrowKind => ({ type, convert: (value) => BigInt(value as string) });

const kinds: Readonly<Record<string, ArrowKind>> = {
  BOOLEAN: { type: new Bool(), convert: Boolean },
  TINYINT: number(new Int8()),
  SMALLINT: number(new Int16()),
  INTEGER: number(new Int32()),
  UTINYINT: number(new Uint8()),
  USMALLINT: number(new Uint16()),
  UINTEGER: number(new Uint32()),
  BIGINT: bigNumber(new Int64()),
  UBIGINT: bigNumber(new Uint64()),
  FLOAT: number(new Float32()),
  DOUBLE: number(new Float64()),
  BLOB: { type: new Binary(), convert: (value) => Buffer.from(value as string, 'base64') },
  /** The library takes ms, of which it makes days; both are exact, as a day's ms are a multiple of 1024. */
  DATE: { type: new DateDay(), convert: (value) => parseDate(value as string) * msADay },
};

const text: ArrowKind = {
  type: new Utf8(),
  convert: (value) => (typeof value === 'string' ? value : JSON.stringify(value)),
};

function kindOf(type: string): ArrowKind {
  return Object.hasOwn(kinds, type) ? (kinds[type] ?? text) : text;
}
