import { expect, onTestFinished, test } from 'vitest';
import { createApi } from '../../../lib/http/api.ts';
import { api } from '../../../eider.ts';
import type { EiderDatabase } from '../../../lib/index.ts';
import { openDatabase } from '../../../lib/index.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import { loadRoutes } from '../../support/routes.ts';

test('each file under api/ exports what the address of its name serves, and every address has a file', async () => {
  const exported = await loadRoutes();
  expect(exported.map(({ path }) => path).toSorted()).toEqual(Object.keys(api.functions).toSorted());
  for (const { path, served } of exported) expect({ ...served }).toEqual(Reflect.get(api.functions, path));
});

async function openBooks(environment: Record<string, string>): Promise<EiderDatabase> {
  const db = await openDatabase({ store: createMemoryStore(), name: 'books.db', environment });
  onTestFinished(() => db.close());
  await db.execute('CREATE TABLE books (isbn VARCHAR PRIMARY KEY, title VARCHAR)');
  return db;
}

const here = { host: 'localhost', 'x-real-ip': '127.0.0.1', 'x-forwarded-for': '127.0.0.1' };
const request = (path: string, init: RequestInit = {}) => new Request(`http://localhost${path}`, init);

test('where no token is set, nobody gets in by saying that they are on this machine, unless the server knows', async () => {
  const db = await openBooks({});
  const read = (one: ReturnType<typeof createApi>) => one.fetch(request('/api/books', { headers: here }));
  expect((await read(createApi(db))).status).toBe(403);
  expect((await read(createApi(db, { trustsPeer: true }))).status).toBe(200);
});

test('who the program knows has the role that it says; null leaves it to the tokens', async () => {
  const ADMIN_TOKEN = 'admin-token-of-some-length';
  const db = await openBooks({ ADMIN_TOKEN });
  const roles: Record<string, 'admin' | 'api' | 'public'> = { ada: 'admin', bob: 'api', eve: 'public' };
  const { fetch } = createApi(db, { authorize: async ({ headers }) => roles[headers.get('x-user') ?? ''] ?? null });
  const send = async (headers: Record<string, string>, sql: string) => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers } };
    return (await fetch(request('/api/sql', { ...init, body: JSON.stringify({ query: sql, params: [] }) }))).status;
  };
  const [define, write] = ['CREATE TABLE more (id INTEGER)', `INSERT INTO books VALUES ('a', 'Ada')`];
  expect(await send({ 'x-user': 'ada' }, define)).toBe(200);
  expect(await send({ 'x-user': 'bob' }, write)).toBe(200);
  expect(await send({ 'x-user': 'bob' }, 'DROP TABLE more')).toBe(403);
  expect(await send({ 'x-user': 'eve' }, write)).toBe(401);
  expect(await send({}, write)).toBe(401);
  expect(await send({ authorization: `Bearer ${ADMIN_TOKEN}` }, 'DROP TABLE more')).toBe(200);
});

test('several databases are open in one process, each with its API', async () => {
  const [one, other] = await Promise.all([openBooks({ PUBLIC_READ: 'true' }), openBooks({ PUBLIC_READ: 'true' })]);
  await one.execute(`INSERT INTO books VALUES ('a', 'Ada')`);
  const count = async (db: EiderDatabase) => {
    const response = await createApi(db).GET(request('/api/books'));
    return ((await response.json()) as { data: unknown[] }).data.length;
  };
  expect([await count(one), await count(other)]).toEqual([1, 0]);
});
