/** What names and sizes of one engine are too much for the other: refused before anything is written, or brought all the same. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { duckDbBackend, move, postgresBackend } from '../../support/ends.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

const long = 'n'.repeat(64);
const columns = (count: number, type: string): string =>
  Array.from({ length: count }, (_, index) => `c${index} ${type}`).join(', ');

describe('from DuckDB to PostgreSQL', { timeout: 60_000 }, () => {
  it.each([
    [
      'two tables whose names become one',
      `CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (2); CREATE SCHEMA public;
      CREATE TABLE public.t (a INTEGER); INSERT INTO public.t VALUES (1), (2), (3)`,
      'The table main.t and the table public.t would both be public.t',
    ],
    [
      'a sequence named like a table',
      'CREATE TABLE t (a INTEGER); CREATE SEQUENCE t',
      'The table main.t and the sequence main.t would both be public.t',
    ],
    ['a long name of a table', `CREATE TABLE ${long} (a INTEGER)`, `${long} has a name of more than 63 bytes`],
    ['a long name of a column', `CREATE TABLE t (${long} INTEGER)`, `t.${long} has a name of more than 63 bytes`],
    ['a column of the system', 'CREATE TABLE t (a INTEGER, ctid INTEGER)', 't.ctid has the name of a system column'],
    ['a schema of the system', 'CREATE SCHEMA pg_x; CREATE TABLE pg_x.t (a INTEGER)', 'pg_x.t is in a schema'],
    ['too many columns', `CREATE TABLE t (${columns(1700, 'INTEGER')})`, 't has 1700 columns'],
    [
      'a row that is too large',
      `CREATE TABLE t (${columns(1500, 'DOUBLE')}); INSERT INTO t SELECT ${columns(1500, '').replaceAll(/c\d+ /g, '1.5')}`,
      't: row is too big',
    ],
    [
      'a key that is too large',
      `CREATE TABLE t (a VARCHAR PRIMARY KEY); INSERT INTO t SELECT string_agg(uuid()::VARCHAR, '') FROM range(500)`,
      't: index row',
    ],
  ])('refuses %s', async (_, statements, message) => {
    const [from, to] = [await duckDbBackend(statements), await postgresBackend(server)];
    await expect(move(from, to)).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining(message) as string,
    });
    expect(await to.run(`SELECT count(*)::int AS count FROM pg_class WHERE relname = 't'`)).toEqual([{ count: 0 }]);
  });

  it('brings a table that is named like the index of another, and the last moment of all', async () => {
    const from = await duckDbBackend(`CREATE TABLE t (a TIMESTAMPTZ PRIMARY KEY); CREATE TABLE t_pkey (a INTEGER);
      INSERT INTO t VALUES ('294247-01-10 04:00:54.775806+00'); INSERT INTO t_pkey VALUES (1)`);
    const to = await postgresBackend(server);
    expect(await move(from, to)).toMatchObject({ tables: { t: { rows: 1 }, t_pkey: { rows: 1 } } });
    expect(await to.run('SELECT a::text FROM t')).toEqual([{ a: '294247-01-10 04:00:54.775806+00' }]);
  });

  it('carries what became of pending writes along', async () => {
    const entry = `INSERT INTO eider.settled_writes VALUES ('w1', '2026-11-24', 'rejected', 'no longer fits', '{}')`;
    const [from, between, to] = [await duckDbBackend(entry), await postgresBackend(server), await duckDbBackend()];
    await move(from, between);
    await move(between, to);
    expect(await to.rows('SELECT id, outcome, reason FROM eider.settled_writes')).toEqual([
      ['w1', 'rejected', 'no longer fits'],
    ]);
  });
});

describe('from PostgreSQL to DuckDB', { timeout: 60_000 }, () => {
  it.each([
    [
      'tables whose names differ in case alone',
      'CREATE TABLE "User" (a int); CREATE TABLE "user" (a int)',
      'The table public.User and the table public.user would both be main.user',
    ],
    [
      'columns whose names differ in case alone',
      'CREATE TABLE t ("A" int, a int)',
      'The column t.A and the column t.a would both be t.a',
    ],
    [
      'two schemas that become one',
      'CREATE TABLE t (a int); CREATE SCHEMA main; CREATE TABLE main.t (a int)',
      'would both be main.t',
    ],
    ['a table without columns', 'CREATE TABLE t ()', 't has no columns'],
  ])('refuses %s', async (_, statements, message) => {
    const [from, to] = [await postgresBackend(server), await duckDbBackend()];
    await from.run(statements);
    const { version } = to.engine.status();
    await expect(move(from, to)).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining(message) as string,
    });
    expect(to.engine.status().version).toBe(version);
  });
});
