import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Validator } from '@seriousme/openapi-schema-validator';
import openapiTypescript, { type OpenAPI3 } from 'openapi-typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrations } from '../../support/migrations.ts';
import { runNode } from '../../support/programs.ts';
import { serveEndpoints } from '../../support/http-server.ts';
import { answerCheck } from '../../support/openapi.ts';
import { problemType } from '../../support/problems.ts';
import { startReplicated } from '../../support/replicated.ts';
import { loadRoutes } from '../../support/routes.ts';
import { samplesMigration } from '../../support/samples.ts';
import { type Service, startService } from '../../support/service.ts';
import { temporaryFolder } from '../../support/engine.ts';

type Operations = Record<string, { operationId: string; responses: object }>;
type Document = {
  openapi: string;
  paths: Record<string, Operations>;
};

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.app.close());

const documentOf = async (of: Service) => (await (await of.send('GET', '/api/openapi')).json()) as Document;
const operationsOf = (item: Operations) => Object.entries(item).filter(([method]) => method !== 'parameters');

describe('the document', () => {
  it('is OpenAPI 3.1 to a validator that is not ours, also with a table of every kind of column', async () => {
    const more = await startService({ migrations: [...migrations, samplesMigration] });
    for (const each of [service, more]) {
      const validator = new Validator();
      expect(await validator.validate(await documentOf(each))).toEqual({ valid: true });
      expect(validator.version).toBe('3.1');
    }
    await more.app.close();
  });

  it('describes what the files under api/ export, and nothing else', async () => {
    const { paths } = await documentOf(service);
    const described = Object.entries(paths).flatMap(([path, item]) =>
      operationsOf(item).map(([method]) => `${method.toUpperCase()} ${path}`),
    );
    const exported = (await loadRoutes()).flatMap(({ path, served }) => {
      const refused = served['OPTIONS'];
      const methods = Object.keys(served).filter((method) => served[method] !== refused && method !== 'HEAD');
      const isPerTable = path.includes('[table]') && !path.startsWith('/api/rest/');
      const places = isPerTable
        ? ['courses', 'enrollments', 'students'].map((table) => path.replace('[table]', table).replace('[id]', '{key}'))
        : [path.replaceAll(/\[(\w+)\]/g, '{$1}')];
      return places.flatMap((place) => methods.map((method) => `${method} ${place}`));
    });
    expect(described.toSorted()).toEqual(exported.toSorted());
    const ids = Object.values(paths).flatMap((item) => operationsOf(item).map(([, { operationId }]) => operationId));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('has no parameters, and is not sent again to who has it', async () => {
    expect((await service.send('GET', '/api/openapi?x=1')).status).toBe(400);
    const etag = (await service.send('GET', '/api/openapi')).headers.get('etag') ?? '';
    const again = await service.send('GET', '/api/openapi', { headers: { 'if-none-match': etag } });
    expect(again.status).toBe(304);
  });
});

describe('an answer that is not described', () => {
  const row = {
    id: '0193f0c0-0000-7000-8000-000000000001',
    name: 'Ada',
    email: 'ada@example.org',
    created_at: '2026-11-24T04:05:06.789000Z',
    updated_at: '2026-11-24T04:05:06.789000Z',
  };
  const { email: _, ...withoutEmail } = row;
  const path = `/api/students/${row.id}`;
  const problem = { type: '/x', title: 'x', status: 404, detail: 'x' };
  const answer = (status: number, body: object, type = 'application/json') =>
    new Response(JSON.stringify(body), { status, headers: { 'content-type': type } });

  it.each([
    ['a status', 'GET', path, answer(418, problem, 'application/problem+json')],
    ['a type', 'GET', path, answer(200, row, 'text/plain')],
    ['a member more', 'PUT', path, answer(200, { ...row, secret: 1 })],
    ['a member less', 'PUT', path, answer(200, withoutEmail)],
    ['a value of another type', 'GET', path, answer(200, { ...row, name: 5 })],
    ['another format', 'GET', path, answer(200, { ...row, created_at: 'yesterday' })],
    ['a problem that is none', 'GET', path, answer(404, { error: 'x' }, 'application/problem+json')],
    ['a body where none is', 'DELETE', path, answer(202, row)],
    ['a method', 'POST', path, answer(200, row)],
  ])('is noticed: %s', async (_name, method, address, response) => {
    await expect(answerCheck(service.app)(method, address, response)).rejects.toThrow(/describe/);
  });

  it('and one that is passes', async () => {
    const check = answerCheck(service.app);
    await expect(check('GET', `${path}?select=id`, answer(200, { id: row.id }))).resolves.toBeUndefined();
    await expect(check('PUT', path, answer(200, row))).resolves.toBeUndefined();
    await expect(check('GET', path, answer(404, problem, 'application/problem+json'))).resolves.toBeUndefined();
  });
});

/** What a client of this API would write: its types are checked, then it runs against a real server. */
const program = `
import createClient from 'openapi-fetch';
import type { components, paths } from './eider.ts';

const client = createClient<paths>({ baseUrl: process.argv[2]! });
const must = <T>(value: T | undefined, what: unknown): T => {
  if (value === undefined) throw new Error(JSON.stringify(what));
  return value;
};

const created = await client.POST('/api/courses', { body: { code: 'CS1', title: 'Computing', credits: 5 } });
const course = must(created.data, created.error) as components['schemas']['Courses'];
await client.POST('/api/courses', { body: [{ code: 'CS2', title: 'Logic', credits: 3 }, { code: 'CS3', title: 'Sets', credits: 1 }] });
const list = await client.GET('/api/courses', {
  params: { query: { credits: ['gte.3', 'lt.9'], order: 'credits.desc', select: 'code,credits', count: 'exact' } },
});
const page = must(list.data, list.error);
const id = { path: { key: course.id } };
const changed = await client.PATCH('/api/courses/{key}', {
  params: { ...id, header: { 'if-match': must(created.response.headers.get('etag') ?? undefined, 'no tag') } },
  body: { credits: 6 },
});
const stale = await client.PATCH('/api/courses/{key}', {
  params: { ...id, header: { 'if-match': '"stale"' } },
  body: { credits: 7 },
});
const wrong = await client.POST('/api/courses', { body: { code: 'CS4', title: 'x', credits: 31 } });
const many = await client.PATCH('/api/courses', { params: { query: { credits: ['lt.4'] } }, body: { title: 'Small' } });
const feed = await client.GET('/api/changes', { params: { query: { after: 0 } } });
const news = must(feed.data, feed.error);
if (typeof news === 'string') throw new Error('Events were not asked for.');
const status = await client.GET('/api/db-status');
const gone = await client.DELETE('/api/courses/{key}', { params: id });

// @ts-expect-error columns that are missing, and one of another type
await client.PUT('/api/courses/{key}', { params: id, body: { code: 5 } });
// @ts-expect-error a value of another type
const credits: string | undefined = changed.data?.credits;

console.log(JSON.stringify({
  codes: page.data.map(({ code }) => code),
  count: page.count,
  credits,
  stale: [stale.response.status, stale.error?.type],
  wrong: wrong.error?.errors?.map(({ path }) => path),
  updated: many.data?.updated,
  head: news.data.length === news.head,
  status: status.data?.status,
  gone: gone.response.status,
}));
`;

it('makes a typed client that works', async () => {
  const live = await startReplicated();
  const server = await serveEndpoints(live.endpoints);
  const url = `http://127.0.0.1:${server.port}`;
  const folder = await temporaryFolder();
  const fetchClient = fileURLToPath(import.meta.resolve('openapi-fetch'));
  const packages = fetchClient.slice(0, fetchClient.indexOf(join('/', 'openapi-fetch', '/')));
  await symlink(packages, join(folder, 'node_modules'));
  const response = await fetch(`${url}/api/openapi`);
  await writeFile(join(folder, 'eider.ts'), await openapiTypescript((await response.json()) as OpenAPI3));
  await writeFile(join(folder, 'client.ts'), program);
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  const compilerOptions = {
    strict: true,
    target: 'esnext',
    module: 'nodenext',
    noEmit: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    types: ['node'],
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['client.ts'] }));
  const checked = await runNode([join(packages, 'typescript/bin/tsc'), '-p', folder], { cwd: folder });
  expect(checked).toEqual({ code: 0, output: '' });
  const ran = await runNode(['client.ts', url], { cwd: folder });
  await server.close();
  expect(ran).toMatchObject({ code: 0, output: expect.stringMatching(/^\{.*\}\n$/) });
  expect(JSON.parse(ran.output)).toEqual({
    codes: ['CS1', 'CS2'],
    count: 2,
    credits: 6,
    stale: [412, problemType('precondition-failed')],
    wrong: ['credits'],
    updated: 2,
    head: true,
    status: 'ok',
    gone: 204,
  });
});
