import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createApp } from '../../../lib/app.ts';
import { backendFactories } from '../../../lib/backends.ts';
import { createEndpoints } from '../../../lib/http/endpoints.ts';
import { defaultLoadLimits } from '../../../lib/http/load-shedder.ts';
import { type Runtime, systemRuntime } from '../../../lib/runtime.ts';
import { migrations } from '../../support/migrations.ts';
import { localRequest } from '../../support/requests.ts';
import { problemType } from '../../support/problems.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eider-app-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** The endpoints on a real backend, as in a process of its own. */
function start(
  environment: Record<string, string>,
  runtime: Runtime = systemRuntime,
  usesFallbacks = true,
  loadLimits = defaultLoadLimits,
) {
  const app = createApp({
    migrations,
    runtime,
    environment: () => ({ TMPDIR: join(folder, 'tmp'), ...environment }),
    factories: backendFactories,
    usesFallbacks,
    signals: process,
  });
  const waited: Promise<unknown>[] = [];
  const log: unknown[] = [];
  const services = {
    trustsPeer: true,
    app,
    log: (entry: unknown) => void log.push(entry),
    waitUntil: (promise: Promise<unknown>) => void waited.push(promise),
  };
  const endpoints = createEndpoints(services, loadLimits);
  const stop = async () => {
    await Promise.all(waited);
    await app.close();
  };
  return { endpoints, log, stop };
}

const post = (table: string, json: object) =>
  localRequest(`/api/${table}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(json),
  });
const get = (path: string) => localRequest(path);

describe.each([
  ['local', (path: string) => ({ LOCAL_DB_PATH: join(path, 'made', 'school.db') }), 'made'],
  ['network', (path: string) => ({ NETWORK_DB_PATH: join(path, 'school.db') }), '.'],
  ['volume', (path: string) => ({ VERCEL_VOLUME_PATH: join(path, 'school.db') }), '.'],
])('the backend %s', (backend, environment, where) => {
  it('is not down for a bookmark that is of no use', async () => {
    const { endpoints, stop } = start({ LOCAL_DB_PATH: join(folder, 'school.db') });
    const headers = { 'db-bookmark': '999999999' };
    const status = await endpoints.status(localRequest('/api/db-status', { headers }));
    expect([status.status, await status.json()]).toMatchObject([200, { status: 'ok' }]);
    expect((await endpoints.list(localRequest('/api/students', { headers }))).status).toBe(422);
    await stop();
  });

  it('keeps what was written for the next process, and publishes the database file', async () => {
    const listeners = process.listenerCount('SIGTERM');
    const first = start(environment(folder));
    const created = await first.endpoints.create(post('students', { name: 'Ada', email: 'ada@example.org' }));
    expect([created.status, created.headers.get('db-backend'), created.headers.get('db-durability')]).toEqual([
      201,
      backend,
      'durable',
    ]);
    expect((await first.endpoints.sync(get('/api/db-sync'))).status).toBe(200);
    await first.stop();

    const second = start(environment(folder));
    const path = created.headers.get('location') ?? '';
    expect(await (await second.endpoints.readOne(get(path))).json()).toEqual(await created.json());
    const status = await second.endpoints.status(get('/api/db-status'));
    expect([status.status, await status.json()]).toMatchObject([200, { status: 'ok', backend, engine: 'duckdb' }]);
    expect([...first.log, ...second.log]).toEqual([]);
    await second.stop();
    expect(await readdir(join(folder, where))).toEqual(expect.arrayContaining(['school.db', 'school.db.log']));
    expect(process.listenerCount('SIGTERM')).toBe(listeners);
  });
});

/** Time runs twenty times as fast, so that what is tried for seconds is given up soon. */
const fast: Runtime = {
  ...systemRuntime,
  monotonicMs: () => systemRuntime.monotonicMs() * 20,
  sleep: (ms, signal) => systemRuntime.sleep(ms / 20, signal),
};

it('is only read by a preview deployment, which runs no migration, unless it may share it', async () => {
  const environment = { NETWORK_DB_PATH: join(folder, 'school.db') };
  const course = { code: 'CS1', title: 'Computing', credits: 3 };
  const production = start(environment);
  expect((await production.endpoints.create(post('courses', course))).status).toBe(201);
  await production.stop();

  const preview = start({ ...environment, VERCEL_ENV: 'preview' });
  expect(await (await preview.endpoints.list(get('/api/courses'))).json()).toMatchObject({ data: [course] });
  const refused = await preview.endpoints.create(post('courses', { ...course, code: 'CS2' }));
  expect([refused.status, await refused.json()]).toMatchObject([
    403,
    { type: problemType('read-only'), hint: expect.stringContaining('DB_PREVIEW=shared') },
  ]);
  expect((await preview.endpoints.sync(get('/api/db-sync'))).status).toBe(403);
  const status = await preview.endpoints.status(get('/api/db-status'));
  expect(JSON.stringify(await status.json())).toContain('preview deployment');
  await preview.stop();

  const shared = start({ ...environment, VERCEL_ENV: 'preview', DB_PREVIEW: 'shared' });
  expect((await shared.endpoints.create(post('courses', { ...course, code: 'CS2' }))).status).toBe(201);
  await shared.stop();
});

it('is down while a network drive is away and nothing stands in, and serves once it is back', async () => {
  const drive = join(folder, 'drive');
  const { endpoints, stop } = start({ NETWORK_DB_PATH: join(drive, 'school.db') }, fast, false);
  const away = await endpoints.status(get('/api/db-status'));
  expect([away.status, await away.json()]).toMatchObject([
    503,
    { status: 'down', backend: 'network', persistent: true },
  ]);
  const list = await endpoints.list(get('/api/students'));
  expect([list.status, list.headers.get('content-type')]).toEqual([503, 'application/problem+json']);
  await mkdir(drive);
  expect((await endpoints.list(get('/api/students'))).status).toBe(200);
  await stop();
}, 20_000);

it.each([1, 7, 1000])(
  'writes and reads that share %i places all get through, and commits are shared',
  async (running) => {
    const lane = { ...defaultLoadLimits.write, running, maxWaitMs: 50_000 };
    const limits = { ...defaultLoadLimits, read: lane, write: lane };
    const { endpoints, stop } = start({ LOCAL_DB_PATH: folder }, systemRuntime, false, limits);
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, index) => [
        endpoints.create(post('students', { name: 'Ada', email: `${index}@example.org` })),
        endpoints.list(get('/api/students')),
      ]).flat(),
    );
    expect(answers.filter(({ status }) => status !== 200 && status !== 201)).toEqual([]);
    const commits = new Set(
      answers.filter(({ status }) => status === 201).map(({ headers }) => headers.get('db-bookmark')),
    );
    expect(commits.size).toBeLessThanOrEqual(running === 1 ? 60 : 40);
    await stop();
  },
  60_000,
);
