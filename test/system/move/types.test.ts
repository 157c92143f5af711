/** Every type between DuckDB and PostgreSQL, there and back, on a real server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { duckDbBackend, move, postgresBackend } from '../../support/ends.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

/** Values of each type of DuckDB, with its ends, and what is hard to write. */
const duckdbValues: Readonly<Record<string, readonly string[]>> = {
  BOOLEAN: ['true', 'false'],
  TINYINT: ['-128', '127'],
  SMALLINT: ['-32768', '32767'],
  INTEGER: ['-2147483648', '2147483647'],
  BIGINT: ['-9223372036854775808', '9223372036854775807'],
  HUGEINT: ['-170141183460469231731687303715884105728', '170141183460469231731687303715884105727'],
  UTINYINT: ['0', '255'],
  USMALLINT: ['0', '65535'],
  UINTEGER: ['0', '4294967295'],
  UBIGINT: ['0', '18446744073709551615'],
  UHUGEINT: ['0', '340282366920938463463374607431768211455'],
  BIGNUM: [`'-123456789012345678901234567890123456789012345678901234567890'`, `'0'`],
  FLOAT: [`'nan'`, `'inf'`, `'-inf'`, `'-0'`, '0.1', '1e-45', '3.4028235e38'],
  DOUBLE: [`'nan'`, `'inf'`, `'-inf'`, `'-0'`, '0.1', '5e-324', '1.7976931348623157e308'],
  'DECIMAL(4,1)': ['-999.9', '0.1'],
  'DECIMAL(38,38)': [`'0.12345678901234567890123456789012345678'`],
  'DECIMAL(38,0)': [`'99999999999999999999999999999999999999'`],
  VARCHAR: [`''`, `'NULL'`, `'a "b" \\\\ {c}, ''d'''`, `'ä€😀' || chr(10) || chr(9)`, `' blanks '`],
  "ENUM ('enrolled', 'it''s', '')": [`'enrolled'`, `'it''s'`, `''`],
  JSON: [`'{"b": [1, 2.50, "x\\u0000"],  "a":null}'`, `'"text"'`, `'null'`],
  UUID: [`'00000000-0000-0000-0000-000000000000'`, `'ffffffff-ffff-ffff-ffff-ffffffffffff'`],
  BLOB: [`''`, `'\\x00\\xFF\\x5C'`],
  BIT: [`'0'`, `'0101101'`],
  DATE: [`'infinity'`, `'-infinity'`, `'0001-01-01'`, `'0044-03-15 (BC)'`, `'2026-02-28'`, `'12345-01-01'`],
  TIME: [`'00:00:00'`, `'23:59:59.999999'`, `'24:00:00'`, `'01:02:03.1'`],
  TIMETZ: [`'01:02:03.5+00'`, `'23:59:59.999999-15:59:59'`, `'00:00:00+05:30'`],
  TIMESTAMP: [
    `'infinity'`,
    `'-infinity'`,
    `'0044-03-15 (BC) 01:02:03.5'`,
    `'2026-11-24 04:05:06.123456'`,
    `'12345-01-01 00:00:00'`,
  ],
  TIMESTAMPTZ: [`'infinity'`, `'0044-03-15 (BC) 01:02:03.5+00'`, `'2026-11-24 04:05:06.123456+00'`],
  TIMESTAMP_S: [`'2026-11-24 04:05:06'`, `'1969-12-31 23:59:59'`],
  TIMESTAMP_MS: [`'2026-11-24 04:05:06.12'`, `'1969-12-31 23:59:59.999'`],
  TIMESTAMP_NS: [`'2026-11-24 04:05:06.123456789'`],
  INTERVAL: [
    `'1 year 2 months -3 days 04:05:06.789'`,
    `'-0.5 seconds'`,
    `'-2000 months'`,
    `'100000:00:00.000001'`,
    `'0 days'`,
  ],
  'INTEGER[]': ['[]', '[1, NULL, -3]'],
  'VARCHAR[]': [`['NULL', NULL, '', 'a,"b"\\\\c{}', 'ä']`],
  'DOUBLE[]': [`['nan', '-0', 1e300]`],
  'TIMESTAMPTZ[]': [`['2026-11-24 04:05:06.1+00', NULL]`],
  'INTEGER[3]': ['[1, 2, NULL]'],
  'INTEGER[][]': ['[[1], [], NULL, [2, 3]]'],
  'STRUCT(a INTEGER, "b c" VARCHAR[])': [`{a: 1, 'b c': ['x', NULL]}`, `{a: NULL, 'b c': NULL}`],
  'MAP(VARCHAR, BIGINT)': [`MAP {'a': 9223372036854775807, '__proto__': NULL}`, 'MAP {}'],
  'UNION(n INTEGER, s VARCHAR)': [`union_value(n := 1)`, `union_value(s := 'x')`],
};

const types = Object.keys(duckdbValues);

function everyDuckDbType(): string {
  const columns = types.map((type, index) => `c${index} ${type}`).join(', ');
  const most = Math.max(...types.map((type) => duckdbValues[type]!.length));
  const rows = Array.from({ length: most + 1 }, (_, row) => {
    const values = types.map((type) => (duckdbValues[type]![row] === undefined ? 'NULL' : duckdbValues[type]![row]));
    return `INSERT INTO every VALUES (${row}, ${values.join(', ')})`;
  });
  return `CREATE TABLE every (id INTEGER PRIMARY KEY, ${columns}); ${rows.join('; ')}`;
}

const shown = `SELECT id, ${types.map((_, index) => `c${index}::VARCHAR`).join(', ')} FROM every ORDER BY id`;
const typesOf = `SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'every' AND database_name = current_database() ORDER BY column_index`;

describe('a move over PostgreSQL', { timeout: 60_000 }, () => {
  it('brings every type of DuckDB there and back, value by value', async () => {
    const [from, between, to] = [
      await duckDbBackend(everyDuckDbType()),
      await postgresBackend(server),
      await duckDbBackend(),
    ];
    const there = await move(from, between);
    const back = await move(between, to);
    expect(back.tables).toEqual(there.tables);
    expect(await to.rows(shown)).toEqual(await from.rows(shown));
    expect(await to.rows(typesOf)).toEqual(await from.rows(typesOf));
  });

  it('brings every type of PostgreSQL to DuckDB and back, value by value', async () => {
    const [from, between, to] = [await postgresBackend(server), await duckDbBackend(), await postgresBackend(server)];
    await from.run(everyPostgresType());
    const there = await move(from, between);
    const back = await move(between, to);
    expect(back.tables).toEqual(there.tables);
    const texts = `SELECT id, to_json(every)::jsonb - 'm' AS texts, m::text AS mood FROM every ORDER BY id`;
    expect(await to.run(texts)).toEqual(await from.run(texts));
    const declared = `SELECT attname, format_type(atttypid, atttypmod) AS type, attnotnull FROM pg_attribute
      WHERE attrelid = 'every'::regclass AND attnum > 0 AND attname <> 'm' ORDER BY attnum`;
    expect(await to.run(declared)).toEqual(await from.run(declared));
    expect(await between.rows(`SELECT typeof(m), typeof(n1), typeof(n2), typeof(j2) FROM every LIMIT 1`)).toEqual([
      ["ENUM('glad', 'sad')", 'DECIMAL(10,2)', 'VARCHAR', 'JSON'],
    ]);
  });

  it('refuses up-front what cannot be kept, and names table, column and type', async () => {
    const from = await postgresBackend(server);
    await from.run(`CREATE TYPE pair AS (a int, b int);
      CREATE TABLE odd (id int PRIMARY KEY, price money, ab pair, grid int[], share numeric(4,2));
      INSERT INTO odd VALUES (1, '1', '(1,2)', '{{1,2},{3,4}}', 'NaN')`);
    const to = await duckDbBackend();
    const { version } = to.engine.status();
    await expect(move(from, to)).rejects.toMatchObject({
      kind: 'invalid',
      fields: [
        { path: 'odd.price', message: 'money has no counterpart on DuckDB' },
        { path: 'odd.ab', message: 'pair has no counterpart on DuckDB' },
      ],
    });
    await from.run('ALTER TABLE odd DROP COLUMN price, DROP COLUMN ab');
    await expect(move(from, to)).rejects.toMatchObject({
      message: expect.stringMatching(
        /odd.grid \(integer\[\]\) holds arrays.*odd.share \(numeric\(4,2\)\) holds NaN/,
      ) as string,
    });
    expect(to.engine.status().version).toBe(version);
  });

  it('refuses up-front what PostgreSQL does not have', async () => {
    const from = await duckDbBackend(`CREATE TABLE odd (id INTEGER PRIMARY KEY, t VARCHAR, d DATE, n TIME_NS);
      INSERT INTO odd VALUES (1, chr(0), '5874899-01-01', NULL)`);
    await expect(move(from, await postgresBackend(server))).rejects.toMatchObject({
      kind: 'invalid',
      fields: [
        { path: 'odd.n', message: 'TIME_NS has no counterpart on PostgreSQL' },
        { path: 'odd.t', message: 'VARCHAR holds a NUL character, which PostgreSQL does not store' },
        { path: 'odd.d', message: 'DATE holds a day beyond those of PostgreSQL (4714 BC to 5874897)' },
      ],
    });
  });
});

const postgresValues: Readonly<Record<string, readonly [type: string, ...values: string[]]>> = {
  b: ['boolean', 'true', 'false'],
  i2: ['smallint', '-32768'],
  i8: ['bigint', '-9223372036854775808'],
  f4: ['real', `'NaN'`, `'-Infinity'`, '0.1', `'-0'`],
  f8: ['double precision', `'NaN'`, '5e-324', '1.7976931348623157e308', `'-0'`],
  n1: ['numeric(10,2)', '-12345678.90', '0'],
  n2: ['numeric', '1e-30', `'NaN'`, '123456789012345678901234567890123456789012345678901234567890.5'],
  t: ['text', `''`, `'NULL'`, `E'a "b" \\\\ \n {c}'`, `'ä€😀'`],
  v: ['character varying(20)', `'twenty at most'`],
  c: ['character(5)', `'ab'`],
  u: ['uuid', `'00000000-0000-0000-0000-000000000001'`],
  by: ['bytea', `'\\x00ff5c'`, `''`],
  d: ['date', `'infinity'`, `'0044-03-15 BC'`, `'5874897-12-31'`],
  ti: ['time without time zone', `'24:00'`, `'01:02:03.4'`],
  tz: ['time with time zone', `'01:02:03.4+05:30'`],
  ts: ['timestamp without time zone', `'-infinity'`, `'4713-01-01 00:00 BC'`, `'2026-11-24 01:02:03.456789'`],
  ts3: ['timestamp(3) without time zone', `'2026-11-24 01:02:03.456'`],
  tt: ['timestamp with time zone', `'infinity'`, `'2026-11-24 01:02:03.4+02'`],
  iv: ['interval', `'1 year -2 mons 3 days -04:05:06.7'`, `'-00:00:00.5'`],
  j: ['json', `'{"b":1,  "a":2}'`, `'null'`],
  j2: ['jsonb', `'{"b":1,  "a":2.50}'`],
  vb: ['bit varying', `B'0101'`],
  b4: ['bit(4)', `B'0101'`],
  ia: ['integer[]', `'{}'`, `'{1,NULL,3}'`],
  ta: ['text[]', `ARRAY['NULL', NULL, '', 'a,"b"\\{}']`],
  ba: ['boolean[]', `'{t,f,NULL}'`],
  net: ['inet', `'10.1.2.3/24'`],
  r: ['int4range', `'[1,5)'`, `'empty'`],
  p: ['point', `'(0.1,-2)'`],
  tv: ['tsvector', `'a fat cat'`],
  x: ['xml', `'<a>b</a>'`],
  m: ['mood', `'sad'`],
};

function everyPostgresType(): string {
  const names = Object.keys(postgresValues);
  const columns = names.map((name) => `${name} ${postgresValues[name]![0]}`).join(', ');
  const most = Math.max(...names.map((name) => postgresValues[name]!.length));
  const rows = Array.from({ length: most }, (_, row) => {
    const values = names.map((name) => postgresValues[name]![row + 1] ?? 'NULL').join(', ');
    return `INSERT INTO every VALUES (${row}, ${values})`;
  });
  return `CREATE TYPE mood AS ENUM ('glad', 'sad'); CREATE TABLE every (id int PRIMARY KEY, ${columns}); ${rows.join('; ')}`;
}
