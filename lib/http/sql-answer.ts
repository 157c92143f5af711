/** What statements answer, in the form of Neon's driver: fields with the OIDs of PostgreSQL's types, values as its text. */
import { parseDuckDbType } from '../catalog/duckdb-types.ts';
import type { ValueType } from '../catalog/types.ts';
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
  const show = form.isRawText ? textOf : valueOf;
  const lists = rows.map((row) => row.map((value, index) => (value === null ? null : show(types[index]!, value))));
  return {
    command,
    rowCount,
    rowAsArray: form.arrayMode,
    fields: columns.map(({ name }, index) => ({
      name,
      dataTypeID: oidOf(types[index]!).oid,
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

/** A value that has no text of PostgreSQL is JSON. */
function textOf(type: ValueType, value: PlainValue): string {
  return postgresText(type, value);
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

/** OIDs of a type and of its lists. https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat */
interface Oid {
  readonly oid: number;
  readonly list: number;
}

const text: Oid = { oid: 25, list: 1009 };
const numeric: Oid = { oid: 1700, list: 1231 };
const json: Oid = { oid: 114, list: 199 };
const oids: Readonly<Partial<Record<ValueType['kind'], Oid>>> = {
  boolean: { oid: 16, list: 1000 },
  decimal: numeric,
  json,
  struct: json,
  map: json,
  uuid: { oid: 2950, list: 2951 },
  blob: { oid: 17, list: 1001 },
  bit: { oid: 1560, list: 1561 },
  date: { oid: 1082, list: 1182 },
  interval: { oid: 1186, list: 1187 },
};

function oidOf(type: ValueType): Oid {
  switch (type.kind) {
    case 'integer':
      if (type.min >= -(2n ** 15n) && type.max < 2n ** 15n) return { oid: 21, list: 1005 };
      if (type.min >= -(2n ** 31n) && type.max < 2n ** 31n) return { oid: 23, list: 1007 };
      return type.min >= -(2n ** 63n) && type.max < 2n ** 63n ? { oid: 20, list: 1016 } : numeric;
    case 'float':
      return type.bits === 32 ? { oid: 700, list: 1021 } : { oid: 701, list: 1022 };
    case 'time':
      return type.withZone ? { oid: 1266, list: 1270 } : { oid: 1083, list: 1183 };
    case 'timestamp':
      return type.withZone ? { oid: 1184, list: 1185 } : { oid: 1114, list: 1115 };
    case 'list': {
      const { list } = oidOf(type.item);
      return { oid: list, list };
    }
    default:
      return oids[type.kind] ?? text;
  }
}
