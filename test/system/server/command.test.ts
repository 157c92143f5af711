/** `npm start` from outside: real processes, real sockets, real signals. */
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { repository } from '../../../scripts/deployable.ts';
import { runNode, type ServedProject, startServer } from '../../support/programs.ts';

const token = 'admin-token-of-some-length';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eider-serve-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A folder with a `.env` that names a database of its own. */
async function place(name: string): Promise<string> {
  const cwd = join(folder, name);
  await mkdir(cwd);
  await writeFile(join(cwd, '.env'), `LOCAL_DB_PATH=${join(cwd, 'data/school.db')}\nADMIN_TOKEN=${token}\n`);
  return cwd;
}

async function serveIn(cwd: string, command?: readonly string[]): Promise<ServedProject> {
  const server = await startServer({ cwd, environment: { TMPDIR: cwd }, ...(command ? { command } : {}) });
  onTestFinished(() => server.stop());
  return server;
}

const authorization = `Bearer ${token}`;
const get = (url: string) => fetch(url, { headers: { authorization } });
const student = (name: string) => JSON.stringify({ name, email: `${name}@example.com` });
const post = (url: string, body: string) =>
  fetch(`${url}/api/students`, {
    method: 'POST',
    body,
    headers: { authorization, 'content-type': 'application/json' },
  });

async function emails(url: string): Promise<string[]> {
  const response = await get(`${url}/api/export?table=students&format=jsonl`);
  const lines = (await response.text()).split('\n').filter((line) => line !== '');
  return lines.map((line) => (JSON.parse(line) as { email: string }).email);
}

test('pages and functions on one connection, and a body as large as Vercel takes', { timeout: 120_000 }, async () => {
  const { url } = await serveIn(await place('requests'));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  const ports = new Set<number | undefined>();
  for (const [path, type] of [
    ['/', 'text/html; charset=utf-8'],
    ['/api/db-status', 'application/json'],
    ['/api/students', 'application/json'],
    ['/none', 'application/problem+json'],
  ] as const) {
    const sent = request(`${url}${path}`, { agent, headers: { authorization } }).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    ports.add(response.socket.localPort);
    expect([path, response.headers['content-type']]).toEqual([path, type]);
    await text(response);
  }
  expect(ports.size).toBe(1);

  // Read to its end, whatever is thought of the rows.
  const row = (index: number) => `${'x'.repeat(1000)},s${index}@example.com\n`;
  const body = `name,email\n${Array.from({ length: 4000 }, (_, index) => row(index)).join('')}`;
  expect(body.length).toBeGreaterThan(4_000_000);
  const send = async (sent: string) => {
    const headers = { authorization, 'content-type': 'text/csv' };
    const response = await fetch(`${url}/api/import?table=students`, { method: 'POST', body: sent, headers });
    return [response.status, await response.text()];
  };
  expect(await send(body)).toEqual([expect.any(Number), expect.stringMatching(/\b4000\b/)]);
  expect(await send(`${body}${' '.repeat(1_000_000)}`)).toEqual([413, expect.any(String)]);
});

test('without a token the machine alone gets in, whatever a client says of itself', { timeout: 60_000 }, async () => {
  const cwd = await place('open');
  await writeFile(join(cwd, '.env'), `LOCAL_DB_PATH=${join(cwd, 'data/school.db')}\n`);
  const { url } = await serveIn(cwd);
  const statusWith = async (headers: Readonly<Record<string, string>>): Promise<number | undefined> => {
    const sent = request(`${url}/api/students`, { headers }).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    response.resume();
    return response.statusCode;
  };
  expect(await statusWith({})).toBe(200);
  expect(await statusWith({ 'x-real-ip': '203.0.113.9' })).toBe(200);
  for (const headers of [
    { host: 'evil.example' },
    { 'x-forwarded-host': 'evil.example' },
    { 'x-forwarded-for': '203.0.113.9' },
    { 'x-forwarded-for': '203.0.113.9', 'x-real-ip': '127.0.0.1' },
    { forwarded: 'for=203.0.113.9' },
    { origin: 'https://evil.example' },
  ]) {
    expect([headers, await statusWith(headers)]).toEqual([headers, 403]);
  }
});

test('a change arrives at who follows them, whose stream ends with the server', { timeout: 60_000 }, async () => {
  const server = await serveIn(await place('events'));
  await post(server.url, student('before'));
  const stream = await fetch(`${server.url}/api/changes`, { headers: { authorization, accept: 'text/event-stream' } });
  const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
  await post(server.url, student('after'));
  let seen = '';
  while (!seen.includes('after@example.com')) seen += (await reader.read()).value ?? '';
  server.signal('SIGTERM');
  await expect(
    (async () => {
      while (!(await reader.read()).done);
    })(),
  ).rejects.toThrow('terminated');
  expect(await server.ended).toBe(0);
});

test('what was acknowledged before a signal under load is kept, and nothing under way is lost', async () => {
  const cwd = await place('load');
  const server = await serveIn(cwd);
  await post(server.url, student('first'));
  const acknowledged: string[] = ['first@example.com'];
  const refused: unknown[] = [];
  const client = async (number: number): Promise<void> => {
    for (let index = 0; ; index += 1) {
      const name = `c${number}-${index}`;
      const response = await post(server.url, student(name)).catch(() => null);
      if (response === null) return;
      if (response.status === 201) acknowledged.push(`${name}@example.com`);
      else refused.push([response.status, await response.text()]);
    }
  };
  const clients = Array.from({ length: 30 }, (_, number) => client(number));
  while (acknowledged.length < 100) await sleep(10);
  server.signal('SIGTERM');
  await Promise.all(clients);
  expect(await server.ended).toBe(0);
  expect(refused).toEqual([]);
  const again = await serveIn(cwd);
  const kept = await emails(again.url);
  expect(kept).toEqual(expect.arrayContaining(acknowledged));
  // Of the thirty that were cut off none was begun: each was answered, or never taken.
  expect(kept.length).toBe(acknowledged.length);
}, 60_000);

test('npm start serves a source as it is now, and ends as a whole', { timeout: 120_000 }, async () => {
  const project = await place('project');
  for (const name of ['api', 'eider.ts', 'lib', 'public', 'scripts', 'server.ts', 'package.json']) {
    await cp(join(repository, name), join(project, name), { recursive: true });
  }
  await symlink(join(repository, 'node_modules'), join(project, 'node_modules'));
  const server = await serveIn(project, ['npm', 'start', '--']);
  expect((await get(`${server.url}/api/db-status`)).status).toBe(200);
  const changed = `export const GET = async () => new Response('as changed');\n`;
  await writeFile(join(project, 'api/db-status.ts'), changed);
  const answer = async (): Promise<string> => {
    const { url } = { url: /^[^]*Eider serves (\S+)$/m.exec(server.output())?.[1] ?? '' };
    return get(`${url}/api/db-status`).then(
      (response) => response.text(),
      () => '',
    );
  };
  await expect.poll(answer, { timeout: 30_000 }).toBe('as changed');
  // Nothing of it is left: the pipes of its output close only when the last process has ended.
  server.signal('SIGTERM');
  await server.ended;
  expect(await answer()).toBe('');
});

test('a port that is taken ends the server, also where sources are watched', { timeout: 60_000 }, async () => {
  const cwd = await place('taken');
  const { url } = await serveIn(cwd);
  const { port } = new URL(url);
  const again = [join(repository, 'scripts/db.ts'), 'serve', '--port', port];
  for (const args of [again, ['--watch', '--watch-preserve-output', ...again]]) {
    const { code, output } = await runNode(args, { cwd });
    expect([code, output]).toEqual([1, expect.stringContaining(`127.0.0.1:${port}: the port is taken.`)]);
  }
});
