/**
 * What statements answer, in the form of Neon's driver: fields with the OIDs of PostgreSQL's types, values as its text.
 */
import { parseDuckDbType } from '../catalog/duckdb-types.ts';
import type { ValueType } from '../catalog/types.ts';
import { oidOfType } from '../db/postgres/values.ts';
import { postgresText } from '../rows/postgres-text.ts';
import type { StatementResult } from '../sql/result.ts';
import type { PlainValue } from '../values.ts';

export interface AnswerForm {
  readonly isRawText: boolean;
  readonly arrayMode: boolean;
}

/** @example sqlAnswer(result, { isRawText: true, arrayMode: true }).rows // [['1', 'Ada', null]] */
export function sqlAnswer({ command, columns, rows, rowCount }: StatementResult, form: AnswerForm) {
  const types = columns.map(({ type }) => parseDuckDbType(type));
  const show = form.isRawText ? postgresText : valueOf;
  const lists = rows.map((row) => row.map((value, index) => (value === null ? null : show(types[index]!, value))));
  return {
    command,
    rowCount,
    rowAsArray: form.arrayMode,
    fields: columns.map(({ name, type }) => ({
      name,
      dataTypeID: oidOf(type),
      tableID: 0,
      columnID: 0,
      dataTypeSize: -1,
      dataTypeModifier: -1,
      format: 'text',
    })),
    rows: form.arrayMode
      ? lists
      : lists.map((values) => Object.fromEntries(columns.map(({ name }, index) => [name, values[index]!]))),
  };
}

/** JSON's own values where JSON has them; text where a number would lose digits. */
function valueOf(type: ValueType, value: PlainValue): PlainValue {
  if (value === null) return null;
  switch (type.kind) {
    case 'json':
      return JSON.parse(postgresText(type, value)) as PlainValue;
    case 'struct':
    case 'map':
    case 'boolean':
    case 'float':
    case 'integer':
      return value;
    case 'list':
      return (value as readonly PlainValue[]).map((item) => valueOf(type.item, item));
    default:
      return postgresText(type, value);
  }
}

/** DuckDB's types that PostgreSQL has under another name. */
const alike: Readonly<Record<string, string>> = {
  TINYINT: 'SMALLINT',
  UTINYINT: 'SMALLINT',
  USMALLINT: 'INTEGER',
  UINTEGER: 'BIGINT',
  UBIGINT: 'DECIMAL',
  HUGEINT: 'DECIMAL',
  UHUGEINT: 'DECIMAL',
  BIGNUM: 'DECIMAL',
  TIMESTAMP_S: 'TIMESTAMP',
  TIMESTAMP_MS: 'TIMESTAMP',
  TIMESTAMP_NS: 'TIMESTAMP',
  STRUCT: 'JSON',
  MAP: 'JSON',
};

/** Of a list of lists that of the list: PostgreSQL's types have no dimensions. */
function oidOf(type: string): number {
  const item = /^(.*?)(?:\[\d*\])+$/s.exec(type)?.[1];
  const base = /^[A-Z_ ]+/.exec(item ?? type)?.[0] ?? '';
  return oidOfType(Object.hasOwn(alike, base) ? alike[base]! : base, item !== undefined);
}
