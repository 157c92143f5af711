/** By OID and modifier. Values of types that are not known are text. */
import type { ValueType } from './types.ts';

export interface DefinedType {
  readonly oid: number;
  /** Of a domain: the type below it, with its modifier; otherwise null. */
  readonly base: number | null;
  readonly modifier: number;
  /** Of an enum, in their order; otherwise null. */
  readonly labels: readonly string[] | null;
}

/** A modifier counts from 4, the size of a length word, where it is one of characters or digits. */
const header = 4;

function integer(bits: bigint): () => ValueType {
  const half = 2n ** (bits - 1n);
  return () => ({ kind: 'integer', min: -half, max: half - 1n });
}

function text(modifier: number): ValueType {
  return { kind: 'text', maxLength: modifier < header ? null : modifier - header };
}

/** https://github.com/postgres/postgres/blob/master/src/backend/utils/adt/numeric.c, make_numeric_typmod */
function numeric(modifier: number): ValueType {
  if (modifier < header) return { kind: 'decimal', width: null, scale: null };
  const packed = modifier - header;
  return { kind: 'decimal', width: packed >> 16, scale: ((packed & 0x7ff) ^ 1024) - 1024 };
}

/** OID, OID of its array. https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat */
const known: readonly (readonly [oid: number, array: number, type: (modifier: number) => ValueType])[] = [
  [16, 1000, () => ({ kind: 'boolean' })],
  [17, 1001, () => ({ kind: 'blob' })],
  [21, 1005, integer(16n)],
  [23, 1007, integer(32n)],
  [20, 1016, integer(64n)],
  [700, 1021, () => ({ kind: 'float', bits: 32 })],
  [701, 1022, () => ({ kind: 'float', bits: 64 })],
  [1700, 1231, numeric],
  [25, 1009, () => ({ kind: 'text', maxLength: null })],
  [1042, 1014, text],
  [1043, 1015, text],
  [114, 199, () => ({ kind: 'json' })],
  [3802, 3807, () => ({ kind: 'json' })],
  [2950, 2951, () => ({ kind: 'uuid' })],
  [1560, 0, () => ({ kind: 'bit' })],
  [1562, 0, () => ({ kind: 'bit' })],
  [1082, 1182, () => ({ kind: 'date' })],
  [1083, 1183, () => ({ kind: 'time', withZone: false })],
  [1266, 1270, () => ({ kind: 'time', withZone: true })],
  [1114, 1115, () => ({ kind: 'timestamp', withZone: false, digits: 6 })],
  [1184, 1185, () => ({ kind: 'timestamp', withZone: true, digits: 6 })],
  [1186, 1187, () => ({ kind: 'interval' })],
];

const scalars = new Map(known.map(([oid, , type]) => [oid, type]));
const arrays = new Map(known.map(([, array, type]) => [array, type]));

export function postgresTypes(defined: readonly DefinedType[]): (oid: number, modifier: number) => ValueType {
  const own = new Map(defined.map((type) => [type.oid, type]));
  const typeOf = (oid: number, modifier: number): ValueType => {
    const scalar = scalars.get(oid);
    if (scalar) return scalar(modifier);
    const item = arrays.get(oid);
    if (item) return { kind: 'list', item: item(modifier), length: null, nests: true };
    const type = own.get(oid);
    if (type?.labels) return { kind: 'enum', values: type.labels };
    return type && type.base !== null ? typeOf(type.base, type.modifier) : { kind: 'other' };
  };
  return typeOf;
}
