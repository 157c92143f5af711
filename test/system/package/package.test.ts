/** The package from its tarball: in an empty folder, and in the examples, whose servers are killed while they are written to. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { repository } from '../../../scripts/deployable.ts';
import { runNode, runProgram, startWebServer, type WebServer } from '../../support/programs.ts';
import { install, installExample, pack, succeed, type Tarball } from './installed.ts';

let folder: string;
let tarball: Tarball;
/** In an empty folder. */
let project: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eider-package-'));
  tarball = await pack(folder);
  project = join(folder, 'empty');
  const hono = { '@hono/node-server': '2.1.9', hono: '4.13.19' };
  const tools = { '@types/node': '24.19.2', typescript: '7.0.2', node22: 'npm:node@22.23.3', ...hono };
  await install(project, tarball, tools);
}, 300_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

test('holds modules, their types, the licence, and neither sources nor the sample', () => {
  const outside = tarball.files.filter((file) => !file.startsWith('dist/'));
  expect(outside.toSorted()).toEqual(['LICENSE', 'README.md', 'package.json']);
  expect(tarball.files).toContain('dist/types/index.d.ts');
  expect(tarball.files.filter((file) => /(?<!\.d)\.ts$|\.sql$/.test(file))).toEqual([]);
});

describe('an empty folder', () => {
  const fiveLines = `import { openDatabase } from 'eider';
import { directory } from 'eider/stores/directory';
const db = await openDatabase({ store: directory({ path: './data', create: true }), name: 'books.db' });
await db.execute('INSERT INTO books VALUES (gen_random_uuid(), $1)', ['Emma']);
console.log((await db.query('SELECT count(*) AS n FROM books')).rows);
`;
  const everything = `import { AppError, type EiderDatabase, lazyDatabase, type OpenDatabaseOptions } from 'eider';
import { createApi } from 'eider/http';
import { kyselyDialect } from 'eider/kysely';
import { blob } from 'eider/stores/blob';
import { gcs } from 'eider/stores/gcs';
import { s3 } from 'eider/stores/s3';
import { createMemoryStore, withFaults, withLatency } from 'eider/testing';
export const db: EiderDatabase = lazyDatabase();
export const { GET, POST, PATCH, PUT, DELETE } = createApi(db, { authorize: () => 'admin' });
const store = withLatency(withFaults(createMemoryStore(), { choose: () => null }), { ms: 1 });
export const options = (): OpenDatabaseOptions[] => [
  { store: s3({ bucket: 'data', region: 'eu-west-1' }) },
  { store: gcs({ bucket: 'data' }) },
  { store: blob(), name: 'books.db' },
  { store, name: 'books.db', migrations: new URL('migrations', import.meta.url) },
];
export const dialect = kyselyDialect(db);
export const rows = async (): Promise<string> => (await db.query('SELECT 1')).command;
export const failure = new AppError('invalid', 'No.').kind;
// @ts-expect-error has no such method
void db.nothing;
// @ts-expect-error is no role
createApi(db, { authorize: () => 'king' });
`;
  beforeAll(async () => {
    await mkdir(join(project, 'migrations'));
    const table = 'CREATE TABLE books (isbn VARCHAR PRIMARY KEY, title VARCHAR NOT NULL);';
    await writeFile(join(project, 'migrations/0001_books.sql'), table);
    await writeFile(join(project, 'five.ts'), fiveLines);
    await writeFile(join(project, 'everything.ts'), everything);
    await writeFile(join(project, 'plain.js'), fiveLines);
  });

  test.each([
    ['NodeNext', 'NodeNext'],
    ['ESNext', 'Bundler'],
  ])('its types are checked, the package’s own too: %s, %s', async (module, resolution) => {
    const tsc = join(project, 'node_modules/typescript/bin/tsc');
    const strict = ['--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', 'false', '--types', 'node'];
    const modules = ['--module', module, '--moduleResolution', resolution, '--target', 'ES2022'];
    const args = [tsc, '--noEmit', ...strict, ...modules, 'five.ts', 'everything.ts'];
    expect(await runNode(args, { cwd: project })).toEqual({ code: 0, output: '' });
  });

  test('what the pages show compiles, with the types of the tables that the command writes', async () => {
    const environment = { TMPDIR: project, LOCAL_DB_PATH: join(project, 'types/books.db') };
    const command = join(project, 'node_modules/.bin/eider');
    await succeed(runProgram(command, ['types', '--out', 'db.ts'], { cwd: project, environment }));
    const blocks = ['README.md', 'docs/in-process.md', 'docs/hono.md'].flatMap(blocksUsingThePackage);
    const files = blocks.map((block, index) => [`shown-${index}.ts`, preludeOf(block) + block] as const);
    expect(files.length).toBeGreaterThan(6);
    await Promise.all(files.map(([name, text]) => writeFile(join(project, name), text)));
    const tsc = join(project, 'node_modules/typescript/bin/tsc');
    const options = ['--strict', '--module', 'NodeNext', '--target', 'ES2022', '--allowImportingTsExtensions'];
    const args = [tsc, '--noEmit', '--types', 'node', ...options, ...files.map(([name]) => name)];
    expect(await runNode(args, { cwd: project })).toEqual({ code: 0, output: '' });
  });

  test('five lines of TypeScript, then of JavaScript, then on the oldest Node, on one database', async () => {
    const options = { cwd: project, environment: { TMPDIR: project } };
    expect(await succeed(runNode(['five.ts'], options))).toBe("[ { n: '1' } ]\n");
    expect(await succeed(runNode(['plain.js'], options))).toBe("[ { n: '2' } ]\n");
    const node22 = join(project, 'node_modules/node22/bin/node');
    const oldest = await succeed(runProgram(node22, ['--no-warnings', 'plain.js'], options));
    expect(oldest).toBe("[ { n: '3' } ]\n");
  });

  test('each module can be imported, and the command runs', async () => {
    const options = { cwd: project, environment: { TMPDIR: project, LOCAL_DB_PATH: join(project, 'data/books.db') } };
    const names = ['http', 'kysely', 'stores/blob', 'stores/gcs', 'stores/s3', 'testing'];
    const imports = names.map((name) => `import 'eider/${name}';`).join(' ');
    await succeed(runNode(['--input-type=module', '-e', imports], options));
    const command = join(project, 'node_modules/.bin/eider');
    expect(await succeed(runProgram(command, ['status'], options))).toMatch(/^ok: Data is in /);
  });
});

/** Of TypeScript in a page, what has to do with this package. */
function blocksUsingThePackage(page: string): string[] {
  const blocks = readFileSync(join(repository, page), 'utf8').matchAll(/^```ts\n([^]*?)^```/gm);
  return [...blocks].map(([, code = '']) => code).filter((code) => /'eider|createApi\(/.test(code));
}

/** What a block takes from the ones before it. */
function preludeOf(block: string): string {
  const db = block.includes('const db =') ? '' : "declare const db: import('eider').EiderDatabase;\n";
  const isMade = block.includes('import { createApi }') || !block.includes('createApi(');
  const api = isMade ? '' : "import { createApi } from 'eider/http';\n";
  const user = 'declare const userOf: (request: Request) => Promise<{ isEditor: boolean } | null>;\n';
  return `${api}${db}${block.includes('userOf') ? user : ''}export {};\n`;
}

const token = 'api-token-of-some-length';
const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
const write = (url: string, text: string): Promise<Response> =>
  fetch(`${url}/api/notes`, { method: 'POST', headers, body: JSON.stringify({ text }) });

async function notes(url: string): Promise<string[]> {
  const response = await fetch(`${url}/api/rest/v1/notes?select=text&order=text`, { headers });
  return ((await response.json()) as { text: string }[]).map(({ text }) => text);
}

/** Writes until the server is gone; answers what was acknowledged. */
async function writeUntilKilled(server: WebServer, names: string): Promise<string[]> {
  const acknowledged: string[] = [];
  const writer = async (id: number): Promise<void> => {
    for (let count = 0; ; count++) {
      const text = `${names}-${id}-${count}`;
      const response = await write(server.url, text).catch(() => null);
      if (response === null) return;
      if (response.status === 201) acknowledged.push(text);
    }
  };
  const writing = Promise.all([1, 2, 3, 4].map(writer));
  await expect.poll(() => acknowledged.length, { timeout: 60_000 }).toBeGreaterThan(20);
  await server.kill();
  await writing;
  return acknowledged;
}

/** Two processes on one drive, each as on a machine of its own. */
function twoProcesses(place: () => string, args: (port: number) => readonly string[]) {
  return async () => {
    const drive = await mkdtemp(join(folder, 'drive-'));
    const begin = async (machine: string): Promise<WebServer> => {
      const TMPDIR = join(drive, machine);
      await mkdir(TMPDIR, { recursive: true });
      const environment = { NETWORK_DB_PATH: join(drive, 'notes.db'), TMPDIR, API_TOKEN: token };
      const server = await startWebServer(args, { cwd: place(), environment });
      onTestFinished(() => server.stop());
      return server;
    };
    return { begin, one: await begin('one'), other: await begin('other') };
  };
}

describe('the example for Next.js', () => {
  let example: string;
  const environment = { NEXT_TELEMETRY_DISABLED: '1' };
  beforeAll(async () => {
    example = join(folder, 'nextjs');
    await installExample('nextjs', example, tarball, project);
    // There is no database yet, and none is made.
    const place = join(folder, 'nowhere/notes.db');
    const building = { ...environment, NETWORK_DB_PATH: place };
    await succeed(runNode(['node_modules/next/dist/bin/next', 'build'], { cwd: example, environment: building }));
  }, 600_000);

  const start = twoProcesses(
    () => example,
    (port) => ['node_modules/next/dist/bin/next', 'start', '-H', '127.0.0.1', '-p', String(port)],
  );

  test('a form, the page of another process, the API; nothing that was acknowledged is lost by a kill', async () => {
    const { begin, one, other } = await start();
    const page = await (await fetch(one.url)).text();
    const action = /name="(\$ACTION_ID_[^"]+)"/.exec(page)?.[1] ?? '';
    const form = new FormData();
    form.set(action, '');
    form.set('text', 'from a form');
    expect((await fetch(one.url, { method: 'POST', body: form })).status).toBeLessThan(400);
    expect(await (await fetch(other.url)).text()).toContain('<li>from a form</li>');
    expect((await fetch(`${one.url}/api/notes`, { headers: { 'x-real-ip': '127.0.0.1' } })).status).toBe(401);

    const acknowledged = await writeUntilKilled(one, 'note');
    expect(await notes(other.url)).toEqual(expect.arrayContaining([...acknowledged, 'from a form']));
    const again = await begin('one');
    expect((await write(again.url, 'after')).status).toBe(201);
    expect(await notes(other.url)).toEqual(await notes(again.url));
  }, 180_000);
});

describe('the example for Hono', () => {
  let example: string;
  beforeAll(async () => {
    example = join(folder, 'hono');
    await installExample('hono', example, tarball, project);
  }, 300_000);

  const start = twoProcesses(
    () => example,
    () => ['server.ts'],
  );

  test('its types are right', async () => {
    const tsc = join(example, 'node_modules/typescript/bin/tsc');
    expect(await runNode([tsc], { cwd: example })).toEqual({ code: 0, output: '' });
  });

  test('its own routes and the API, in two processes of which one is killed', async () => {
    const { one, other } = await start();
    const post = (text: string) => fetch(`${one.url}/notes`, { method: 'POST', body: text });
    expect((await post('own route')).status).toBe(201);
    expect((await post('')).status).toBe(400);
    expect(await (await fetch(other.url)).json()).toMatchObject([{ text: 'own route' }]);
    const acknowledged = await writeUntilKilled(one, 'note');
    expect(await notes(other.url)).toEqual(expect.arrayContaining([...acknowledged, 'own route']));
  }, 120_000);
});
