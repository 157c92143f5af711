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
import { Shapes } from '../../lib/sync/shapes.ts';
import { encodeNullable } from '../../lib/sync/codec.ts';
import { formatDate, formatTimestamp, parseDate, parseTimestamp } from '../../lib/sync/datetime.ts';
import { decodeRecord, encodeRecord, recordFormat } from '../../lib/sync/record.ts';
import { resultRows, Session } from '../../lib/sync/sql.ts';
import { removeWholeRows, rowDifference } from '../../lib/sync/whole-rows.ts';

const name = { schema: 'main', table: 't' };

async function sessionWith(ddl: string): Promise<Session> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const session = new Session(await instance.connect());
  await session.execute(ddl);
  return session;
}

/** What DuckDB itself says of every value, in a form that tells -0 from 0, and bytes from bytes. */
async function describeRows(session: Session, columns: readonly string[], from = 't'): Promise<DuckDBValue[][]> {
  const shown = columns.map(
    (column) => `${column}::VARCHAR, md5(coalesce(${column}::VARCHAR, 'null')), typeof(${column})`,
  );
  return session.rows(`SELECT id, ${shown.join(', ')} FROM ${from} ORDER BY id`);
}

/** Takes the rows of `from` through a record onto `to`. */
async function replay(from: Session, to: Session): Promise<void> {
  const shapes = new Shapes(from);
  const { columns } = await shapes.shape(name);
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
  await applyRowChanges(to, new Shapes(to), read.changes as never);
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
const text = fc.oneof(
  fc.string({ unit: 'binary' }).filter((value) => value.isWellFormed()),
  fc.constantFrom('\ufeff', '\ufeffmark'),
);
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
    const types = (await new Shapes(from).shape(name)).columns.map(({ type }) => type);
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

describe('what names a row', () => {
  it.each([
    ['its key', 'CREATE TABLE t (a INTEGER, b VARCHAR, PRIMARY KEY (b, a))', ['b', 'a']],
    [
      'its key beside a computed column',
      'CREATE TABLE t (a INTEGER PRIMARY KEY, c INTEGER AS (a + 1), b INTEGER)',
      ['a'],
    ],
    ['all values, without a key', 'CREATE TABLE t (a INTEGER)', []],
    ['all values, with a key of floating point', 'CREATE TABLE t (a DOUBLE PRIMARY KEY)', []],
    ['all values, with a collated key', 'CREATE TABLE t (a VARCHAR COLLATE NOCASE PRIMARY KEY)', []],
  ])('%s', async (_, statement, key) => {
    const shape = await new Shapes(await sessionWith(statement)).shape({ schema: 'MAIN', table: 'T' });
    expect(shape).toMatchObject({ schema: 'main', table: 't' });
    expect(shape.key.map((column) => column.name)).toEqual(key);
    expect(shape.columns.map((column) => column.name)).not.toContain('c');
  });

  it('is every value of every type, as it is', async () => {
    const session = await sessionWith(`${ddl}; CREATE TABLE u AS FROM t LIMIT 0; CREATE TABLE k AS FROM u`);
    const shape = await new Shapes(session).shape({ schema: 'main', table: 'u' });
    const types = (await session.run('SELECT * FROM u')).columnTypes();
    const insert = `INSERT INTO u VALUES (0, ${columnNames.map((_, index) => `$${index + 1}`).join(', ')})`;
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyRow, { minLength: 1, maxLength: 6 }),
        fc.infiniteStream(fc.nat()),
        async (rows, chance) => {
          await session.execute('DELETE FROM u; DELETE FROM k');
          for (let count = 0; count < 12; count++) {
            const row = rows[chance.next().value! % rows.length]!;
            await session.run(
              insert,
              columnNames.map((column) => row[column] ?? null),
              types.slice(1),
            );
          }
          await session.execute('INSERT INTO k SELECT * FROM u WHERE rowid % 3 = 0');
          const wanted = await describeRows(session, columnNames, 'u WHERE rowid % 3 <> 0');
          await removeWholeRows(session, shape, 'k');
          expect(sorted(await describeRows(session, columnNames, 'u'))).toEqual(sorted(wanted));
          const difference = await session.rows(`SELECT sum(d.eider_more) FROM (${rowDifference(shape, 'k')}) AS d`);
          expect(Number(difference[0]?.[0])).toBe(4);
        },
      ),
      { numRuns: 12, endOnFailure: true },
    );
  });
});

const sorted = (rows: DuckDBValue[][]): string[] => rows.map((row) => row.join('|')).toSorted();

describe('what cannot be captured', () => {
  it.each([
    [
      'a foreign key',
      'CREATE TABLE u (id INTEGER PRIMARY KEY); CREATE TABLE t (id INTEGER PRIMARY KEY REFERENCES u (id))',
      /foreign key/,
    ],
    ['a type without a codec', 'CREATE TABLE t (id INTEGER PRIMARY KEY, v VARIANT)', /VARIANT/],
    ['a column named rowid in a table without a key', 'CREATE TABLE t (rowid INTEGER)', /rowid/],
  ])('%s is refused with its reason', async (_, statements, reason) => {
    const session = await sessionWith(statements);
    await expect(new Shapes(session).shape(name)).rejects.toThrow(reason);
  });
});
