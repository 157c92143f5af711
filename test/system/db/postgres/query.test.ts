/** Queries of users on a real PostgreSQL: the same forms as on DuckDB, nothing out of reach, nothing that takes too much. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Database, QueryRequest } from '../../../../lib/db/database.ts';
import { openPostgresDatabase } from '../../../../lib/db/postgres/postgres-database.ts';
import { isAppError } from '../../../../lib/errors.ts';
import { systemRuntime as runtime } from '../../../../lib/runtime.ts';
import { accounts, insertAccount } from '../../../support/engine.ts';
import { type PostgresServer, startPostgres } from '../../../support/servers/postgres.ts';

let server: PostgresServer;
let database: Database;
let name: string;

beforeAll(async () => {
  server = await startPostgres();
  const connectionString = await server.createDatabase();
  name = new URL(connectionString).pathname.slice(1);
  database = await openPostgresDatabase({ connectionString, driver: 'pg', migrations: [accounts], runtime });
  await insertAccount(database, 'a', 5);
  await server.run('CREATE MATERIALIZED VIEW others AS SELECT NULL::text AS secret', name);
  await server.run('CREATE VIEW all_accounts AS SELECT * FROM accounts', name);
  await server.run(
    `CREATE FUNCTION lower(accounts) RETURNS text LANGUAGE sql AS 'SELECT secret FROM others LIMIT 1'`,
    name,
  );
});
afterAll(async () => {
  await database.close();
  await server.close();
});

const limits = { parameters: [], maxRows: 100, maxBytes: 100_000, timeoutMs: 3000 } satisfies Partial<QueryRequest>;
const ask = (sql: string, more: Partial<QueryRequest> = {}) => database.query({ ...limits, sql, ...more });

const stranger = { signal: new AbortController().signal };
/** In a write, as whoever may change anything. */
const write = (sql: string) => database.write((_queries, scope) => scope.run(sql, [], stranger));

/** Those of the texts that are answered otherwise than by a refusal. */
async function notRefused(texts: readonly string[], run: (sql: string) => Promise<unknown> = ask): Promise<string[]> {
  const wrong: string[] = [];
  for (const sql of texts) {
    const outcome = await run(sql).catch((error: unknown) => error);
    if (!isAppError(outcome, 'invalid')) wrong.push(`${sql}: ${String(outcome)} ${JSON.stringify(outcome)}`);
  }
  return wrong;
}

it('answers columns and values as DuckDB does, two of one name included', async () => {
  const { value } = await ask(
    `SELECT id, balance, balance::bigint AS big, 1.50::numeric(18,2) AS exact, NULL AS nothing, true AS yes, ARRAY[1, 2] AS list,
      date '2026-11-24' AS day, timestamptz '2026-11-24 04:05:06.789+00' AS at, '{"a": 1}'::jsonb AS doc, id AS id
    FROM accounts WHERE balance = $1; -- and no more`,
    { parameters: [5] },
  );
  expect(value.columns.map((column) => `${column.name} ${column.type}`)).toEqual([
    'id VARCHAR',
    'balance INTEGER',
    'big BIGINT',
    'exact DECIMAL(18,2)',
    'nothing VARCHAR',
    'yes BOOLEAN',
    'list INTEGER[]',
    'day DATE',
    'at TIMESTAMP WITH TIME ZONE',
    'doc JSON',
    'id VARCHAR',
  ]);
  expect(value.rows).toEqual([
    ['a', 5, '5', '1.50', null, true, [1, 2], '2026-11-24', '2026-11-24T04:05:06.789000Z', '{"a": 1}', 'a'],
  ]);
  expect((await ask('SELECT 1 WHERE false')).value).toEqual({
    columns: [{ name: '?column?', type: 'INTEGER' }],
    rows: [],
    truncated: null,
  });
});

it('reads views, each judged as a query is', async () => {
  for (const [view, text] of [
    ['rich', 'SELECT id, count(*) OVER () AS n FROM all_accounts WHERE balance > 0'],
    ['files', `SELECT pg_read_file('/etc/passwd') AS text`],
    ['through', 'SELECT * FROM files'],
    ['users', 'SELECT rolname FROM pg_roles'],
    ['hidden', 'SELECT * FROM others'],
    ['own', 'SELECT * FROM eider.state'],
  ])
    await server.run(`CREATE VIEW ${view} AS ${text}`, name);
  expect((await ask('SELECT * FROM rich')).value.rows).toEqual([['a', '1']]);
  const refused = ['files', 'through', 'users', 'hidden', 'own', 'public.files'].map((view) => `SELECT * FROM ${view}`);
  expect(await notRefused([...refused, 'SELECT 1 WHERE EXISTS (SELECT FROM rich, users)'])).toEqual([]);
});

it('cuts off by rows and by bytes, in order', async () => {
  const { value } = await ask('SELECT n FROM generate_series(1, 1000000) n ORDER BY n DESC', { maxRows: 3 });
  expect(value).toMatchObject({ rows: [[1_000_000], [999_999], [999_998]], truncated: 'rows' });
  const large = await ask(`SELECT repeat('x', 30000) FROM generate_series(1, 10)`);
  expect(large.value).toMatchObject({ rows: { length: 3 }, truncated: 'bytes' });
  const huge = await ask(`SELECT repeat('x', 5000000)`);
  expect(huge.value).toMatchObject({ rows: [], truncated: 'bytes' });
});

it('reads with WITH, joins, windows, sets and JSON', async () => {
  const { value } = await ask(`
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3), named AS (SELECT i, 'n' || i AS t FROM n)
    SELECT a.id, x.t, sum(x.i) OVER (ORDER BY x.i) AS total, jsonb_build_object('i', x.i) ->> 'i' AS j,
      extract(year FROM timestamp '2026-11-24') AS y, coalesce(NULL, upper(x.t)) AS u
    FROM accounts a CROSS JOIN LATERAL (SELECT * FROM named WHERE i <= a.balance) x ORDER BY x.i`);
  expect(value.rows).toEqual([
    ['a', 'n1', '1', '1', '2026', 'N1'],
    ['a', 'n2', '3', '2', '2026', 'N2'],
    ['a', 'n3', '6', '3', '2026', 'N3'],
  ]);
});

const functions = [
  `pg_read_file('/etc/passwd')`,
  `pg_read_binary_file('/etc/passwd')`,
  `pg_ls_dir('/')`,
  `pg_stat_file('/etc/passwd')`,
  `lo_import('/etc/passwd')`,
  `lo_export(1, '/tmp/x')`,
  `lo_get(1)`,
  `dblink('dbname=postgres', 'SELECT 1')`,
  `set_config('work_mem', '1GB', false)`,
  `current_setting('data_directory')`,
  'pg_sleep(1)',
  'pg_terminate_backend(1)',
  'pg_cancel_backend(1)',
  'pg_reload_conf()',
  'pg_advisory_lock(1)',
  `pg_notify('a', 'b')`,
  `nextval('eider.changes_ordinal_seq')`,
  `query_to_xml('SELECT * FROM eider.state', true, true, '')`,
  `table_to_xml('eider.state'::regclass, true, true, '')`,
  `database_to_xml(true, true, '')`,
  `xpath('/a', '<a/>')`,
  `ts_stat('SELECT 1')`,
  `to_tsvector('a')`,
  'version()',
  'current_database()',
  'inet_server_addr()',
  'pg_backend_pid()',
  'txid_current()',
  'pg_current_xact_id()',
  `has_table_privilege('eider.state', 'SELECT')`,
  `pg_get_viewdef('all_accounts')`,
  `pg_relation_size('eider.state')`,
  `to_regclass('eider.state')`,
  `convert_from('a', 'UTF8')`,
  `eider.key_of('{}', ARRAY['a'])`,
  'public.lower(a)',
  'current_user',
  'session_user',
  'current_schema',
  'current_catalog',
  `'eider.state'::regclass`,
  `'postgres'::regrole`,
  `('/etc/passwd'::text).pg_read_file`,
  `('accounts'::regclass)`,
  "(SELECT t.pg_read_file FROM unnest(ARRAY['/etc/passwd']) t)",
  '(SELECT t.pg_sleep FROM generate_series(1, 2) t)',
  '(SELECT id FROM eider.state)',
  '(SELECT secret FROM others)',
  '(SELECT count(*) FROM pg_class)',
  '(SELECT rolpassword FROM pg_authid LIMIT 1)',
  '(SELECT query FROM pg_stat_activity LIMIT 1)',
  `xmlelement(name a)`,
  'a OPERATOR(public.+) a',
];

it('refuses every function and table that is not on the lists, in every place', async () => {
  const places = [
    'SELECT #',
    'SELECT * FROM accounts WHERE # IS NULL',
    'SELECT * FROM accounts ORDER BY #',
    'SELECT count(*) FILTER (WHERE # IS NULL) FROM accounts',
    'SELECT sum(1) OVER (PARTITION BY #) FROM accounts',
    'SELECT count(*) FROM accounts GROUP BY #',
    'SELECT 1 FROM accounts a JOIN accounts b ON # IS NULL',
    'SELECT * FROM (VALUES (#)) v',
    'SELECT CASE WHEN # IS NULL THEN 1 END',
    'SELECT ARRAY[#]',
    'SELECT ROW(#)',
    'WITH a AS (SELECT #) SELECT * FROM a',
    'SELECT 1 UNION SELECT 1 FROM (SELECT #) x',
    'SELECT 1 LIMIT (SELECT 1 FROM (SELECT #) x)',
    'SELECT EXISTS (SELECT #)',
    'SELECT COALESCE(NULL, #)',
    'SELECT * FROM accounts, LATERAL (SELECT #) l',
  ];
  expect(await notRefused(places.flatMap((place) => functions.map((text) => place.replaceAll('#', text))))).toEqual([]);
  const inFrom = functions.filter((text) => /^\w+\(/.test(text));
  expect(await notRefused(inFrom.map((text) => `SELECT * FROM ${text}`))).toEqual([]);
});

it('refuses the same in every place of a statement that writes, and of a definition', async () => {
  const rows = [
    `INSERT INTO accounts SELECT (#)::text, 'x', 1`,
    `INSERT INTO accounts VALUES ((#)::text, 'x', 1)`,
    `INSERT INTO accounts VALUES ('a', 'x', 1) ON CONFLICT (id) DO UPDATE SET owner = (#)::text`,
    `INSERT INTO accounts VALUES ('z', 'x', 1) RETURNING #`,
    'WITH w AS (SELECT #) DELETE FROM accounts',
    'UPDATE accounts SET owner = (#)::text',
    'UPDATE accounts SET owner = $$x$$ FROM (SELECT #) AS s WHERE false',
    'UPDATE accounts SET owner = $$x$$ WHERE # IS NULL',
    'DELETE FROM accounts USING (SELECT #) AS s WHERE false',
    `MERGE INTO accounts USING (SELECT 'a' AS k) s ON id = s.k WHEN MATCHED AND # IS NULL THEN DELETE`,
    `MERGE INTO accounts USING (SELECT 'a' AS k) s ON id = s.k WHEN MATCHED THEN UPDATE SET owner = (#)::text`,
  ];
  const definitions = [
    'CREATE TABLE made AS SELECT # AS a',
    'CREATE VIEW made AS SELECT # AS a',
    'CREATE TABLE made (a text DEFAULT (#)::text)',
    'CREATE TABLE made (a text CHECK (# IS NULL))',
    'CREATE INDEX made ON accounts ((#))',
    'ALTER TABLE accounts ADD COLUMN made text DEFAULT (#)::text',
  ];
  // Each place is real.
  for (const place of rows) {
    await write(place.replaceAll('#', "upper('b')"));
    await write('DELETE FROM accounts');
  }
  await insertAccount(database, 'a', 5);
  await server.run('DROP TABLE IF EXISTS made', name);
  // A definition may name types of the system, and sequences.
  const texts = functions.filter((text) => !/^nextval|::reg/.test(text));
  for (const [places, given] of [
    [rows, functions.filter((text) => !text.startsWith('nextval'))],
    [definitions, texts],
  ] as const) {
    expect(
      await notRefused(
        places.flatMap((place) => given.map((text) => place.replaceAll('#', text))),
        write,
      ),
    ).toEqual([]);
  }
  expect(
    await notRefused(
      [
        'CREATE EXTENSION dblink',
        'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$SELECT 1$$',
        'CREATE TRIGGER t BEFORE INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION f()',
        'CREATE ROLE r',
        'ALTER ROLE postgres SUPERUSER',
        'ALTER SYSTEM SET work_mem = 1',
        'ALTER DATABASE postgres SET work_mem = 1',
        'GRANT ALL ON accounts TO PUBLIC',
        'ALTER TABLE accounts OWNER TO postgres',
        'ALTER TABLE accounts DISABLE TRIGGER ALL',
        'ALTER TABLE eider.state ADD COLUMN a int',
        'DROP TABLE eider.state',
        'DROP SCHEMA eider CASCADE',
        'CREATE TABLE eider.mine (a int)',
        'CREATE TEMP TABLE mine (a int)',
        'CREATE TABLE mine (LIKE pg_authid)',
        'COMMENT ON TABLE eider.state IS NULL',
        'INSERT INTO eider.state VALUES (1)',
        'UPDATE eider.state SET id = id',
        'DELETE FROM eider.changes',
        'DELETE FROM pg_catalog.pg_class',
        'TRUNCATE eider.changes',
        'TRUNCATE accounts, eider.changes',
        `COPY accounts TO PROGRAM 'cat'`,
        'DO $$ BEGIN PERFORM 1; END $$',
        'CALL x()',
        'SET LOCAL work_mem = 1',
        'SET CONSTRAINTS ALL DEFERRED',
        'LOCK accounts',
        'SELECT * INTO made FROM accounts',
        'EXPLAIN ANALYZE DELETE FROM accounts',
      ],
      write,
    ),
  ).toEqual([]);
  expect((await ask('SELECT id, balance FROM accounts')).value.rows).toEqual([['a', 5]]);
});

it("refuses tables that are not the user's, and names that hide them", async () => {
  const tables = [
    'eider.state',
    'eider.changes',
    'pg_class',
    'pg_catalog.pg_authid',
    'pg_authid',
    'pg_stat_activity',
    'pg_settings',
    'pg_shadow',
    'information_schema.tables',
    'others',
    'public.others',
    'nothing',
    `"${'x'.repeat(70)}"`,
    'pg_largeobject',
    'pg_file_settings',
  ];
  expect(
    await notRefused(
      tables.flatMap((table) => [`SELECT * FROM ${table}`, `TABLE ${table}`, `SELECT (SELECT count(*) FROM ${table})`]),
    ),
  ).toEqual([]);
  expect(
    await notRefused([
      'SELECT * FROM (WITH pg_authid AS (SELECT 1) SELECT 1) x, pg_authid',
      'SELECT * FROM (WITH others AS (SELECT 1) SELECT 1) x, others',
      'WITH a AS (SELECT * FROM others), others AS (SELECT 1 AS secret) SELECT * FROM a',
      'WITH others AS (SELECT * FROM others) SELECT * FROM others',
    ]),
  ).toEqual([]);
});

it('refuses statements that are no SELECT, more than one, and what locks or writes', async () => {
  expect(
    await notRefused([
      `COPY accounts TO PROGRAM 'cat'`,
      `COPY accounts FROM '/etc/passwd'`,
      'SET work_mem = 1',
      'RESET ALL',
      'SHOW ALL',
      'BEGIN',
      'COMMIT',
      'COMMIT; DROP TABLE accounts',
      'SELECT 1; SELECT 2',
      'DO $$ BEGIN PERFORM 1; END $$',
      'CALL x()',
      'PREPARE p AS SELECT 1',
      'EXECUTE p',
      'DECLARE c CURSOR FOR SELECT 1',
      'LISTEN a',
      `NOTIFY a`,
      "LOAD 'x'",
      'EXPLAIN ANALYZE SELECT 1',
      'CREATE TABLE x (a int)',
      'CREATE TABLE x AS SELECT 1',
      'SELECT 1 INTO x',
      'INSERT INTO accounts VALUES (1)',
      'WITH gone AS (DELETE FROM accounts RETURNING *) SELECT * FROM gone',
      'DELETE FROM accounts',
      'TRUNCATE accounts',
      'SELECT * FROM accounts FOR UPDATE',
      'SELECT * FROM accounts FOR SHARE',
      'LOCK accounts',
      'VACUUM',
      '',
      '-- SELECT 1',
      ';',
      'SELECT 1) AS x; DROP TABLE accounts; --',
      `SELECT U&"pg_re\\0061d_file"('/etc/passwd')`,
      `SELECT "pg_read_file"('/etc/passwd')`,
      `SELECT PG_READ_FILE('/etc/passwd')`,
      `SELECT pg_catalog.pg_read_file('/etc/passwd')`,
      `SELECT pg_read_file/**/('/etc/passwd')`,
      `SELECT E'\\'' || pg_read_file('/etc/passwd')`,
      `SELECT $$a$$ || pg_read_file('/etc/passwd')`,
      'SELECT ｐｇ_read_file(1)',
    ]),
  ).toEqual([]);
  expect((await ask('SELECT id, balance FROM accounts')).value.rows).toEqual([['a', 5]]);
});

it('does not call what somebody has named like a function of PostgreSQL', async () => {
  await server.run(`CREATE FUNCTION abs(text) RETURNS text LANGUAGE sql AS 'SELECT secret FROM others LIMIT 1'`, name);
  await server.run(`CREATE FUNCTION upper(text) RETURNS text LANGUAGE sql AS 'SELECT ''stolen'''`, name);
  expect((await ask(`SELECT upper('a')`)).value.rows).toEqual([['A']]);
  expect((await write(`UPDATE accounts SET balance = balance RETURNING upper('a')`)).value.rows).toEqual([['A']]);
});

it('stops what takes too long or too much, and serves on', async () => {
  const bombs = [
    'SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b, generate_series(1, 1000) c',
    'WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r',
    `SELECT sum(length(repeat('x', 100000000 + i))) FROM generate_series(1, 100000) i`,
    `SELECT repeat(repeat('x', 1000000), 1000000)`,
    `SELECT a FROM generate_series(1, 1000000000) a ORDER BY a DESC`,
  ];
  const harmless: string[] = [];
  for (const sql of bombs) {
    const outcome = await ask(sql, { timeoutMs: 500 }).catch((error: unknown) => error);
    if (!isAppError(outcome, 'invalid')) harmless.push(`${sql}: ${String(outcome)}`);
  }
  expect(harmless).toEqual([]);
  expect((await ask('SELECT 1')).value.rows).toEqual([[1]]);
});
