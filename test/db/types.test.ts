/** Every DuckDB type that a table may hold survives capture, record and replay exactly. */
import { DuckDBInstance, type DuckDBValue } from '@duckdb/node-api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyRowChanges } from '../../lib/sync/apply.ts';
import { Catalog } from '../../lib/sync/catalog.ts';
import { encodeNullable } from '../../lib/sync/codec.ts';
import { formatDate, formatTimestamp, parseDate, parseTimestamp } from '../../lib/datetime.ts';
import { decodeRecord, encodeRecord, recordFormat } from '../../lib/sync/record.ts';
import { resultRows, Session } from '../../lib/sync/sql.ts';
import { anyDays, anyMicros, duckDbTypes as columns } from '../support/duckdb-values.ts';

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
