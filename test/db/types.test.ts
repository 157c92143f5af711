/** Every DuckDB type that a table may hold survives capture, record and replay exactly. */
import {
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBInstance,
  DuckDBIntervalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
  DuckDBUUIDValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyRowChanges } from '../../lib/sync/apply.ts';
import { Catalog } from '../../lib/sync/catalog.ts';
import { encodeNullable } from '../../lib/sync/codec.ts';
import { formatDate, formatTimestamp, parseDate, parseTimestamp } from '../../lib/sync/datetime.ts';
import { decodeRecord, encodeRecord, recordFormat } from '../../lib/sync/record.ts';
import { resultRows, Session } from '../../lib/sync/sql.ts';

const name = { schema: 'main', table: 't' };

async function sessionWith(ddl: string): Promise<Session> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const session = new Session(await instance.connect());
  await session.execute(ddl);
  return session;
}

/** What DuckDB itself says of every value, in a form that tells -0 from 0, and bytes from bytes. */
async function describeRows(session: Session, columns: readonly string[]): Promise<DuckDBValue[][]> {
  const shown = columns.map(
    (column) => `${column}::VARCHAR, md5(coalesce(${column}::VARCHAR, 'null')), typeof(${column})`,
  );
  return session.rows(`SELECT id, ${shown.join(', ')} FROM t ORDER BY id`);
}

/** Takes the rows of `from` through a record onto `to`. */
async function replay(from: Session, to: Session): Promise<void> {
  const catalog = new Catalog(from);
  const { columns } = await catalog.shape(name);
  const result = await from.run('SELECT * FROM t');
  const put = resultRows(result).map((values) =>
    Object.fromEntries(
      columns.map((column, index) => [column.name, encodeNullable(column.codec, values[index] ?? null)]),
    ),
  );
  const record = {
    format: recordFormat,
    database: 'd',
    version: 1,
    id: 'r',
    previous: 'empty',
    time: '',
    writer: '',
    changes: [{ table: 't', put }],
  } as const;
  const read = decodeRecord(encodeRecord(record), 'key', 1);
  await to.execute('BEGIN');
  await applyRowChanges(to, new Catalog(to), read.changes as never);
  await to.execute('COMMIT');
}

const int64 = fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n });
/** DuckDB's timestamps: 290309 BC to 294247 AD, both infinities. */
const micros = fc.oneof(
  fc.bigInt({ min: -9_223_372_022_400_000_000n, max: 9_223_372_036_854_775_806n }),
  fc.constantFrom(9_223_372_036_854_775_807n, -9_223_372_036_854_775_807n, 0n, -1n),
  fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n }),
);
const days = fc.oneof(
  fc.integer({ min: -106_751_991, max: 106_751_991 }),
  fc.constantFrom(2_147_483_647, -2_147_483_647, 0, -1),
);
const text = fc.string({ unit: 'binary' }).filter((value) => value.isWellFormed());
const double = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Infinity, -Infinity, -0, 0, 5e-324, Number.MAX_VALUE));

const columns: Record<string, { type: string; value: fc.Arbitrary<DuckDBValue> }> = {
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
  timestamp: { type: 'TIMESTAMP', value: micros.map((value) => new DuckDBTimestampValue(value)) },
  timestamptz: { type: 'TIMESTAMPTZ', value: micros.map((value) => new DuckDBTimestampTZValue(value)) },
  date: { type: 'DATE', value: days.map((value) => new DuckDBDateValue(value)) },
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
};

const columnNames = Object.keys(columns);
const ddl = `CREATE TABLE t (id INTEGER PRIMARY KEY, ${columnNames.map((column) => `${column} ${columns[column]!.type}`).join(', ')})`;
const anyRow = fc.record(Object.fromEntries(columnNames.map((column) => [column, fc.option(columns[column]!.value)])));

describe('types through record and replay', () => {
  it('come back exactly, NULL included', async () => {
    const [from, to] = [await sessionWith(ddl), await sessionWith(ddl)];
    const types = (await new Catalog(from).shape(name)).columns.map(({ type }) => type);
    const sql = `INSERT INTO t VALUES (${types.map((_, index) => `$${index + 1}`).join(', ')})`;
    await fc.assert(
      fc.asyncProperty(fc.array(anyRow, { minLength: 1, maxLength: 20 }), async (rows) => {
        for (const session of [from, to]) await session.execute('DELETE FROM t');
        for (const [id, row] of rows.entries()) {
          await from.run(sql, [id, ...columnNames.map((column) => row[column] ?? null)], types);
        }
        await replay(from, to);
        expect(await describeRows(to, columnNames)).toEqual(await describeRows(from, columnNames));
      }),
      { numRuns: 60, endOnFailure: true },
    );
  });

  it('agree with DuckDB on the text of dates and timestamps', async () => {
    const session = await sessionWith(ddl);
    await fc.assert(
      fc.asyncProperty(fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n }), async (value) => {
        const [row] = await session.rows(`SELECT strftime(make_timestamp($1::BIGINT), '%Y-%m-%dT%H:%M:%S.%f')`, [
          value,
        ]);
        expect(formatTimestamp(value, 1_000_000n, '')).toBe(row?.[0]);
      }),
    );
    fc.assert(
      fc.property(micros, (value) => {
        expect(parseTimestamp(formatTimestamp(value, 1_000_000n, 'Z'), 1_000_000n)).toBe(value);
      }),
    );
    fc.assert(
      fc.property(days, (value) => {
        expect(parseDate(formatDate(value))).toBe(value);
      }),
    );
  });
});

describe('what cannot be captured', () => {
  it.each([
    ['no primary key', 'CREATE TABLE t (id INTEGER)', /no primary key/],
    [
      'a generated column',
      'CREATE TABLE t (id INTEGER PRIMARY KEY, b INTEGER GENERATED ALWAYS AS (id + 1))',
      /generated column/,
    ],
    ['a sequence', 'CREATE SEQUENCE s; CREATE TABLE t (id INTEGER PRIMARY KEY DEFAULT nextval($$s$$))', /sequence/],
    ['a key of floating point', 'CREATE TABLE t (id DOUBLE PRIMARY KEY)', /primary key has the type DOUBLE/],
    [
      'a foreign key',
      'CREATE TABLE u (id INTEGER PRIMARY KEY); CREATE TABLE t (id INTEGER PRIMARY KEY REFERENCES u (id))',
      /foreign key/,
    ],
    ['a collation', 'CREATE TABLE t (id VARCHAR COLLATE NOCASE PRIMARY KEY)', /collation/],
    ['a type without a codec', 'CREATE TABLE t (id INTEGER PRIMARY KEY, v VARIANT)', /VARIANT/],
  ])('%s is refused with its reason', async (_, statements, reason) => {
    const session = await sessionWith(statements.replaceAll('$$', "'"));
    await expect(new Catalog(session).shape(name)).rejects.toThrow(reason);
  });
});
