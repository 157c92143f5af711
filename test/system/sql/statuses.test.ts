/** What asks for too much, or what an engine answers in its own way, has the status of a request that is wrong, on both engines. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Deploy, onDuckDb, onPostgres } from '../../support/deployments.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';

let server: PostgresServer;
beforeAll(async () => void (server = await startPostgres()));
afterAll(() => server.close());

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at);
const columns = (count: number) =>
  `SELECT ${numbers(count)
    .map((at) => `1 AS c${at}`)
    .join(', ')}`;
const parquet = 'application/vnd.apache.parquet';
const twice = "INSERT INTO t SELECT * FROM (SELECT 3 AS id, 'a' AS name UNION ALL SELECT 3, 'b') AS n";

const statement = (count: number, sql = 'SELECT $1') => ({ query: sql, params: numbers(count) });
const write = 'DELETE FROM t WHERE id = $1';

/** What is sent, and the code of the answer on DuckDB and on PostgreSQL; null where it is answered. */
const shots: readonly (readonly [string, object, string | null, string | null, string?])[] = [
  ['two rows of a subquery', { query: 'SELECT (SELECT id FROM t)' }, '21000', '21000'],
  ['two rows of a subquery in a write', { query: 'DELETE FROM t WHERE id = (SELECT id FROM t)' }, '21000', '21000'],
  // DuckDB takes the last.
  ['one row updated twice', { query: `${twice} ON CONFLICT (id) DO UPDATE SET name = excluded.name` }, null, '21000'],
  ['$65536', { query: 'SELECT $65536', params: [1] }, '08P01', '42P18'],
  ['$65536 in a write', { query: 'DELETE FROM t WHERE id = $65536', params: [1] }, '08P01', '42P18'],
  ['$0', { query: 'SELECT $0', params: [1] }, '08P01', '42P02'],
  ['$99999999999', { query: 'SELECT $99999999999', params: [1] }, '08P01', '42601'],
  ['a parameter too many', statement(2), '08P01', '08P01'],
  ['a parameter too many in a write', statement(2, write), '08P01', '08P01'],
  ['65,535 parameters', statement(65_535), '08P01', '08P01'],
  ['65,536 parameters', statement(65_536), '08P01', '54023'],
  ['100,000 parameters in a write', statement(100_000, write), '08P01', '54023'],
  ['many wrong parameters', { query: 'SELECT $1', params: numbers(100_000).map(() => '\0') }, '08P01', '08P01'],
  // PostgreSQL takes it for a name.
  ['EXPORT_STATE', { query: 'SELECT count(*) EXPORT_STATE FROM t' }, '42804', null],
  ['EXPORT_STATE in a write', { query: `INSERT INTO t SELECT 5, count(*) EXPORT_STATE FROM t` }, '42804', null],
  ['5,000 columns', { query: columns(5000) }, null, '54011'],
  ['5,000 columns as Parquet', { query: columns(5000) }, '54011', '54011', parquet],
  ['1,600 columns as Parquet', { query: columns(1600) }, null, null, parquet],
  ['columns of which an answer has no room', { query: `SELECT ${'1,'.repeat(49_000)}1` }, '54000', '54011'],
];

it.each<[string, Deploy]>([
  ['DuckDB', onDuckDb],
  ['PostgreSQL', onPostgres(() => server)],
])('%s', { timeout: 300_000 }, async (engine, deploy) => {
  const schema = "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR); INSERT INTO t VALUES (1, 'a'), (2, 'b');";
  const service = await deploy().instance({ migrations: [{ name: '0001_t', sql: schema }] });
  const wrong: string[] = [];
  for (const [name, json, onDuckDB, onPostgreSQL, accept = 'application/json'] of shots) {
    const response = await service.send('POST', '/api/sql', { json, headers: { accept } });
    const text = await response.text();
    const code = /"code":"(\w+)"/.exec(text)?.[1] ?? null;
    const expected = engine === 'DuckDB' ? onDuckDB : onPostgreSQL;
    const statuses = expected === null ? [200] : [400, 507];
    const isRight = code === expected && statuses.includes(response.status) && text.length < 4_000_000;
    if (!isRight) wrong.push(`${name}: ${response.status} ${code}, ${text.length} characters: ${text.slice(0, 300)}`);
  }
  expect(wrong).toEqual([]);
  expect(service.log.filter(({ level }) => level === 'error')).toEqual([]);
});

it('names and types count as values do', { timeout: 60_000 }, async () => {
  const service = await onDuckDb().instance();
  const struct = Array.from({ length: 4000 }, (_, at) => `'f${at}': 1`).join(', ');
  for (const [query, arrayMode] of [
    [`SELECT 1 AS "${'n'.repeat(90_000)}" FROM range(10000)`, false],
    [`SELECT ${Array.from({ length: 200 }, () => 's').join(', ')} FROM (SELECT {${struct}} AS s) WHERE false`, true],
  ] as const) {
    const response = await service.send('POST', '/api/sql', { json: { query, arrayMode } });
    const text = await response.text();
    expect([/"code":"54000"/.test(text), text.length < 1000]).toEqual([true, true]);
  }
});
