/** Random values of every type that DuckDB has and a table may hold. */
import {
  DuckDBArrayValue,
  DuckDBBitValue,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBIntervalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimeTZValue,
  DuckDBTimeValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBUUIDValue,
  DuckDBUnionValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import fc from 'fast-check';

const int64 = fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n });
/** DuckDB's timestamps: 290309 BC to 294247 AD, both infinities. */
export const anyMicros = fc.oneof(
  fc.bigInt({ min: -9_223_372_022_400_000_000n, max: 9_223_372_036_854_775_806n }),
  fc.constantFrom(9_223_372_036_854_775_807n, -9_223_372_036_854_775_807n, 0n, -1n),
  fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n }),
);
export const anyDays = fc.oneof(
  fc.integer({ min: -106_751_991, max: 106_751_991 }),
  fc.constantFrom(2_147_483_647, -2_147_483_647, 0, -1),
);
const anySeconds = fc.bigInt({ min: -62_135_596_800n, max: 253_402_300_799n });
const text = fc.string({ unit: 'binary' }).filter((value) => value.isWellFormed());
const double = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Infinity, -Infinity, -0, 0, 5e-324, Number.MAX_VALUE));

/** By the name of a column. */
export const duckDbTypes: Record<string, { type: string; value: fc.Arbitrary<DuckDBValue> }> = {
  tinyint: { type: 'TINYINT', value: fc.integer({ min: -128, max: 127 }) },
  smallint: { type: 'SMALLINT', value: fc.integer({ min: -32768, max: 32767 }) },
  integer: { type: 'INTEGER', value: fc.integer() },
  bigint: { type: 'BIGINT', value: int64 },
  hugeint: { type: 'HUGEINT', value: fc.bigInt({ min: -(2n ** 127n), max: 2n ** 127n - 1n }) },
  uhugeint: { type: 'UHUGEINT', value: fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }) },
  ubigint: { type: 'UBIGINT', value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) },
  uinteger: { type: 'UINTEGER', value: fc.nat(2 ** 31 - 1) },
  decimal4: {
    type: 'DECIMAL(4, 1)',
    value: fc.bigInt({ min: -9999n, max: 9999n }).map((value) => new DuckDBDecimalValue(value, 4, 1)),
  },
  decimal38: {
    type: 'DECIMAL(38, 10)',
    value: fc
      .bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n })
      .map((value) => new DuckDBDecimalValue(value, 38, 10)),
  },
  float: { type: 'FLOAT', value: fc.oneof(fc.float(), fc.constantFrom(Number.NaN, Infinity, -Infinity, -0)) },
  double: { type: 'DOUBLE', value: double },
  timestamp: { type: 'TIMESTAMP', value: anyMicros.map((value) => new DuckDBTimestampValue(value)) },
  timestamptz: { type: 'TIMESTAMPTZ', value: anyMicros.map((value) => new DuckDBTimestampTZValue(value)) },
  date: { type: 'DATE', value: anyDays.map((value) => new DuckDBDateValue(value)) },
  time: {
    type: 'TIME',
    value: fc.bigInt({ min: 0n, max: 86_400_000_000n }).map((value) => new DuckDBTimeValue(value)),
  },
  interval: {
    type: 'INTERVAL',
    value: fc
      .tuple(fc.integer(), fc.integer(), int64)
      .map(([months, day, micro]) => new DuckDBIntervalValue(months, day, micro)),
  },
  uuid: {
    type: 'UUID',
    value: fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map((value) => DuckDBUUIDValue.fromUint128(value)),
  },
  blob: { type: 'BLOB', value: fc.uint8Array().map((value) => new DuckDBBlobValue(value)) },
  varchar: { type: 'VARCHAR', value: text },
  boolean: { type: 'BOOLEAN', value: fc.boolean() },
  list: { type: 'VARCHAR[]', value: fc.array(fc.option(text)).map((items) => new DuckDBListValue(items)) },
  nested: {
    type: 'STRUCT(a INTEGER, "b c" DOUBLE[])',
    value: fc
      .tuple(fc.option(fc.integer()), fc.option(fc.array(double)))
      .map(([a, b]) => new DuckDBStructValue({ a, 'b c': b && new DuckDBListValue(b) })),
  },
  map: {
    type: 'MAP(VARCHAR, BIGINT)',
    value: fc
      .uniqueArray(fc.tuple(text, fc.option(int64)), { selector: ([key]) => key })
      .map((entries) => new DuckDBMapValue(entries.map(([key, value]) => ({ key, value })))),
  },
  enumeration: { type: "ENUM ('enrolled', 'it''s', '')", value: fc.constantFrom('enrolled', "it's", '') },
  json: { type: 'JSON', value: fc.json() },
  timetz: {
    type: 'TIMETZ',
    value: fc
      .tuple(fc.bigInt({ min: 0n, max: 86_399_999_999n }), fc.integer({ min: -57_599, max: 57_599 }))
      .map(([micros, offset]) => DuckDBTimeTZValue.fromMicrosAndOffset(micros, offset)),
  },
  seconds: { type: 'TIMESTAMP_S', value: anySeconds.map((value) => new DuckDBTimestampSecondsValue(value)) },
  millis: {
    type: 'TIMESTAMP_MS',
    value: anySeconds.map((value) => new DuckDBTimestampMillisecondsValue(value * 997n)),
  },
  nanos: {
    type: 'TIMESTAMP_NS',
    value: fc
      .bigInt({ min: -9_223_286_400_000_000_000n, max: 9_223_372_036_854_775_806n })
      .map((value) => new DuckDBTimestampNanosecondsValue(value)),
  },
  bits: {
    type: 'BIT',
    value: fc
      .string({ unit: fc.constantFrom('0', '1'), minLength: 1 })
      .map((value) => DuckDBBitValue.fromString(value)),
  },
  // The client library binds a 0 that DuckDB then finds broken.
  bignum: { type: 'BIGNUM', value: fc.bigInt({ min: -(10n ** 60n), max: 10n ** 60n }).filter((value) => value !== 0n) },
  pair: { type: 'INTEGER[2]', value: fc.tuple(fc.integer(), fc.integer()).map((items) => new DuckDBArrayValue(items)) },
  moods: {
    type: "ENUM ('a', 'b c')[]",
    value: fc.array(fc.constantFrom('a', 'b c')).map((items) => new DuckDBListValue(items)),
  },
  either: {
    type: 'UNION(n INTEGER, "a b" VARCHAR)',
    value: fc.oneof(
      fc.integer().map((value) => new DuckDBUnionValue('n', value)),
      text.map((value) => new DuckDBUnionValue('a b', value)),
    ),
  },
};
