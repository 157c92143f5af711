/** Statements of one text that arrive together, and reads and writes of one table, each answered for itself. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { type Api, createApi } from '../../../../lib/http/api.ts';
import { openDatabase } from '../../../../lib/index.ts';
import { Session } from '../../../../lib/sync/sql.ts';
import type { Row } from '../../../../lib/values.ts';
import { temporaryFolder } from '../../../support/engine.ts';

const items = `CREATE TABLE items (id INTEGER PRIMARY KEY, name VARCHAR NOT NULL, tags VARCHAR[])`;

async function start(): Promise<Api> {
  const folder = await temporaryFolder();
  const migrations = join(folder, 'migrations');
  await mkdir(migrations);
  await writeFile(join(migrations, '0001_items.sql'), items);
  const database = await openDatabase({ environment: { LOCAL_DB_PATH: folder, TMPDIR: folder }, migrations });
  onTestFinished(() => database.close());
  return createApi(database, { authorize: () => 'admin', waitUntil: () => undefined });
}

async function ask(api: Api, method: string, path: string, json?: unknown): Promise<[number, Row]> {
  const body = json === undefined ? {} : { body: JSON.stringify(json) };
  const headers = { 'content-type': 'application/json' };
  const response = await api.fetch(new Request(`http://localhost/api/${path}`, { method, headers, ...body }));
  return [response.status, (await response.json()) as Row];
}

const insert = 'INSERT INTO items VALUES ($1, $2, $3) RETURNING id, tags';

it('INSERTs of one text are one statement, each with its own rows and its own error', async () => {
  const api = await start();
  await ask(api, 'POST', 'sql', { query: insert, params: [1000, 'first', null] });
  const spy = vi.spyOn(Session.prototype, 'withKeptStatement');
  onTestFinished(() => spy.mockRestore());
  const numbers = Array.from({ length: 15 }, (_, id) => id);
  const answers = await Promise.all(
    numbers.map((id) => ask(api, 'POST', 'sql', { query: insert, params: [id, `item ${id}`, [`t${id}`, 'x']] })),
  );
  expect(spy.mock.calls.length).toBeLessThanOrEqual(3);
  expect(answers.map(([status, { rows }]) => [status, rows])).toEqual(
    numbers.map((id) => [200, [{ id, tags: [`t${id}`, 'x'] }]]),
  );
  const mixed = await Promise.all(
    [100, 5, 101, 102].map((id) =>
      ask(api, 'POST', 'sql', { query: insert, params: [id, id === 102 ? null : 'n', null] }),
    ),
  );
  expect(mixed.map(([status, { code }]) => [status, code])).toEqual([
    [200, undefined],
    [400, '23505'],
    [200, undefined],
    [400, '23502'],
  ]);
  const [, counted] = await ask(api, 'POST', 'sql', { query: 'SELECT count(*)::INTEGER AS n FROM items' });
  expect(counted['rows']).toEqual([{ n: 18 }]);
});

it('a list that many ask for at once is read once', async () => {
  const api = await start();
  await ask(
    api,
    'POST',
    'items',
    [1, 2, 3].map((id) => ({ id, name: `n${id}` })),
  );
  await ask(api, 'GET', 'items?order=id');
  const spy = vi.spyOn(Session.prototype, 'withStatement');
  onTestFinished(() => spy.mockRestore());
  const answers = await Promise.all(Array.from({ length: 30 }, () => ask(api, 'GET', 'items?order=id.desc&limit=2')));
  expect(spy.mock.calls.length).toBeLessThanOrEqual(4);
  for (const [status, { data }] of answers) {
    expect([status, (data as Row[]).map(({ id }) => id)]).toEqual([200, [3, 2]]);
  }
  const wrong = await Promise.all(
    ['items/1', 'items/x', 'items/9', 'items?nothing=eq.1'].map((path) => ask(api, 'GET', path)),
  );
  expect(wrong.map(([status]) => status)).toEqual([200, 404, 404, 400]);
});
