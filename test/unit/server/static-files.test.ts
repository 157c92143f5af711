import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { repository } from '../../../scripts/deployable.ts';
import type { Fetch } from '../../../lib/http/router.ts';
import { assetCaching, pageHeaders, withStaticFiles } from '../../../lib/server/static-files.ts';

let folder: string;
let site: Fetch;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eider-static-'));
  for (const [path, text] of [
    ['secret.txt', 'secret'],
    ['public/index.html', '<p>'],
    ['public/a/b.js', 'x'],
    ['public/assets/c-1.js', 'plain'],
    ['public/assets/c-1.js.br', 'packed'],
    ['public/.env', 'secret'],
    ['public/api/students', 'no'],
  ] as const) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  site = withStaticFiles(pathToFileURL(join(folder, 'public/')), () => Promise.resolve(new Response('other')));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const ask = (path: string, init: RequestInit = {}) => site(new Request(`http://localhost${path}`, init));

test.each([
  ['/', '<p>', 'text/html; charset=utf-8'],
  ['/index.html?x=1', '<p>', 'text/html; charset=utf-8'],
  ['/a/b.js', 'x', 'text/javascript; charset=utf-8'],
])('%s is served', async (path, text, type) => {
  const response = await ask(path);
  expect([response.status, await response.text(), response.headers.get('content-type')]).toEqual([200, text, type]);
  expect(Object.fromEntries(response.headers)).toMatchObject(pageHeaders);
});

test.each([
  '/secret.txt',
  '/../secret.txt',
  '/%2e%2e/secret.txt',
  '/a/..%2f..%2fsecret.txt',
  '/..%5csecret.txt',
  '/.env',
  '/%2eenv',
  '/a',
  '/a/',
  '/a//b.js',
  '/a/b.js/',
  '/a/b.js%00',
  '/api/students',
  '/none.html',
])('%s is not', async (path) => expect(await (await ask(path)).text()).toBe('other'));

test('only what reads is answered', async () => {
  expect(await (await ask('/', { method: 'POST' })).text()).toBe('other');
  const head = await ask('/', { method: 'HEAD' });
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '3', '']);
});

test('a file that the client has is not sent again, until it changes', async () => {
  const etag = (await ask('/a/b.js')).headers.get('etag') ?? '';
  const again = (tag = etag) => ask('/a/b.js', { headers: { 'if-none-match': `"other", ${tag}` } });
  const unchanged = await again();
  expect([unchanged.status, unchanged.headers.get('etag'), await unchanged.text()]).toEqual([304, etag, '']);
  expect((await again(etag.replace('W/', ''))).status).toBe(304);
  await writeFile(join(folder, 'public/a/b.js'), 'y');
  expect(await (await again()).text()).toBe('y');
});

test('an asset is kept for good, and sent as the build compressed it to whoever takes that', async () => {
  const answers = await Promise.all(
    ['gzip', 'gzip, br'].map((accepted) => ask('/assets/c-1.js', { headers: { 'accept-encoding': accepted } })),
  );
  expect(await Promise.all(answers.map((answer) => answer.text()))).toEqual(['plain', 'packed']);
  expect(answers.map(({ headers }) => headers.get('content-encoding'))).toEqual([null, 'br']);
  expect(answers.map(({ headers }) => headers.get('content-type'))).toEqual(
    Array(2).fill('text/javascript; charset=utf-8'),
  );
  expect(answers.map(({ headers }) => headers.get('cache-control'))).toEqual([assetCaching, assetCaching]);
});

interface Rule {
  source: string;
  headers: { key: string; value: string }[];
}

test('the headers are those of vercel.json', async () => {
  const { headers } = JSON.parse(await readFile(join(repository, 'vercel.json'), 'utf8')) as {
    headers: Record<0 | 1, Rule> & Rule[];
  };
  expect(headers.map(({ source }) => source)).toEqual(['/(.*)', '/assets/(.*)']);
  expect(headers[1].headers).toEqual([{ key: 'Cache-Control', value: assetCaching }]);
  expect(Object.fromEntries(headers[0].headers.map(({ key, value }) => [key.toLowerCase(), value]))).toEqual(
    pageHeaders,
  );
});
