/** Every DuckDB type that a table may hold survives capture, record and replay exactly. */
import { DuckDBInstance, type DuckDBValue } from '@duckdb/node-api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyRowChanges } from '../../../lib/sync/apply.ts';
import { Shapes } from '../../../lib/sync/shapes.ts';
import { encodeNullable } from '../../../lib/sync/codec.ts';
import { formatDate, formatTimestamp, parseDate, parseTimestamp } from '../../../lib/datetime.ts';
import { decodeRecord, encodeRecord, recordFormat } from '../../../lib/sync/record.ts';
import { resultRows, Session } from '../../../lib/sync/sql.ts';
import { removeWholeRows, rowDifference } from '../../../lib/sync/whole-rows.ts';
import { anyDays, anyMicros, duckDbTypes } from '../../support/duckdb-values.ts';

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
    (column) => `${column}::VARCHAR, md5(coalesce(${column}::VARCHAR, 'null')), typeof(${column}), ${column} IS NULL`,
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

const columnNames = Object.keys(duckDbTypes);
const ddl = `CREATE TABLE t (id INTEGER PRIMARY KEY, ${columnNames.map((column) => `${column} ${duckDbTypes[column]!.type}`).join(', ')})`;
const anyRow = fc.record(
  Object.fromEntries(columnNames.map((column) => [column, fc.option(duckDbTypes[column]!.value)])),
);

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
      fc.property(anyMicros, (value) => {
        expect(parseTimestamp(formatTimestamp(value, 1_000_000n, 'Z'), 1_000_000n)).toBe(value);
      }),
    );
    fc.assert(
      fc.property(anyDays, (value) => {
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

/** What DuckDB does to a column of zeros when it stores it. */
describe('a zero whose sign a checkpoint changed', () => {
  const removal = async (types: string, there: string, gone: string): Promise<DuckDBValue[][]> => {
    const session = await sessionWith(
      `CREATE TABLE t (${types}); INSERT INTO t VALUES ${there}; CREATE TABLE k AS FROM t LIMIT 0; INSERT INTO k VALUES ${gone}`,
    );
    await removeWholeRows(session, await new Shapes(session).shape(name), 'k');
    return session.rows('SELECT t::VARCHAR FROM t ORDER BY rowid');
  };

  it.each([
    [
      'is taken where its twin is not there',
      'a DOUBLE, b INTEGER',
      '(0, 1), (0, 2)',
      `('-0', 2)`,
      ["{'a': 0.0, 'b': 1}"],
    ],
    ['is left where its twin is there', 'a DOUBLE', `(0), ('-0'), (0)`, `('-0')`, ["{'a': 0.0}", "{'a': 0.0}"]],
    ['counts once', 'a FLOAT', `(0), (0), (0), ('-0')`, `('-0'), ('-0')`, ["{'a': 0.0}", "{'a': 0.0}"]],
    ['is left to its twin by others', 'a DOUBLE', `(0), ('-0')`, `(0), ('-0')`, []],
    ['or of what is no number', 'a DOUBLE', `(-('NaN'::DOUBLE)), (1)`, `('NaN')`, ["{'a': 1.0}"]],
    ['may be in a list', 'a DOUBLE[]', `([0, 1])`, `(['-0', 1])`, []],
    ['is not another number', 'a DOUBLE', `('-0.05'), (0.05)`, `('-0.05')`, ["{'a': 0.05}"]],
    [
      'is near, a month and 30 days are not',
      'a DOUBLE, i INTERVAL',
      `(0, INTERVAL 1 MONTH), (0, INTERVAL 30 DAYS)`,
      `('-0', INTERVAL 30 DAYS)`,
      ["{'a': 0.0, 'i': 1 month}"],
    ],
  ])('%s', async (_, types, there, gone, left) => {
    expect((await removal(types, there, gone)).flat()).toEqual(left);
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
