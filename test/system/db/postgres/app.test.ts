/** The functions on PostgreSQL, from the environment to the answer; and that no secret gets out on the way. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect, promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openPostgresDatabase } from '../../../../lib/db/postgres/postgres-database.ts';
import { lineLog } from '../../../../lib/http/log.ts';
import { systemRuntime as runtime } from '../../../../lib/runtime.ts';
import { migrations } from '../../../support/migrations.ts';
import { bundle } from '../../../../scripts/bundle.ts';
import { repository } from '../../../../scripts/deployable.ts';
import { type NeonProxy, startNeonProxy } from '../../../support/servers/neon-proxy.ts';
import { type PostgresServer, startPostgres } from '../../../support/servers/postgres.ts';
import { startService } from '../../../support/service.ts';

let server: PostgresServer;
let neon: NeonProxy;
let folder: string;

beforeAll(async () => {
  server = await startPostgres();
  neon = await startNeonProxy(server);
  folder = await mkdtemp(join(tmpdir(), 'eider-app-'));
});
afterAll(async () => {
  await neon.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

async function start(connectionString: string, driver: 'pg' | 'neon' = 'pg') {
  const service = await startService({
    environment: { DATABASE_URL: connectionString },
    open: () => openPostgresDatabase({ connectionString, driver, migrations, runtime }),
  });
  onTestFinished(() => service.app.close());
  return service;
}

it('serves rows, and says where they are', async () => {
  const url = await server.createDatabase();
  const service = await start(url);
  const created = await service.send('POST', '/api/students', { json: { name: 'Ada', email: 'ada@example.org' } });
  expect([created.status, created.headers.get('db-durability')]).toEqual([201, 'durable']);
  const bookmark = created.headers.get('db-bookmark') ?? '';
  const { id } = (await created.json()) as { id: string };
  const read = await service.send('GET', `/api/students/${id}`, { headers: { 'db-bookmark': bookmark } });
  expect(await read.json()).toMatchObject({ id, name: 'Ada' });
  const again = await service.send('POST', '/api/students', { json: { name: 'B', email: 'ada@example.org' } });
  expect(again.status).toBe(409);
  const { host, pathname } = new URL(url);
  expect(await (await service.send('GET', '/api/db-status')).json()).toMatchObject({
    status: 'ok',
    message: 'Data persists with external PostgreSQL',
    backend: 'postgres',
    engine: 'postgres',
    persistent: true,
    location: `postgres://${host}${pathname}`,
    checkpoint: null,
    pendingWrites: 0,
  });
  expect((await service.send('POST', '/api/db-sync')).status).toBe(200);
});

it('loads pg, and neither another driver nor DuckDB', async () => {
  const program = fileURLToPath(new URL('../../../support/loaded-modules.ts', import.meta.url));
  const env = { PATH: process.env['PATH'], TMPDIR: folder, DATABASE_URL: await server.createDatabase() };
  const served = [join(repository, 'server.ts'), repository];
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...served], { env });
  const loaded = JSON.parse(stdout.trim().split('\n').at(-1)!) as { status: string; atStart: string[]; all: string[] };
  expect(loaded.status).toBe('ok');
  // Types are called by DuckDB's words on either engine: reading these is a file of its own, without DuckDB.
  const isDriver = /node_modules\/(?:pg|@neon|@aws|@google|@vercel\/blob)|duckdb(?!-types)|lib\/sync\/engine/;
  const drivers = (files: string[]) => files.filter((file) => isDriver.test(file)).map((file) => file.split('/')[1]);
  expect(drivers(loaded.atStart)).toEqual([]);
  expect(new Set(drivers(loaded.all))).toEqual(new Set(drivers(loaded.all).filter((name) => name?.startsWith('pg'))));
  expect(drivers(loaded.all)).toContain('pg');
});

it('serves from the bundle that is deployed, on each driver', async () => {
  const bundled = join(folder, 'dist');
  await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'));
  await bundle(bundled);
  // Neon's driver is inside of the bundle, and speaks through the WebSocket of Node.
  const ask = `
    globalThis.WebSocket = class extends WebSocket {
      constructor(url) {
        super('ws://' + process.env.NEON_PROXY + '/v2?address=' + new URL(url).hostname + ':5432');
      }
    };
    const { default: server } = await import('./dist/server.js');
    const response = await server.fetch(new Request('http://localhost/api/students'));
    const headers = { 'content-type': 'application/json', authorization: 'Bearer ' + process.env.API_TOKEN };
    const query = await server.fetch(
      new Request('http://localhost/api/sql', { method: 'POST', headers, body: '{"query":"SELECT 1 AS one"}' }),
    );
    console.log(JSON.stringify([response.status, await response.json(), query.status, await query.json()]));
    process.exit();`;
  // A file, as the platform has it: code on the command line has names that modules do not have.
  const program = join(folder, 'ask.mjs');
  await writeFile(program, ask);
  for (const url of [await server.createDatabase(), neon.through(await server.createDatabase())]) {
    const env = {
      PATH: process.env['PATH'],
      TMPDIR: folder,
      DATABASE_URL: url,
      NEON_PROXY: neon.address,
      PUBLIC_READ: 'true',
      API_TOKEN: 'the-token-of-a-client',
    };
    const { stdout } = await promisify(execFile)(process.execPath, [program], { cwd: folder, env });
    expect(JSON.parse(stdout.trim().split('\n').at(-1)!)).toEqual([
      200,
      { data: [], next: null },
      200,
      expect.objectContaining({ command: 'SELECT', rows: [{ one: 1 }] }),
    ]);
  }
});

describe('no secret is shown', () => {
  const canary = 'zqCanary7';
  /** Everything that a person could find in what an error holds, hidden properties and causes included. */
  const everythingIn = (value: unknown): string =>
    inspect(value, { depth: 12, showHidden: true, maxStringLength: null });

  const ways: readonly (readonly [string, () => string | Promise<string>, 'pg' | 'neon'])[] = [
    ['a wrong password', () => server.url('postgres', server.user, canary), 'pg'],
    ['a wrong password for Neon', () => neon.through(server.url('postgres', 'plain', canary)), 'neon'],
    ['an unknown user', () => server.url('postgres', canary, canary), 'pg'],
    ['no database', () => `${server.url('nowhere')}?application_name=${canary}`, 'pg'],
    ['no server', () => `postgres://u:${canary}@127.0.0.1:1/db`, 'pg'],
    ['no host', () => `postgres://u:${canary}@no-such-host.invalid/db`, 'pg'],
    ['no TLS', () => `${server.url('postgres', 'u', canary)}?sslmode=require`, 'pg'],
    ['no certificate', () => `postgres://u:${canary}@127.0.0.1/db?sslmode=require&sslkey=/nowhere`, 'pg'],
    ['a wrong key', () => `${server.url('postgres', 'u', canary)}?sslmode=require&sslkey=-----BEGIN${canary}`, 'pg'],
    ['a wrong URL', () => `postgres://u:${canary}%@h/db`, 'pg'],
  ];

  it.each(ways)('%s', async (_, makeUrl, driver) => {
    const url = await makeUrl();
    const error: unknown = await openPostgresDatabase({ connectionString: url, driver, migrations, runtime }).then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ kind: expect.stringMatching(/^(denied|unavailable|invalid)$/) });
    const lines: string[] = [];
    lineLog(
      () => 0,
      (line) => void lines.push(line),
    )({ level: 'error', message: 'x', error });
    expect(`${everythingIn(error)}${lines.join('')}`).not.toContain(canary);
    const service = await start(url, driver);
    for (const path of ['/api/db-status', '/api/students']) {
      const response = await service.send('GET', path);
      expect(response.status).toBe(503);
      expect(`${await response.text()}${everythingIn([...response.headers])}`).not.toContain(canary);
    }
  });

  it('of rows, in what fails and why', async () => {
    const service = await start(await server.createDatabase());
    await service.send('POST', '/api/students', { json: { name: 'Ada', email: `${canary}@example.org` } });
    const database = await openPostgresDatabase({
      connectionString: await server.createDatabase(),
      driver: 'pg',
      migrations,
      runtime,
    });
    onTestFinished(() => database.close());
    const row = { id: runtime.uuid(), name: 'x', email: `${canary}@example.org` };
    const insert = (values: object) =>
      database.write((queries) =>
        queries
          .insertInto('students')
          .values({ ...row, ...values })
          .execute(),
      );
    await insert({});
    for (const values of [{ id: runtime.uuid() }, { id: canary }, { name: null }, { created_at: canary }]) {
      const error: unknown = await insert(values).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ kind: expect.stringMatching(/^(conflict|invalid)$/) });
      expect(everythingIn(error)).not.toContain(canary);
    }
    expect(everythingIn(service.log)).not.toContain(canary);
  });

  it('the detector sees what is hidden', () => {
    const error = new Error('x', {
      cause: Object.defineProperty({}, 'password', { value: canary, enumerable: false }),
    });
    expect(everythingIn(error)).toContain(canary);
  });
});
