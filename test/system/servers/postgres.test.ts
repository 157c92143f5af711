/** The PostgreSQL server that tests start. */
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres({ tls: true, settings: { work_mem: '1MB' } });
});
afterAll(() => server.close());

it('is a real one, with the settings asked for and an order of its own', async () => {
  const [row] = await server.run(`SELECT current_setting('work_mem') AS memory, 'a' < 'B' AS linguistic`);
  expect(row).toEqual({ memory: '1MB', linguistic: true });
});

it('wants the password', async () => {
  const client = new Client({ connectionString: server.url('postgres', server.user, 'wrong') });
  await expect(client.connect()).rejects.toMatchObject({ code: '28P01' });
});

it('speaks TLS with a certificate of its authority, for its name and address', async () => {
  const ca = await readFile(server.tls!.authority, 'utf8');
  for (const host of ['127.0.0.1', 'localhost']) {
    const client = new Client({ ...credentials(), host, ssl: { ca } });
    await client.connect();
    const { rows } = await client.query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
    expect(rows).toEqual([{ ssl: true }]);
    await client.end();
  }
  const other = await readFile(server.tls!.otherAuthority, 'utf8');
  await expect(new Client({ ...credentials(), ssl: { ca: other } }).connect()).rejects.toThrow(/certificate|verify/);
});

it('keeps what was committed through a clean end, a crash and a kill', async () => {
  const url = new URL(await server.createDatabase());
  const database = url.pathname.slice(1);
  await server.run('CREATE TABLE t (i int)', database);
  for (const [i, end] of [() => server.stop(), () => server.stop('immediate'), () => server.kill()].entries()) {
    await server.run(`INSERT INTO t VALUES (${i})`, database);
    await end();
    await expect(server.run('SELECT 1')).rejects.toThrow(/ECONNREFUSED|ECONNRESET|terminated/);
    await server.start();
  }
  expect(await server.run('SELECT count(*)::int AS rows FROM t', database)).toEqual([{ rows: 3 }]);
});

it('accepts and does not answer while it is paused', async () => {
  await server.pause();
  const socket = connect(server.port, server.host);
  await new Promise((resolve) => socket.once('connect', resolve));
  const answered = server.run('SELECT 1 AS one');
  expect(await Promise.race([answered, new Promise((resolve) => setTimeout(resolve, 500, 'silence'))])).toBe('silence');
  await server.resume();
  expect(await answered).toEqual([{ one: 1 }]);
  socket.destroy();
});

function credentials() {
  const { host, port, user, password } = server;
  return { host, port, user, password, database: 'postgres' };
}
