/** What somebody's SQL might try to get at, or to change, or to break on DuckDB: all refused, with a problem that says so. */
import { DuckDBInstance } from '@duckdb/node-api';
import { existsSync, readFileSync } from 'node:fs';
import { beforeEach, expect, it } from 'vitest';
import { scalarFunctions, tableFunctions } from '../../../../lib/db/duckdb/query/functions.ts';
import { startReplicated } from '../../../support/replicated.ts';
import type { Service } from '../../../support/service.ts';

const tokens = { ADMIN_TOKEN: 'admin-token-of-some-length', API_TOKEN: 'api-token-of-some-length' };
const roles = {
  reader: {},
  writer: { authorization: `Bearer ${tokens.API_TOKEN}` },
  administrator: { authorization: `Bearer ${tokens.ADMIN_TOKEN}` },
} as const;

let service: Service;
beforeEach(async () => {
  service = await startReplicated({ environment: { ...tokens, PUBLIC_READ: 'true' } });
  const json = { code: 'CS1', title: 'A', credits: 3 };
  await service.send('POST', '/api/courses', { json, headers: roles.writer });
});

const ask = (query: string, role: keyof typeof roles = 'reader'): Promise<Response> =>
  service.send('POST', '/api/sql', { json: { query, arrayMode: true }, headers: roles[role] });

/** Those of the texts that are answered otherwise than by a problem with these words. */
async function notRefused(
  texts: readonly string[],
  detail: RegExp,
  role: keyof typeof roles = 'reader',
): Promise<string[]> {
  const wrong: string[] = [];
  for (const sql of texts) {
    const response = await ask(sql, role);
    const problem = (await response.json()) as { readonly detail: string; readonly type: string };
    const isRefused = [400, 403].includes(response.status) && detail.test(problem.detail);
    if (!isRefused) wrong.push(`${sql}: ${JSON.stringify(problem)}`);
  }
  return wrong;
}

/** What is there, by way of the sandbox. */
async function courses(): Promise<unknown> {
  const response = await ask('SELECT code, title, credits FROM courses');
  return ((await response.json()) as { rows?: unknown }).rows;
}

const untouched = [['CS1', 'A', 3]];

async function functionsOf(types: string): Promise<string[]> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const reader = await connection.runAndReadAll(
    `SELECT DISTINCT function_name FROM duckdb_functions()
     WHERE function_type IN (${types}) AND regexp_full_match(function_name, '[a-z_0-9]+') ORDER BY 1`,
  );
  return reader.getRows().map(([name]) => String(name));
}

it('refuses every function that is not on the list, as DuckDB has them', async () => {
  const scalars = await functionsOf(`'scalar', 'aggregate', 'macro'`);
  const refused = scalars.filter((name) => !scalarFunctions.has(name) && !name.startsWith('icu_collate_a'));
  expect(refused.length).toBeGreaterThan(100);
  // `user` and its like are words of the grammar, not calls, when they stand alone; with an argument they are calls.
  expect(
    await notRefused(
      refused.map((name) => `SELECT "${name}"('/etc/passwd')`),
      /may not use the function/,
    ),
  ).toEqual([]);
  const tables = await functionsOf(`'table', 'table_macro'`);
  const refusedInFrom = tables.filter((name) => !tableFunctions.has(name));
  expect(refusedInFrom.length).toBeGreaterThan(70);
  expect(
    await notRefused(
      refusedInFrom.flatMap((name) => [`SELECT * FROM ${name}()`, `FROM ${name}('/etc/passwd')`]),
      /may not use the function/,
    ),
  ).toEqual([]);
  const pragmas = await functionsOf(`'pragma'`);
  expect(pragmas.length).toBeGreaterThan(30);
  expect(
    await notRefused(
      pragmas.flatMap((name) => [`PRAGMA ${name}`, `CALL ${name}()`]),
      /SELECT alone|does not understand/,
    ),
  ).toEqual([]);
  expect(await courses()).toEqual(untouched);
});

it('refuses statements that are no SELECT, and more than one', async () => {
  const file = '/tmp/eider-escape';
  expect(
    await notRefused(
      [
        ...['ATTACH', 'ATTACH IF NOT EXISTS', 'ATTACH OR REPLACE'].map((word) => `${word} ':memory:' AS m`),
        `ATTACH '${file}.db'`,
        'DETACH replica',
        'USE eider',
        `COPY courses TO '${file}.csv'`,
        `COPY (SELECT 1) TO '${file}.csv'`,
        `COPY courses FROM '/etc/passwd'`,
        'COPY FROM DATABASE replica TO memory',
        `EXPORT DATABASE '${file}'`,
        `IMPORT DATABASE '${file}'`,
        'INSTALL httpfs',
        'LOAD json',
        'FORCE INSTALL httpfs',
        'UPDATE EXTENSIONS',
        `SET memory_limit = '10GB'`,
        'SET GLOBAL threads = 8',
        'SET VARIABLE x = 1',
        'SET lock_configuration = false',
        'RESET ALL',
        `PRAGMA memory_limit = '10GB'`,
        'PRAGMA database_list',
        'PREPARE p AS SELECT 1',
        'EXECUTE p',
        'DEALLOCATE p',
        'BEGIN',
        'COMMIT',
        'ROLLBACK',
        'CHECKPOINT',
        'FORCE CHECKPOINT',
        'VACUUM',
        'ANALYZE',
        'EXPLAIN SELECT * FROM eider.state',
        `EXPLAIN ANALYZE SELECT * FROM read_text('/etc/passwd')`,
        `EXPLAIN (FORMAT json) SELECT getenv('HOME')`,
        'EXPLAIN (ANALYZE) (FROM duckdb_settings())',
        'EXPLAIN ANALYZE DELETE FROM courses',
        'EXPLAIN ANALYZE; DELETE FROM courses',
        'EXPLAIN',
        'CREATE TABLE t (a INTEGER)',
        'CREATE TEMP TABLE t AS SELECT 1',
        'CREATE VIEW v AS SELECT * FROM eider.state',
        'CREATE MACRO m() AS TABLE SELECT * FROM eider.state',
        `CREATE SECRET s (TYPE s3)`,
        'CREATE SEQUENCE s',
        'CREATE SCHEMA s',
        'CREATE TYPE t AS INTEGER',
        'ALTER TABLE courses ADD COLUMN x INTEGER',
        'DROP TABLE courses',
        'DROP SCHEMA eider CASCADE',
        'TRUNCATE courses',
        `INSERT INTO courses (code) VALUES ('x')`,
        'UPDATE courses SET credits = 1',
        'UPDATE eider.state SET version = 0',
        'DELETE FROM courses',
        'DELETE FROM eider.migrations',
        'MERGE INTO courses USING courses c ON false WHEN NOT MATCHED THEN INSERT DEFAULT VALUES',
        'WITH gone AS (DELETE FROM courses RETURNING *) SELECT * FROM gone',
        'CALL pragma_version()',
        'COMMENT ON TABLE courses IS NULL',
        'PIVOT courses ON code USING sum(credits)',
        'SELECT 1; SELECT 2',
        'SELECT 1; DROP TABLE courses',
        'SELECT 1;;SELECT 2',
        'SELECT 1 /* ; */; /* x */ DELETE FROM courses --',
        ';',
        '-- SELECT 1',
        '/* SELECT 1 */',
        `SELECT 1 INTO OUTFILE '${file}'`,
        'SELECT * INTO t FROM courses',
      ],
      /SELECT alone|one SELECT|one statement|does not understand|may not use|no table|is empty|cannot be (?:read|parsed)|statement is expected/,
    ),
  ).toEqual([]);
  expect(existsSync(`${file}.csv`) || existsSync(`${file}.db`) || existsSync(file)).toBe(false);
  expect(await courses()).toEqual(untouched);
});

it('reads no table but those of the user, by whatever name', async () => {
  expect(
    await notRefused(
      [
        'eider.state',
        'eider.migrations',
        'replica.eider.state',
        '"eider"."state"',
        'EIDER.State',
        'state',
        'information_schema.tables',
        'information_schema.columns',
        'information_schema.schemata',
        'pg_catalog.pg_tables',
        'pg_tables',
        'pg_class',
        'pg_settings',
        'sqlite_master',
        'sqlite_schema',
        'duckdb_tables',
        'duckdb_columns',
        'duckdb_views',
        'duckdb_logs',
        'pragma_database_list',
        'system.main.duckdb_tables',
        'system.information_schema.tables',
        'temp.main.courses',
        'nothing.courses',
        'replica.information_schema.tables',
        'main.duckdb_tables',
        'system.pg_catalog.pg_class',
      ].flatMap((name) => [
        `SELECT * FROM ${name}`,
        `TABLE ${name}`,
        `SELECT (SELECT count(*) FROM ${name})`,
        `DESCRIBE ${name}`,
      ]),
      /There is no table/,
    ),
  ).toEqual([]);
  expect(
    await notRefused(
      [
        "'/etc/passwd'",
        "'data.csv'",
        "'*.parquet'",
        "'https://example.com/x.csv'",
        "'s3://b/x.parquet'",
        '"/etc/passwd"',
        "'/proc/self/environ'",
      ].flatMap((file) => [`SELECT * FROM ${file}`, `FROM ${file}`, `SELECT * FROM courses, ${file}`]),
      /There is no table/,
    ),
  ).toEqual([]);
  expect(
    await notRefused(
      ['SHOW TABLES', 'SHOW ALL TABLES', 'SHOW DATABASES', 'SHOW courses_', 'SHOW SCHEMAS'],
      /SELECT alone/,
    ),
  ).toEqual([]);
  expect(
    await notRefused(
      [
        'WITH duckdb_tables AS (SELECT 1) SELECT * FROM duckdb_tables',
        'WITH a AS (SELECT * FROM duckdb_views), duckdb_views AS (SELECT 1) SELECT * FROM a',
        'SELECT * FROM (WITH pg_class AS (SELECT 1) SELECT 1), pg_class',
        `WITH "/etc/passwd" AS (SELECT 1) SELECT * FROM "/etc/passwd"`,
      ],
      /a WITH by the name/,
    ),
  ).toEqual([]);
  // A WITH of a name that means nothing elsewhere is fine, and hides only itself.
  expect(await notRefused(['SELECT * FROM (WITH nothing AS (SELECT 1) SELECT 1), nothing'], /nothing/)).toEqual([]);
  expect(await courses()).toEqual(untouched);
});

/** Every place of a query in which an expression can stand. */
const places: readonly string[] = [
  'SELECT #',
  'SELECT 1 + length(#::VARCHAR)',
  'SELECT CASE WHEN true THEN # END',
  'SELECT [#]',
  `SELECT {'a': #}`,
  'SELECT list_transform([1], x -> #)',
  'SELECT [# FOR x IN [1]]',
  'SELECT count(*) FILTER (WHERE # IS NULL) FROM courses',
  'SELECT sum(credits) OVER (PARTITION BY #) FROM courses',
  'SELECT sum(credits) OVER (ORDER BY #) FROM courses',
  'SELECT sum(credits) OVER w FROM courses WINDOW w AS (ORDER BY #)',
  `SELECT string_agg(code, ',' ORDER BY #) FROM courses`,
  'SELECT * REPLACE (# AS code) FROM courses',
  'SELECT * FROM courses WHERE # IS NULL',
  'SELECT count(*) FROM courses GROUP BY #',
  'SELECT count(*) FROM courses GROUP BY GROUPING SETS ((#))',
  'SELECT code FROM courses GROUP BY ALL HAVING # IS NULL',
  'SELECT code FROM courses QUALIFY row_number() OVER (ORDER BY #) = 1',
  'SELECT code FROM courses ORDER BY #',
  'SELECT DISTINCT ON (#) code FROM courses',
  'SELECT code FROM courses LIMIT (SELECT length(#::VARCHAR))',
  'SELECT code FROM courses LIMIT 1 OFFSET (SELECT length(#::VARCHAR))',
  'SELECT * FROM courses a JOIN courses b ON # IS NULL',
  'SELECT * FROM courses a ASOF JOIN courses b ON a.credits >= b.credits + length(#::VARCHAR)',
  'SELECT * FROM courses, LATERAL (SELECT #)',
  'SELECT * FROM (SELECT #)',
  'SELECT * FROM (VALUES (#))',
  'SELECT * FROM range(length(#::VARCHAR))',
  'SELECT * FROM unnest([#])',
  'SELECT 1 UNION SELECT #',
  'SELECT 1 EXCEPT (SELECT # INTERSECT SELECT 2)',
  'WITH a AS (SELECT #) SELECT * FROM a',
  'WITH a AS MATERIALIZED (SELECT #) SELECT 1',
  'WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + length(#::VARCHAR) FROM r WHERE n < 3) SELECT * FROM r',
  'SELECT EXISTS (SELECT #)',
  'SELECT 1 IN (SELECT #)',
  'SELECT # BETWEEN 1 AND 2',
  'SELECT CAST(# AS VARCHAR)',
  'SELECT TRY(#)',
  'SELECT COALESCE(NULL, #)',
  `SELECT ({'a': #}).a`,
  'SELECT ([1])[#]',
  `SELECT 'x' COLLATE NOCASE = (#)::VARCHAR`,
  `SELECT * FROM courses PIVOT (sum(length(#::VARCHAR)) FOR code IN ('CS1'))`,
  'SELECT * FROM (UNPIVOT (SELECT # AS a, # AS b) ON a, b)',
  'DESCRIBE SELECT #',
  'SUMMARIZE SELECT #',
];

it('finds what is forbidden in every place of a query', async () => {
  const forbidden = [
    `getvariable('x')`,
    `current_setting('memory_limit')`,
    `(SELECT version FROM eider.state)`,
    `(SELECT content FROM read_text('/etc/passwd'))`,
    `(SELECT * FROM query('SELECT 1'))`,
    `(FROM query_table('courses'))`,
  ];
  // Each place is real: what is allowed runs there.
  for (const place of places) {
    const response = await ask(place.replaceAll('#', `length('a')`));
    expect(response.status, `${place} ${await response.text()}`).toBe(200);
  }
  expect(
    await notRefused(
      places.flatMap((place) => forbidden.map((text) => place.replaceAll('#', text))),
      /may not use the function|There is no table|one SELECT|does not understand/,
    ),
  ).toEqual([]);
  expect(await courses()).toEqual(untouched);
});

it('is not fooled by spelling', async () => {
  expect(
    await notRefused(
      [
        `SELECT "read_text"('/etc/passwd')`,
        `SELECT READ_TEXT('/etc/passwd')`,
        `SELECT main.getvariable('x')`,
        `SELECT system.main.current_setting('threads')`,
        `SELECT '/etc/passwd'.read_text()`,
        `SELECT 'threads'.current_setting()`,
        `SELECT/**/getvariable/**/('x')`,
        `SELECT --\n getvariable('x')`,
        `SELECT $$x$$.getvariable()`,
        `SELECT U&"getvari\\0061ble"('x')`,
        'SELECT ｇｅｔｖａｒｉａｂｌｅ(1)',
        `SELECT\u00a0getvariable('x')`,
        `SELECT\u2003getvariable('x')`,
        `SELECT \u200bgetvariable('x')`,
        `SELECT getvariable\u00a0('x')`,
        `\ufeffSELECT getvariable('x')`,
        `SELECT "getvariable\u0301"('x')`,
        `SELECT * FROM "eider" . "state"`,
        `SELECT * FROM eider/**/./**/state`,
        `SELECT * FROM "EIDER"."STATE"`,
        'SELECT * FROM ｅｉｄｅｒ.state',
        `SELECT \u2018a\u2019 FROM eider.state`,
        `SELECT '\\'; SELECT getvariable('x') --'`,
        `SELECT E'\\'' || getvariable('x')`,
        `SELECT 1 /* /* */ */ , getvariable('x')`,
        `SELECT @@threads`,
        `SELECT $1::read_text`,
        `SELECT a FROM courses AS a(getvariable) , read_text('/etc/passwd')`,
        `SELECT nextval('s')`,
        `SELECT x.state FROM eider.state x`,
      ],
      /./,
    ),
  ).toEqual([]);
  expect(await courses()).toEqual(untouched);
});

it('reads no file through what it may use', async () => {
  expect(
    await notRefused(
      [
        `SELECT list_aggregate(['/etc/passwd'], 'read_text')`,
        `SELECT list_aggregate([1], 'nextval')`,
        `SELECT from_json('{}', read_text('/etc/passwd'))`,
        `SELECT 'courses'::REGCLASS`,
        `SELECT CAST('x' AS secret)`,
        `SELECT json_execute_serialized_sql(json_serialize_sql('SELECT 1'))`,
      ],
      /./,
    ),
  ).toEqual([]);
  expect(await courses()).toEqual(untouched);
});

/** Every place of a statement that writes in which an expression or a query can stand. */
const writingPlaces: readonly string[] = [
  `INSERT INTO courses (code, title, credits) VALUES ('x', (#)::VARCHAR, 1)`,
  `INSERT INTO courses (code, title, credits) SELECT 'x', (#)::VARCHAR, 1`,
  `INSERT INTO courses (code, title, credits) (SELECT 'x', 'y', 1 WHERE # IS NULL)`,
  `INSERT INTO courses BY NAME SELECT 'x' AS code, (#)::VARCHAR AS title, 1 AS credits`,
  `INSERT INTO courses (code, title, credits) FROM (SELECT 'x', (#)::VARCHAR, 1)`,
  `WITH a AS (SELECT (#)::VARCHAR AS title) INSERT INTO courses (code, title, credits) SELECT 'x', title, 1 FROM a`,
  `INSERT INTO courses (code, title, credits) VALUES ('CS1', 'B', 1) ON CONFLICT (code) DO UPDATE SET title = (#)::VARCHAR`,
  `INSERT INTO courses (code, title, credits) VALUES ('CS1', 'B', 1) ON CONFLICT (code) DO UPDATE SET title = 'C' WHERE # IS NULL`,
  `INSERT INTO courses (code, title, credits) VALUES ('x', 'y', 1) RETURNING #`,
  `UPDATE courses SET title = (#)::VARCHAR`,
  `UPDATE courses AS c SET title = 'x', credits = length((#)::VARCHAR)`,
  `UPDATE courses SET title = 'x' WHERE # IS NULL`,
  `UPDATE courses SET title = 'x' WHERE # IS DISTINCT FROM #`,
  `UPDATE courses SET title = 'x' FROM (SELECT # AS y) AS o`,
  `UPDATE courses SET title = CASE WHEN # IS NULL THEN 'x' ELSE (#)::VARCHAR END`,
  `UPDATE courses SET title = 'x' RETURNING #`,
  `DELETE FROM courses WHERE # IS NULL`,
  `DELETE FROM courses USING (SELECT # AS y) AS o WHERE false`,
  `DELETE FROM courses RETURNING #`,
  `WITH a AS (SELECT # AS y) DELETE FROM courses WHERE code IN (SELECT y::VARCHAR FROM a)`,
  `MERGE INTO courses USING (SELECT 'CS1' AS k, # AS y) AS s ON code = s.k WHEN MATCHED THEN DELETE`,
  `MERGE INTO courses USING (SELECT 'CS1' AS k) AS s ON code = s.k AND # IS NOT NULL WHEN MATCHED THEN DELETE`,
  `MERGE INTO courses USING (SELECT 'CS1' AS k) AS s ON code = s.k WHEN MATCHED AND # IS NULL THEN DELETE`,
  `MERGE INTO courses USING (SELECT 'CS1' AS k) AS s ON code = s.k WHEN MATCHED THEN UPDATE SET title = (#)::VARCHAR`,
  `MERGE INTO courses USING (SELECT 'z' AS k) AS s ON code = s.k WHEN NOT MATCHED THEN INSERT (code, title, credits) VALUES ('z', (#)::VARCHAR, 1)`,
  `MERGE INTO courses USING (SELECT 'CS1' AS k) AS s ON code = s.k WHEN MATCHED THEN DELETE RETURNING #`,
];

/** The same for definitions. */
const definingPlaces: readonly string[] = [
  'CREATE TABLE made AS SELECT # AS a',
  'CREATE OR REPLACE TABLE made AS (FROM (SELECT # AS a))',
  'CREATE TABLE made (a VARCHAR DEFAULT ((#)::VARCHAR))',
  'CREATE VIEW made AS SELECT # AS a',
  'CREATE VIEW made (a) AS WITH w AS (SELECT #) FROM w',
  'CREATE MACRO made(x) AS (#)::VARCHAR',
  'CREATE MACRO made(x) AS TABLE SELECT # AS a',
];

const forbidden = [
  `getenv('HOME')`,
  `getvariable('x')`,
  `current_setting('memory_limit')`,
  `(SELECT version FROM eider.state)`,
  `(SELECT content FROM read_text('/etc/passwd'))`,
  `(SELECT content FROM "read_text"('/etc/passwd'))`,
  `(SELECT count(*) FROM '/etc/passwd')`,
  `(SELECT count(*) FROM "/etc/passwd.csv")`,
  `(SELECT count(*) FROM duckdb_settings())`,
  `(SELECT count(*) FROM duckdb_tables)`,
  `(SELECT count(*) FROM information_schema.tables)`,
  `(SELECT * FROM query('SELECT 1'))`,
  `(FROM query_table('courses'))`,
  `'/etc/passwd'.read_text()`,
];

it('finds what is forbidden in every place of a statement that writes', async () => {
  for (const place of writingPlaces) {
    const response = await ask(place.replaceAll('#', `length('a')`), 'writer');
    expect(response.status, `${place} ${await response.text()}`).toBe(200);
    await ask('DELETE FROM courses', 'writer');
    await ask(`INSERT INTO courses (code, title, credits) VALUES ('CS1', 'A', 3)`, 'writer');
  }
  const refused = /may not use|There is no table|cannot|is not allowed|does not understand/;
  for (const role of ['writer', 'administrator'] as const) {
    const texts = writingPlaces.flatMap((place) => forbidden.map((text) => place.replaceAll('#', text)));
    expect(await notRefused(texts, refused, role)).toEqual([]);
  }
  expect(await courses()).toEqual(untouched);
});

it('is not fooled by blanks beyond ASCII, which DuckDB reads before its parser', async () => {
  const blank = '\u00a0';
  const file = `(SELECT content FROM read_text('/etc/hostname'))`;
  const hidden = [
    `INSERT INTO courses (code, title, credits) /* ' */ SELECT 'x', 'y' AS${blank}$$ , ${file} AS b$$ RETURNING *`,
    `INSERT INTO courses (code, title, credits) SELECT 'x', E'\\'', 'y' AS${blank}$$ , ${file} AS b$$, '${blank}'`,
    `UPDATE courses SET title = $a$'$a$ || 'y' /* ' */ || '${blank}' || $$ || ${file} || $$`,
  ];
  expect(await notRefused(hidden, /./, 'writer')).toEqual([]);
  for (const name of ['VIEW v', 'TABLE c', 'MACRO m() AS TABLE']) {
    const body = `/* ' */ SELECT 1 AS${blank}$$ , ${file} AS b$$`;
    await ask(`CREATE ${name.startsWith('MACRO') ? name : `${name} AS`} ${body}`, 'administrator');
  }
  const hostname = readFileSync('/etc/hostname', 'utf8').trim();
  for (const from of ['v', 'c', 'm()'])
    expect(await (await ask(`SELECT * FROM ${from}`, 'administrator')).text()).not.toContain(`"${hostname}`);
  expect(await courses()).toEqual(untouched);
  const kept = await ask(
    `INSERT INTO courses (code, title, credits) VALUES /* it's */ ('x', 'a${blank}b', 1) RETURNING ascii(title[2])`,
    'writer',
  );
  expect(await kept.json()).toMatchObject({ rows: [[160]] });
});

it('finds it in every place of a definition', async () => {
  for (const place of definingPlaces) {
    const response = await ask(place.replaceAll('#', `length('a')`), 'administrator');
    expect(response.status, `${place} ${await response.text()}`).toBe(200);
    const kind = /TABLE|VIEW|MACRO/.exec(place)?.[0] ?? '';
    const table = place.includes('AS TABLE') ? 'MACRO TABLE' : kind;
    expect((await ask(`DROP ${table} made`, 'administrator')).status, table).toBe(200);
  }
  const texts = definingPlaces.flatMap((place) => forbidden.map((text) => place.replaceAll('#', text)));
  expect(
    await notRefused(texts, /may not use|There is no table|is not allowed|does not understand/, 'administrator'),
  ).toEqual([]);
  expect(
    await notRefused(
      [
        `CREATE TABLE made (a VARCHAR CHECK (getenv('HOME') = a))`,
        `CREATE TABLE made (a VARCHAR, b VARCHAR AS (getenv('HOME')))`,
        `ALTER TABLE courses ADD COLUMN x VARCHAR DEFAULT getenv('HOME')`,
        `ALTER TABLE courses ALTER COLUMN title SET DEFAULT getenv('HOME')`,
        `ALTER TABLE courses ALTER COLUMN title TYPE VARCHAR USING getenv('HOME')`,
        `CREATE INDEX i ON courses (getenv(title))`,
        `CREATE TYPE made AS ENUM (SELECT content FROM read_text('/etc/passwd'))`,
        `CREATE MACRO made(a := getenv('HOME')) AS a`,
        `CREATE MACRO made(a) AS a, (a, b) AS getenv(b)`,
      ],
      /may not use the function|does not understand/,
      'administrator',
    ),
  ).toEqual([]);
});

it('keeps everybody from files, settings, other databases and what is of Eider', async () => {
  const file = '/tmp/eider-escape';
  const texts = [
    `ATTACH '${file}.db'`,
    'DETACH replica',
    'USE eider',
    `COPY courses TO '${file}.csv'`,
    `COPY (SELECT 1) TO '${file}.csv'`,
    `COPY courses FROM '/etc/passwd'`,
    `EXPORT DATABASE '${file}'`,
    `IMPORT DATABASE '${file}'`,
    'INSTALL httpfs',
    'LOAD json',
    `SET memory_limit = '10GB'`,
    'RESET ALL',
    'PRAGMA database_list',
    'CALL pragma_version()',
    'SHOW TABLES',
    'SHOW ALL TABLES',
    'EXPLAIN SELECT * FROM eider.state',
    'EXPLAIN ANALYZE DELETE FROM courses',
    'EXPLAIN ANALYZE INSERT INTO courses SELECT * FROM courses',
    'PREPARE p AS SELECT 1',
    'BEGIN',
    'COMMIT',
    'SAVEPOINT s',
    'CHECKPOINT',
    'VACUUM',
    'INSERT INTO eider.state VALUES (1)',
    'INSERT INTO "EIDER"."state" DEFAULT VALUES',
    'UPDATE eider.state SET version = 0',
    'DELETE FROM eider.migrations',
    'TRUNCATE eider.state',
    'MERGE INTO eider.state USING courses ON false WHEN MATCHED THEN DELETE',
    'DROP TABLE eider.state',
    'DROP SCHEMA eider CASCADE',
    'CREATE TABLE eider.mine (a INTEGER)',
    'CREATE VIEW eider.mine AS SELECT 1',
    'ALTER TABLE eider.state ADD COLUMN a INTEGER',
    'COMMENT ON TABLE eider.state IS NULL',
    'CREATE TEMP TABLE t (a INTEGER)',
    'CREATE TABLE temp.t (a INTEGER)',
    'CREATE TABLE memory.main.t (a INTEGER)',
    'CREATE SECRET s (TYPE s3)',
    'INSERT INTO courses SELECT * FROM courses; DROP TABLE courses',
    'INSERT INTO courses (SELECT * FROM courses) UNION SELECT * FROM eider.state',
    'INSERT INTO courses AS c (code) TABLE eider.migrations',
    'UPDATE courses SET title = (TABLE eider.migrations)',
    'UPDATE courses SET (title, code) = (SELECT name, name FROM eider.migrations)',
    'DELETE FROM courses USING eider.state',
    `INSERT INTO courses (code) WITH w AS (DELETE FROM courses RETURNING code) SELECT code FROM w`,
  ];
  for (const role of ['writer', 'administrator'] as const) expect(await notRefused(texts, /./, role)).toEqual([]);
  expect(existsSync(`${file}.csv`) || existsSync(`${file}.db`) || existsSync(file)).toBe(false);
  expect(await courses()).toEqual(untouched);
});

it('runs nothing in the server that could not be ended: patterns, distances, texts many times as long', async () => {
  const texts = [
    `DELETE FROM courses WHERE title LIKE '%a_%a_b'`,
    `DELETE FROM courses WHERE title NOT LIKE '%a%b'`,
    `UPDATE courses SET title = 'x' WHERE title ILIKE '%a%b'`,
    `UPDATE courses SET title = 'x' WHERE title LIKE code`,
    `UPDATE courses SET title = 'x' WHERE title LIKE 'a$%b' ESCAPE '$'`,
    `DELETE FROM courses WHERE title GLOB '*a*b'`,
    `DELETE FROM courses WHERE levenshtein(title, title) > 5`,
    `UPDATE courses SET title = repeat(title, 1000000)`,
    `UPDATE courses SET title = replace(title, 'a', title)`,
    `UPDATE courses SET title = printf('%1000000000s', title)`,
    `INSERT INTO courses (code, title, credits) SELECT 'X', lpad('x', 1000000000, 'y'), 1`,
    `WITH slow AS (SELECT id FROM courses WHERE title LIKE '%a_%a_b') DELETE FROM courses WHERE id IN (SELECT id FROM slow)`,
  ];
  expect(await notRefused(texts, /may not use/, 'writer')).toEqual([]);
  const inTransaction = await service.send('POST', '/api/sql', {
    json: {
      queries: [
        { query: `DELETE FROM courses WHERE code = 'none'` },
        { query: `SELECT 1 FROM courses WHERE title LIKE '%a_%a_b'` },
      ],
    },
    headers: roles.writer,
  });
  expect(inTransaction.status).toBe(400);
  for (const parameter of ['$1', '?']) {
    const given = await service.send('POST', '/api/sql', {
      json: { query: `DELETE FROM courses WHERE title LIKE ${parameter}`, params: ['%a_%a_b'] },
      headers: roles.writer,
    });
    expect(await given.json()).toMatchObject({ detail: expect.stringMatching(/may not use LIKE/) as unknown });
  }
  expect(await courses()).toEqual(untouched);
  for (const sql of [
    `UPDATE courses SET title = replace(title, 'A', 'B') WHERE title LIKE 'A%' OR title ILIKE '%z%'`,
    `SELECT code FROM courses WHERE title LIKE '%a_%a_b' OR levenshtein(title, 'x') > 5`,
  ])
    expect((await ask(sql, 'writer')).status).toBe(200);
});

it('ends a statement that changes more than any commit holds, before its rows come into memory', async () => {
  const response = await ask(
    `INSERT INTO courses (code, title, credits) SELECT 'C' || i, 'x', 1 FROM range(1000001) t(i)`,
    'administrator',
  );
  expect([response.status, await response.json()]).toMatchObject([400, { detail: /may change 1000000 rows/ }]);
  expect(await courses()).toEqual(untouched);
});
