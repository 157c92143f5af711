import type { ResultField } from '../pool.ts';

/** OID of the type, OID of its array, name. https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat */
const known: readonly (readonly [oid: number, array: number, name: string])[] = [
  [16, 1000, 'BOOLEAN'],
  [17, 1001, 'BLOB'],
  [20, 1016, 'BIGINT'],
  [21, 1005, 'SMALLINT'],
  [23, 1007, 'INTEGER'],
  [700, 1021, 'FLOAT'],
  [701, 1022, 'DOUBLE'],
  [1700, 1231, 'DECIMAL'],
  [114, 199, 'JSON'],
  [3802, 3807, 'JSON'],
  [2950, 2951, 'UUID'],
  [1082, 1182, 'DATE'],
  [1083, 1183, 'TIME'],
  [1266, 1270, 'TIME WITH TIME ZONE'],
  [1114, 1115, 'TIMESTAMP'],
  [1184, 1185, 'TIMESTAMP WITH TIME ZONE'],
  [1186, 1187, 'INTERVAL'],
  [25, 1009, 'VARCHAR'],
  [1042, 1014, 'VARCHAR'],
  [1043, 1015, 'VARCHAR'],
];
const names = new Map(
  known.flatMap(([oid, array, name]) => [
    [oid, name],
    [array, `${name}[]`],
  ]),
);
const numeric = 1700;

export function typeName({ dataTypeID, dataTypeModifier }: ResultField): string {
  const name = names.get(dataTypeID) ?? 'VARCHAR';
  if (dataTypeID !== numeric || dataTypeModifier < 0) return name;
  // https://github.com/postgres/postgres/blob/master/src/backend/utils/adt/numeric.c, make_numeric_typmod
  const packed = dataTypeModifier - 4;
  const [precision, scale] = [packed >> 16, packed & 0x7ff];
  return precision <= 38 && scale <= precision ? `DECIMAL(${precision},${scale})` : name;
}
