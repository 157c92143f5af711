/**
 * Each cloud exactly as a user sets it up, in `.env` under `npm start`: what is written in one place is there in
 * another, which shares nothing with it but the cloud.
 */
import { DuckDBInstance } from '@duckdb/node-api';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cloudNames, type CloudServer, startCloud } from '../../support/cloud-servers.ts';
import { type ServedProject, startServer } from '../../support/programs.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eider-clouds-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Single quotes keep all that is between them. */
function envFile(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `${name}='${value}'\n`)
    .join('');
}

/** The server, as on the machine `machine`: with a temporary folder of its own. */
async function serveOn(machine: string, cloud: CloudServer): Promise<ServedProject> {
  const TMPDIR = join(folder, machine);
  await mkdir(TMPDIR, { recursive: true });
  await writeFile(join(TMPDIR, '.env'), envFile(cloud.environment));
  return startServer({ cwd: TMPDIR, environment: { TMPDIR, ...cloud.redirection } });
}

/** Names of the folders of replicas on a machine. */
async function replicasOn(machine: string): Promise<string[]> {
  return (await readdir(join(folder, machine))).filter((name) => name.startsWith('eider-'));
}

interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

async function send(server: ServedProject, method: string, path: string, json?: object): Promise<Answered> {
  const body = json && { body: JSON.stringify(json), headers: { 'content-type': 'application/json' } };
  const response = await fetch(`${server.url}/api/${path}`, { method, ...body });
  const { status, headers } = response;
  return { status, headers, body: (await response.json()) as Answered['body'] };
}

/** The students in a database file, by a plain DuckDB client. */
async function namesIn(bytes: Uint8Array): Promise<unknown[]> {
  const file = join(folder, 'published.db');
  await writeFile(file, bytes);
  const instance = await DuckDBInstance.create(file, { access_mode: 'READ_ONLY' });
  const connection = await instance.connect();
  const rows = (await connection.runAndReadAll('SELECT name FROM students')).getRows();
  connection.disconnectSync();
  instance.closeSync();
  return rows.flat();
}

/** What the store was sent for one request: the numbers of `store;desc="…"`. */
function sentFor({ headers }: Answered) {
  const found = /store;desc="(\d+) write, (\d+) read, (\d+) free, (\d+) bytes up, (\d+) down"/.exec(
    headers.get('server-timing') ?? '',
  );
  const [write, read, free, bytesUp, bytesDown] = (found ?? []).slice(1).map(Number);
  return { write, read, free, bytesUp, bytesDown };
}

const some = expect.toSatisfy((count: unknown) => typeof count === 'number' && count > 0) as number;

describe.each(cloudNames)('%s', (backend) => {
  let cloud: CloudServer;
  const servers: ServedProject[] = [];

  beforeAll(async () => {
    cloud = await startCloud[backend]();
  });

  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await cloud?.close();
  });

  async function start(machine: string): Promise<ServedProject> {
    const server = await serveOn(machine, cloud);
    servers.push(server);
    return server;
  }

  test('keeps what was written, for a machine that has nothing of it', { timeout: 120_000 }, async () => {
    const here = await start(`${backend}-here`);
    const first = await send(here, 'GET', 'db-status');
    expect([first.status, first.body]).toMatchObject([
      200,
      {
        status: 'ok',
        message: 'Data persists with external DuckDB storage',
        backend,
        persistent: true,
        usage: { write: some, read: some, bytesUp: some },
      },
    ]);
    const created = await send(here, 'POST', 'students', { name: 'Ada', email: 'ada@example.com' });
    expect([created.status, created.headers.get('db-durability'), created.headers.get('db-backend')]).toEqual([
      201,
      'durable',
      backend,
    ]);
    expect(sentFor(created)).toMatchObject({ write: some, bytesUp: some });
    await here.stop();

    const elsewhere = await start(`${backend}-elsewhere`);
    expect(await replicasOn(`${backend}-elsewhere`)).toEqual([]);
    const read = await send(elsewhere, 'GET', `students/${String(created.body['id'])}`);
    expect([read.status, read.body]).toEqual([200, created.body]);
    expect(sentFor(read)).toMatchObject({ read: some, bytesDown: some });
    expect(await replicasOn(`${backend}-elsewhere`)).toHaveLength(1);

    const synced = await send(elsewhere, 'POST', 'db-sync');
    expect(synced.status).toBe(200);
    expect(await namesIn((await cloud.read(cloud.key)) ?? new Uint8Array())).toEqual(['Ada']);

    const last = await send(elsewhere, 'GET', 'db-status');
    expect(last.body).toMatchObject({ status: 'ok', checkpoint: { recordsSince: 0 } });
    const said = `${here.output()} ${elsewhere.output()} ${JSON.stringify([first.body, synced.body, last.body])}`;
    for (const secret of cloud.secrets) expect(said).not.toContain(secret);
  });
});
