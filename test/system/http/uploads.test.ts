/** Files in parts: sent in any order to any instance, imported once, all rows or none. */
import { DuckDBInstance } from '@duckdb/node-api';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CsvReader, readCsv } from '../../../lib/imports/csv.ts';
import type { Store } from '../../../lib/store/store.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import { layoutOf } from '../../../lib/sync/layout.ts';
import { systemRuntime } from '../../../lib/runtime.ts';
import { migrations } from '../../support/migrations.ts';
import { movableRuntime, temporaryFolder } from '../../support/engine.ts';
import { startReplicated } from '../../support/replicated.ts';
import { samplesMigration } from '../../support/samples.ts';
import { type Service, startService } from '../../support/service.ts';

interface Problem {
  readonly detail: string;
  readonly errors: readonly { readonly path: string; readonly message: string }[];
}

const layout = layoutOf('test.db');
const memory = (): Store => createMemoryStore({ runtime: systemRuntime });

async function begin(service: Service, table = 'courses', format = 'csv'): Promise<string> {
  const response = await service.send('POST', `/api/import?table=${table}&format=${format}&upload=begin`);
  expect(response.status).toBe(201);
  return ((await response.json()) as { upload: string }).upload;
}

const put = (service: Service, upload: string, part: number, body: string | Uint8Array<ArrayBuffer>) =>
  service.send('PUT', `/api/import?upload=${upload}&part=${part}`, { body });
const run = (service: Service, upload: string, more = '') =>
  service.send('POST', `/api/import?upload=${upload}${more}`);

async function sendAll(service: Service, upload: string, parts: readonly string[]): Promise<void> {
  for (const [index, part] of parts.entries()) expect((await put(service, upload, index + 1, part)).status).toBe(204);
}

async function count(service: Service, table = 'courses'): Promise<number> {
  const response = await service.send('GET', `/api/${table}?limit=1&count=exact`);
  return ((await response.json()) as { count: number }).count;
}

const partsIn = async (store: Store): Promise<readonly string[]> =>
  (await store.list(layout.uploadPrefix)).objects.map(({ key }) => key);

it('imports 12 MB that came in odd order through two instances, and keeps no part', async () => {
  const store = memory();
  const [one, other] = [await startReplicated({ store }), await startReplicated({ store })];
  // Three bytes a character, so that parts are cut within characters, too; blank lines are no rows.
  const blank = '\r\n'.repeat(200);
  const lines = Array.from({ length: 13_000 }, (_, i) => `C${i},"${'€'.repeat(196)}, ${i % 10}",${i % 31}\r\n${blank}`);
  const file = new TextEncoder().encode(`code,title,credits\r\n${lines.join('')}`);
  const size = Math.ceil(file.byteLength / 4_000_000);
  expect(file.byteLength).toBeGreaterThan(12_000_000);
  const upload = await begin(one);
  const parts = Array.from({ length: size }, (_, index) => index + 1).toReversed();
  for (const part of parts) {
    const bytes = file.slice((part - 1) * 4_000_000, part * 4_000_000);
    expect((await put(part % 2 === 0 ? one : other, upload, part, bytes)).status).toBe(204);
  }
  expect(await partsIn(store)).toHaveLength(size + 1);
  const response = await run(other, upload, `&parts=${size}`);
  expect([response.status, await response.json()]).toEqual([201, { table: 'courses', rows: 13_000 }]);
  expect(await partsIn(store)).toEqual([]);
  expect(await count(one)).toBe(13_000);
  const last = await one.send('GET', '/api/courses?code=eq.C12999');
  expect(await last.json()).toMatchObject({ data: [{ title: `${'€'.repeat(196)}, 9`, credits: 12_999 % 31 }] });
  // It was more than one record holds; what is known of the upload was committed with it.
  const [bulk] = (await store.list(layout.bulkPrefix)).objects;
  expect(bulk).toBeDefined();
  expect((await run(one, upload)).headers.get('idempotent-replayed')).toBe('true');
});

it('joins rows, quotes, line ends and characters that are cut anywhere', async () => {
  const service = await startReplicated();
  const text = '\uFEFFcode,title,credits\r\nA1,"a ""q"",b €",3\r\nA2,plain,4';
  const bytes = new TextEncoder().encode(text);
  for (const at of Array.from({ length: bytes.length - 1 }, (_, index) => index + 1).filter((each) => each % 3 === 0)) {
    const upload = await begin(service);
    await put(service, upload, 1, bytes.slice(0, at));
    await put(service, upload, 2, bytes.slice(at));
    expect((await run(service, upload)).status).toBe(201);
    const listed = (await (await service.send('GET', '/api/courses?order=code')).json()) as {
      data: { code: string; title: string; credits: number }[];
    };
    expect(listed.data.map(({ code, title, credits }) => [code, title, credits])).toEqual([
      ['A1', 'a "q",b €', 3],
      ['A2', 'plain', 4],
    ]);
    await service.send('DELETE', '/api/courses?id=is.not_null');
  }
});

it('reads CSV the same wherever it is cut', () => {
  const text = '\uFEFFa,b\r\n"x ""q""\r\ny",""\r\n\r\n1,"a,b"\r2,\n"",3';
  const whole = [...readCsv(text)];
  expect(whole).toHaveLength(5);
  for (let at = 1; at < text.length; at++) {
    const reader = new CsvReader();
    const cut = [
      ...reader.read(text.slice(0, at), false),
      ...reader.read(text.slice(at), false),
      ...reader.read('', true),
    ];
    expect([at, cut]).toEqual([at, whole]);
  }
  for (const wrong of ['a\n"b', 'a\n"b"c\n', 'a\nb"c\n', `a\n"${'b'.repeat(2 ** 21)}`]) {
    const reader = new CsvReader();
    expect(() => [...reader.read(wrong, false), ...reader.read('', true)]).toThrow(/line 2 has a quote out of place/);
  }
});

it('tells faults by line across parts, imports nothing then, and takes JSON lines as well', async () => {
  const service = await startReplicated();
  const upload = await begin(service);
  await sendAll(service, upload, ['code,title,credits\nA1,"two\nli', 'nes",3\nA2,,4\nA3,o', 'k,many\nA4,ok,1\n']);
  const response = await run(service, upload);
  expect(response.status).toBe(422);
  expect(((await response.json()) as Problem).errors.map(({ path }) => path)).toEqual(['4/title', '5/credits']);
  expect(await count(service)).toBe(0);
  const lines = await begin(service, 'courses', 'jsonl');
  await sendAll(service, lines, [
    '{"code":"B1","title":"x","cre',
    'dits":1}\n{"code":"B2","title":"y"',
    ',"credits":2}',
  ]);
  expect(await (await run(service, lines)).json()).toEqual({ table: 'courses', rows: 2 });
});

it('takes a part again, but not with other bytes', async () => {
  const store = memory();
  const [one, other] = [await startReplicated({ store }), await startReplicated({ store })];
  const upload = await begin(one);
  expect((await put(one, upload, 1, 'code,title,credits\nA1,x,1')).status).toBe(204);
  expect((await put(other, upload, 1, 'code,title,credits\nA1,x,1')).status).toBe(204);
  expect((await put(other, upload, 1, 'code,title,credits\nA1,x,2')).status).toBe(409);
  expect((await run(one, upload)).status).toBe(201);
  expect((await (await one.send('GET', '/api/courses')).json()) as object).toMatchObject({ data: [{ credits: 1 }] });
});

it('says which parts are missing, and goes on when they are there', async () => {
  const service = await startReplicated();
  const upload = await begin(service);
  const none = await run(service, upload);
  expect([none.status, ((await none.json()) as Problem).errors]).toEqual([
    409,
    [{ path: 'part/1', message: 'is missing' }],
  ]);
  await put(service, upload, 2, 'A1,x,1\n');
  await put(service, upload, 4, 'A3,x,1\n');
  const some = (await (await run(service, upload, '&parts=5')).json()) as Problem;
  expect(some.errors.map(({ path }) => path)).toEqual(['part/1', 'part/3', 'part/5']);
  await put(service, upload, 1, 'code,title,credits\n');
  await put(service, upload, 3, 'A2,x,1\n');
  expect((await run(service, upload, '&parts=3')).status).toBe(409);
  expect((await run(service, upload, '&parts=5')).status).toBe(409);
  expect(await (await run(service, upload, '&parts=4')).json()).toEqual({ table: 'courses', rows: 3 });
});

it('imports once, however often and wherever it is asked for', async () => {
  const store = memory();
  // A table without anything unique: only the upload's own key holds a second import back.
  const options = {
    store,
    migrations: [...migrations, samplesMigration],
  };
  const [one, other] = [await startReplicated(options), await startReplicated(options)];
  const upload = await begin(one, 'samples');
  // A text of two lines in two parts.
  await sendAll(one, upload, ['note,amount\n"one\n', 'two",1\n', ',2\n'.repeat(49)]);
  const both = await Promise.all([run(one, upload), run(other, upload), run(other, upload)]);
  // The parts may be gone when another one comes to read them.
  expect(both.map(({ status }) => status)).toContain(201);
  expect(both.filter(({ status }) => ![201, 404, 409].includes(status))).toEqual([]);
  const again = await run(other, upload);
  expect([again.status, await again.json()]).toEqual([201, { table: 'samples', rows: 50 }]);
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect(await count(one, 'samples')).toBe(50);
  const first = await (await one.send('GET', '/api/samples?amount=eq.1')).json();
  expect(first).toMatchObject({ data: [{ note: 'one\ntwo' }] });
});

it('does not import again what was imported by an instance that died before it dropped the parts', async () => {
  const store = memory();
  let keeps = true;
  const forgetful: Store = {
    location: store.location,
    create: (...given) => store.create(...given),
    get: (...given) => store.get(...given),
    head: (...given) => store.head(...given),
    list: (...given) => store.list(...given),
    copy: (...given) => store.copy(...given),
    delete: (...given) => (keeps ? Promise.resolve() : store.delete(...given)),
  };
  const service = await startReplicated({ store: forgetful });
  const upload = await begin(service);
  await sendAll(service, upload, ['code,title,credits\nA1,x,1\n']);
  expect((await run(service, upload)).headers.get('idempotent-replayed')).toBeNull();
  await service.send('DELETE', '/api/courses?id=is.not_null');
  expect(await partsIn(store)).toHaveLength(2);
  keeps = false;
  expect((await run(service, upload)).headers.get('idempotent-replayed')).toBe('true');
  expect([await count(service), await partsIn(store)]).toEqual([0, []]);
});

it('knows no upload that never was, was given up, or is a day old', async () => {
  const [store, runtime] = [memory(), movableRuntime()];
  const service = await startReplicated({ store, runtime });
  const upload = await begin(service);
  await put(service, upload, 1, 'x');
  expect((await service.send('DELETE', `/api/import?upload=${upload}`)).status).toBe(204);
  expect(await partsIn(store)).toEqual([]);
  const old = await begin(service);
  runtime.wallOffsetMs += 24 * 3_600_000;
  for (const each of [upload, old, systemRuntime.uuid(), 'nonsense']) {
    const answers = [
      put(service, each, 1, 'x'),
      run(service, each),
      service.send('DELETE', `/api/import?upload=${each}`),
    ];
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([404, 404, 404]);
  }
});

it('drops unfinished uploads, on db-sync', async () => {
  const runtime = movableRuntime();
  const store = createMemoryStore({ runtime });
  const service = await startReplicated({ store, database: { runtime }, runtime });
  const old = await begin(service);
  await put(service, old, 1, 'x');
  runtime.wallOffsetMs += 23 * 3_600_000;
  const young = await begin(service);
  expect((await service.send('POST', '/api/db-sync')).status).toBe(200);
  expect(await partsIn(store)).toHaveLength(3);
  runtime.wallOffsetMs += 2 * 3_600_000;
  expect((await service.send('POST', '/api/db-sync')).status).toBe(200);
  expect(await partsIn(store)).toEqual([layout.uploadKey(young, 0)]);
});

it('refuses parts that are too large or too many, and what makes no sense', async () => {
  const service = await startReplicated();
  const upload = await begin(service);
  const statuses = async (...answers: Promise<Response>[]) => (await Promise.all(answers)).map(({ status }) => status);
  expect(await statuses(put(service, upload, 1, new Uint8Array(4_000_001)), put(service, upload, 51, 'x'))).toEqual([
    413, 400,
  ]);
  expect(
    await statuses(
      put(service, upload, 0, 'x'),
      put(service, upload, 1, ''),
      service.send('PUT', `/api/import?upload=${upload}`, { body: 'x' }),
      service.send('DELETE', '/api/import'),
      service.send('POST', '/api/import?upload=begin&format=csv'),
      service.send('POST', '/api/import?upload=begin&table=courses'),
      service.send('POST', '/api/import?upload=begin&table=nothing&format=csv'),
      run(service, upload, '&table=courses'),
      service.send('POST', `/api/import?upload=${upload}`, {
        body: 'x',
        headers: { 'content-length': '1', 'content-type': 'text/csv' },
      }),
    ),
  ).toEqual([400, 400, 400, 400, 400, 415, 404, 400, 400]);
});

it('has a million rows at most', async () => {
  const service = await startReplicated();
  const path = join(await temporaryFolder(), 'x.parquet');
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  await connection.run(`COPY (SELECT 1 AS credits FROM range(1000001)) TO '${path}'`);
  const upload = await begin(service, 'courses', 'parquet');
  await put(service, upload, 1, new Uint8Array(readFileSync(path)));
  const response = await run(service, upload);
  expect(((await response.json()) as Problem).detail).toMatch(/may have 1000000 rows/);
});

it('says that PostgreSQL takes no parts', async () => {
  const service = await startService();
  const response = await service.send('POST', '/api/import?table=courses&format=csv&upload=begin');
  expect([response.status, ((await response.json()) as Problem).detail]).toEqual([
    422,
    'On PostgreSQL a file has to be imported in one request.',
  ]);
  await service.app.close();
});

it('has sixteen uploads open at one time', async () => {
  const service = await startReplicated();
  const open: string[] = [];
  while (open.length < 16) open.push(await begin(service));
  const refused = await service.send('POST', '/api/import?table=courses&format=csv&upload=begin');
  expect([refused.status, await refused.json()]).toMatchObject([409, { detail: /16 uploads/ }]);
  await service.send('DELETE', `/api/import?upload=${open[0]}`);
  await begin(service);
});
