import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { copyDeployable } from '../../../scripts/deployable.ts';
import type { DevServer } from '../../support/programs.ts';
import { startDevServer } from '../../support/programs.ts';
import { problemType } from '../../support/problems.ts';

const canary = 'zqCanary7';

let folder: string;
let project: string;
let server: DevServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eider-dev-'));
  project = join(folder, 'project');
  await copyDeployable(project);
  await write('.env', `# ${canary}\nLOCAL_DB_PATH=${join(folder, 'data/from-env-file.db')}\n`);
  await write('.env.local', `X=${canary}\n`);
  await write('.git/config', canary);
  await write('data/student_courses.db', canary);
  await write('notes.md', canary);
  server = await startDevServer(project, { TMPDIR: folder });
});

afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(join(project, path)), { recursive: true });
  await writeFile(join(project, path), content);
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** `path` goes out as it stands: `fetch` would resolve its dots. */
function get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port: server.port, path, headers }, (response) => {
      text(response).then(
        (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        reject,
      );
    });
    sent.on('error', reject).end();
  });
}

test.each([
  'lib/app.ts',
  'package.json',
  'package-lock.json',
  '.env',
  '.env.local',
  'tsconfig.json',
  'vercel.json',
  '.git/config',
  '.npmrc',
  'notes.md',
  'data/student_courses.db',
  'node_modules/kysely/package.json',
  'public/index.html',
])('/%s is there and not served', async (path) => {
  expect(existsSync(join(project, path))).toBe(true);
  expect((await get(`/${path}`)).status).toBe(404);
});

test.each([
  '/../package.json',
  '/..%2fpackage.json',
  '/%2e%2e/package.json',
  '/public/../package.json',
  '/public/../.env',
  '/./.env',
  '/%2eenv',
  '/lib%2fapp.ts',
  '/..%5cpackage.json',
  '/favicon.svg/../../.env',
])('%s does not lead there', async (path) => {
  const { status, body } = await get(path);
  expect(status).toBeGreaterThanOrEqual(400);
  expect(body).not.toContain(canary);
  expect(body).not.toContain('"dependencies"');
});

test('an address with two slashes leads to the one with one, and no further', async () => {
  const { status, headers, body } = await get('//package.json');
  expect(status).toBe(301);
  expect(body).not.toContain('"dependencies"');
  expect((await get(String(headers['location']))).status).toBe(404);
});

test('a function answers for its own source', async () => {
  const { body } = await get('/api/db-status.ts');
  expect(body).not.toMatch(/\bimport\b/);
});

test.each(['/', '/favicon.svg'])('%s is served, with the headers of vercel.json', async (path) => {
  const { status, headers } = await get(path);
  expect(status).toBe(200);
  expect(headers).toMatchObject({
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'content-security-policy': expect.stringContaining("default-src 'none'"),
  });
});

test('the page asks for nothing from elsewhere, runs no script of its own text, and what it asks for is there', async () => {
  const page = (await get('/')).body;
  expect(page).not.toMatch(/<script(?![^>]* src=)|<style|\bstyle=|\bon\w+=|javascript:|@import|url\(/i);
  const loaded = [...page.matchAll(/(?:src|<link[^>]*href)="([^"]*)"/g)].map(([, address]) => address ?? '');
  expect(loaded).toEqual(expect.arrayContaining(['/favicon.svg', expect.stringMatching(/^\.\/assets\/.*\.js$/)]));
  for (const address of loaded) {
    expect(address).toMatch(/^\.?\/\w/);
    expect({ address, status: (await get(address.replace(/^\./, ''))).status }).toEqual({ address, status: 200 });
  }
});

// Without a token: the machine itself gets in, as the last test shows.
test.each<Record<string, string>>([
  { host: 'evil.example' },
  { host: 'evil.example', 'x-forwarded-host': 'localhost:3000' },
  { 'x-forwarded-host': 'evil.example' },
  { 'x-forwarded-for': '203.0.113.9' },
  { origin: 'https://evil.example' },
])('a page elsewhere, or another machine, is refused: %j', async (headers) => {
  const { status, body } = await get('/api/students', headers);
  expect([status, JSON.parse(body)]).toMatchObject([403, { type: problemType('forbidden') }]);
});

test('who claims to be this machine, or not to be, changes nothing', async () => {
  for (const name of ['x-real-ip', 'x-vercel-forwarded-for', 'x-vercel-deployment-url']) {
    expect({ name, status: (await get('/api/students', { [name]: '203.0.113.9' })).status }).toEqual({
      name,
      status: 200,
    });
  }
});

test('.env is obeyed', async () => {
  expect((await get('/api/db-status')).body).toContain('from-env-file.db');
});

test('a source that is changed is served as it is now, soon', async () => {
  const functions = `new Proxy({}, { get: () => ({ GET: async () => new Response('as changed') }) })`;
  await write('eider.ts', `export const api = { functions: ${functions} };`);
  const answer = async () => (await get('/api/db-status').catch(() => null))?.body;
  await expect.poll(answer, { timeout: 30_000 }).toBe('as changed');
});
