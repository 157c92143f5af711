/** The driver of Google Cloud Storage when the network and the service fail: no wrong bytes, no false absence, no false
 * word about a write. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { AppError } from '../../../../lib/errors.ts';
import type { GcsStoreOptions } from '../../../../lib/store/gcs.ts';
import type { Store } from '../../../../lib/store/store.ts';
import type { ServerFault, ServerRequest } from '../../../support/servers/faults.ts';
import { GcsServer } from '../../../support/servers/gcs.ts';
import {
  allKeys,
  bytesOf,
  failure,
  kindOf,
  streamOf,
  summary,
  textOf,
} from '../../../../lib/testing/conformance/support.ts';
import { busy, faults, large, openOn, page } from '../../../support/places/gcs.ts';

const server = await GcsServer.start({ asksForTokens: false });
afterAll(() => server.stop());
afterEach(() => server.reset());

const open = (options: Partial<GcsStoreOptions> = {}) => openOn(server, options);

interface Operation {
  readonly run: (store: Store) => Promise<unknown>;
  readonly writes: boolean;
  /** Whether it took effect. */
  readonly isDone?: (store: Store) => Promise<boolean>;
}

const range = { start: 10, end: 90 };
const operations: Record<string, Operation> = {
  create: {
    run: (store) => store.create('new', textOf('new')),
    writes: true,
    isDone: async (store) => summary(await store.get('new')) === summary(textOf('new')),
  },
  'create of a small stream': {
    run: (store) => store.create('new', streamOf(textOf('new'))),
    writes: true,
    isDone: async (store) => summary(await store.get('new')) === summary(textOf('new')),
  },
  get: { run: (store) => store.get('there'), writes: false },
  'get of a range': { run: (store) => store.get('there', { range }), writes: false },
  head: { run: (store) => store.head('there'), writes: false },
  list: { run: (store) => store.list(''), writes: false },
  copy: {
    run: (store) => store.copy('there', 'new'),
    writes: true,
    isDone: async (store) => (await store.head('new')) !== null,
  },
  delete: {
    run: (store) => store.delete(['there']),
    writes: true,
    isDone: async (store) => (await store.head('there')) === null,
  },
};

const cases = Object.entries(operations).flatMap(([operation, work]) =>
  Object.entries(faults).map(([fault, what]) => ({ operation, work, fault, what })),
);

describe('a fault during', () => {
  test.for(cases)('$operation: $fault', async ({ work, what }) => {
    const { store } = open({ idleMs: 250 });
    await store.create('there', bytesOf(100));
    // A read that meets a cut on a kept connection is sent once more.
    const isCut = what.kind === 'cut-before' || what.kind === 'cut-after';
    server.faults.add(() => true, what, isCut && !work.writes ? 2 : 1);
    expect(await kindOf(work.run(store))).toBe(work.writes ? 'indeterminate' : 'unavailable');
    expect(server.faults.pending).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, what.kind === 'delay' ? what.ms : 0));
    const isDone = what.kind === 'cut-after' || what.kind === 'delay' || what.kind === 'cut-body';
    expect(await work.isDone?.(store)).toBe(work.writes ? isDone : undefined);
    await work.run(store);
  });

  test.for(Object.entries(operations))('%s: too many requests', async ([, work]) => {
    const { store } = open();
    await store.create('there', bytesOf(100));
    server.faults.add(() => true, { kind: 'answer', status: 429, body: busy, headers: { 'retry-after': '7' } });
    const error = (await failure(work.run(store))) as AppError;
    expect(error).toMatchObject({ kind: 'unavailable', retryAfterMs: 7000 });
    expect(await work.isDone?.(store)).toBe(work.writes ? false : undefined);
  });

  test.for(Object.entries(operations))('%s: the server is gone', async ([, work]) => {
    const { store } = open({ endpoint: 'http://127.0.0.1:9' });
    expect(await failure(work.run(store))).toMatchObject({
      kind: 'unavailable',
      message: expect.stringMatching(/cannot be reached \(.*: ECONNREFUSED\)/),
      hint: expect.stringContaining('GCS_ENDPOINT'),
    });
  });

  test.for(Object.entries(operations))('%s: the server speaks no TLS', async ([, work]) => {
    const { store } = open({ endpoint: server.url.replace('http:', 'https:') });
    expect(await failure(work.run(store))).toMatchObject({
      kind: 'denied',
      message: expect.stringContaining('certificate'),
      hint: expect.stringContaining('GCS_ENDPOINT'),
    });
  });

  test.for(Object.entries(operations))('%s: a 404 that is a web page is not absence', async ([, work]) => {
    const { store } = open();
    await store.create('there', bytesOf(100));
    for (const body of [page, '']) {
      server.faults.add(() => true, { kind: 'answer', status: 404, body });
      expect(await kindOf(work.run(store))).toBe('denied');
    }
    expect(await store.get('there')).toEqual(bytesOf(100));
  });

  test.for(Object.entries(operations))('%s: a success that is a web page', async ([name, work]) => {
    const { store } = open();
    await store.create('there', bytesOf(100));
    server.faults.add(() => true, { kind: 'answer', status: 200, body: page });
    // What has no form cannot be told from a page; records and snapshots have checksums of their own.
    if (['get', 'delete'].includes(name)) return;
    const read = name === 'get of a range' ? 'unavailable' : 'denied';
    expect(await kindOf(work.run(store))).toBe(work.writes ? 'indeterminate' : read);
  });

  test('a read that breaks halfway fails, and others go on', async () => {
    const { store } = open();
    await store.create('there', large);
    server.faults.add(() => true, { kind: 'cut-body', bytes: 100_000 });
    const [broken, whole] = await Promise.allSettled([store.get('there'), store.get('there')]);
    expect([broken, whole].map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  });

  test('a read whose server falls silent halfway', async () => {
    const silent = createServer((_request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('only the beginning');
    });
    onTestFinished(() => void silent.close());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { store } = open({ idleMs: 200, endpoint: `http://127.0.0.1:${(silent.address() as AddressInfo).port}` });
    expect(await kindOf(store.get('there'))).toBe('unavailable');
    expect(await new Promise<number>((resolve) => silent.getConnections((_, count) => resolve(count)))).toBe(0);
  });

  test.for(Object.entries(operations))('%s: a kept connection that is cut', async ([, work]) => {
    const { store } = open();
    await store.create('there', bytesOf(100));
    server.seen.length = 0;
    server.faults.add(() => true, { kind: 'cut-before' });
    const outcome = await work.run(store).then(
      () => 'done',
      () => 'failed',
    );
    expect([outcome, server.seen.length]).toEqual(work.writes ? ['failed', 1] : ['done', 2]);
  });

  test('is stopped at once, also while it waits for a connection', async () => {
    const { store } = open();
    await store.create('there', large);
    server.faults.add(({ method }) => method === 'GET', { kind: 'delay', ms: 3000 }, 64);
    const held = Array.from({ length: 64 }, () => store.get('there'));
    await expect.poll(() => server.faults.pending).toBe(0);
    const stopping = new AbortController();
    const waiting = [
      store.get('there', { signal: stopping.signal }),
      store.create('new', large, { signal: stopping.signal }),
    ];
    const kinds = Promise.all(waiting.map((work) => kindOf(work)));
    setTimeout(() => stopping.abort(new Error('enough')), 20);
    // Nothing was sent: it is known that nothing happened.
    expect(await kinds).toEqual(['unavailable', 'unavailable']);
    for (const bytes of await Promise.all(held)) expect(summary(bytes)).toBe(summary(large));
    expect(await store.head('new')).toBeNull();
  });

  test('connections that died while they were kept', async () => {
    const { store } = open();
    await Promise.all(Array.from({ length: 20 }, (_, index) => store.create(`k/${index}`, textOf('x'))));
    server.hangUp();
    const before = server.seen.length;
    expect(await store.get('k/1')).toEqual(textOf('x'));
    expect(await store.create('k/new', textOf('x'))).toBe('created');
    expect(server.seen.length - before).toBe(2);
  });
});

describe('answers that are not what was asked for', () => {
  const wrong: Record<string, Extract<ServerFault, { kind: 'answer' }>> = {
    'the whole instead of a part': { kind: 'answer', status: 200, body: 'x'.repeat(100) },
    'another part': {
      kind: 'answer',
      status: 206,
      body: 'x'.repeat(80),
      headers: { 'content-range': 'bytes 0-79/100' },
    },
    'a shorter part': {
      kind: 'answer',
      status: 206,
      body: 'x'.repeat(10),
      headers: { 'content-range': 'bytes 10-19/100' },
    },
    'more bytes than it says': {
      kind: 'answer',
      status: 206,
      body: 'x'.repeat(81),
      headers: { 'content-range': 'bytes 10-89/100' },
    },
    'fewer bytes than it says': {
      kind: 'answer',
      status: 206,
      body: 'x'.repeat(79),
      headers: { 'content-range': 'bytes 10-89/100' },
    },
  };
  test.for(Object.entries(wrong))('%s', async ([, fault]) => {
    const { store } = open();
    await store.create('there', bytesOf(100));
    server.faults.add(() => true, fault);
    expect(await kindOf(store.get('there', { range }))).toBe('unavailable');
  });

  test.each(['[]', '{}', '{"kind":"storage#objects","items":[{}]}', '{"kind":"storage#objects","items":7}'])(
    'a page of a list: %s',
    async (body) => {
      const { store } = open();
      server.faults.add(() => true, { kind: 'answer', status: 200, body });
      expect(await kindOf(store.list(''))).toBe('unavailable');
    },
  );

  test.each(['{}', '{"name":"other","size":"3","timeCreated":"2026-01-01T00:00:00Z"}', '{"name":"there","size":"3"}'])(
    'of head: %s',
    async (body) => {
      const { store } = open();
      server.faults.add(() => true, { kind: 'answer', status: 200, body });
      expect(await kindOf(store.head('there'))).toBe('unavailable');
    },
  );
});

describe('an emulator with texts of its own', () => {
  const notFound = JSON.stringify({ error: { code: 404, message: 'Not Found', errors: [{ reason: 'notFound' }] } });
  const ofObject = ({ path }: ServerRequest) => /\/o\/absent/.test(path);

  test('says that an object is absent, which the bucket confirms', async () => {
    const { store } = open();
    server.faults.add(ofObject, { kind: 'answer', status: 404, body: notFound }, 5);
    expect(await store.get('absent')).toBeNull();
    expect(await store.head('absent')).toBeNull();
    await store.delete(['absent']);
    expect(await kindOf(store.copy('absent', 'new'))).toBe('not-found');
  });

  test('is not believed while the bucket cannot be listed', async () => {
    const { store } = open();
    server.faults.add(ofObject, { kind: 'answer', status: 404, body: notFound });
    server.denied.add('storage.objects.list');
    expect(await kindOf(store.head('absent'))).toBe('denied');
  });
});

describe('pages and steps', () => {
  test('short and empty pages still make whole ones', async () => {
    const { store } = open();
    const keys = Array.from({ length: 25 }, (_, index) => `d/${String(index).padStart(2, '0')}`);
    for (const key of keys) await store.create(key, textOf(key));
    Object.assign(server.knobs, { pageObjects: 3, emptyPages: true });
    expect(await allKeys(store, 'd/')).toEqual(keys);
    expect((await store.list('d/', { limit: 10 })).objects).toHaveLength(10);
    expect((await store.list('d/', { limit: 10 })).more).toBe(true);
    expect((await store.list('d/', { limit: 30, after: 'd/20' })).objects.map(({ key }) => key)).toEqual(
      keys.slice(21),
    );
  });

  test('a page that goes on after a key is one request', async () => {
    const { store } = open();
    for (const key of ['a', 'a-', 'a/b', 'b', 'c']) await store.create(key, textOf(key));
    server.seen.length = 0;
    expect((await store.list('', { after: 'a', limit: 2 })).objects.map(({ key }) => key)).toEqual(['a-', 'a/b']);
    expect(server.seen).toHaveLength(1);
  });

  test('names that are no keys are passed over', async () => {
    const { store, bucket } = open();
    const free = { ifGenerationMatch: null, ifGenerationNotMatch: null };
    const content = { size: 0, bytes: new Uint8Array(0), contentType: 'text/plain' };
    for (const name of ['a/', 'a/b', 'a/ b', 'ä', 'a//c']) bucket.put(name, content, free, () => {});
    expect(await allKeys(store, '')).toEqual(['a/b']);
  });

  test('a copy in steps, and one that breaks in the midst', async () => {
    const { store } = open();
    server.knobs.rewriteBytes = 200_000;
    await store.create('from', large);
    await store.copy('from', 'to');
    expect(summary(await store.get('to'))).toBe(summary(large));
    expect(server.seen.filter(({ path }) => path.includes('/rewriteTo/'))).toHaveLength(3);
    await store.create('other', bytesOf(300_000, 9));
    server.faults.add(({ path }) => path.includes('rewriteToken'), { kind: 'answer', status: 503 });
    expect(await kindOf(store.copy('other', 'to'))).toBe('indeterminate');
    expect(summary(await store.get('to'))).toBe(summary(large));
  });

  test('of many deletes that fail in the midst it is said that some happened', async () => {
    const { store } = open();
    const keys = Array.from({ length: 40 }, (_, index) => `d/${index}`);
    for (const key of keys) await store.create(key, textOf(key));
    server.faults.add(({ path }) => path.endsWith('d%2F20'), { kind: 'answer', status: 429, body: busy });
    expect(await kindOf(store.delete(keys))).toBe('indeterminate');
    expect((await allKeys(store, '')).length).toBeLessThan(keys.length);
    await store.delete(keys);
    expect(await allKeys(store, '')).toEqual([]);
  });
});

describe('any sequence of faults', () => {
  const fault: fc.Arbitrary<ServerFault> = fc.oneof(
    { arbitrary: fc.constant<ServerFault>({ kind: 'delay', ms: 0 }), weight: 4 },
    fc.constantFrom<ServerFault[]>(
      { kind: 'cut-before' },
      { kind: 'cut-after' },
      { kind: 'answer', status: 503 },
      { kind: 'answer', status: 404, body: page },
      { kind: 'answer', status: 429, body: busy },
    ),
    fc.nat(400_000).map((bytes): ServerFault => ({ kind: 'cut-body', bytes })),
  );
  const name = fc.constantFrom(...Object.keys(operations), 'create in parts');

  test('leaves what was said true', async () => {
    const property = fc.asyncProperty(name, fc.array(fault, { maxLength: 6 }), async (operation, plan) => {
      const { store, bucket } = open();
      await store.create('there', bytesOf(100));
      for (const one of plan) server.faults.add(() => true, one);
      const work = operations[operation] ?? {
        run: () => store.create('new', streamOf(large)),
        writes: true,
        isDone: async () => summary(await store.get('new')) === summary(large),
      };
      const outcome = await work.run(store).then(
        (value) => ({ said: 'done', value }),
        async (error: unknown) => ({ said: error instanceof AppError ? error.kind : String(error), value: error }),
      );
      server.faults.clear();
      const isDone = await work.isDone?.(store);
      if (outcome.said === 'done' && outcome.value === 'exists') throw new Error('There was nothing.');
      const allowed: Record<string, readonly unknown[]> = work.writes
        ? { done: [true], unavailable: [false], denied: [false], indeterminate: [true, false] }
        : { done: [undefined], unavailable: [undefined], denied: [undefined] };
      assert.ok(allowed[outcome.said]?.includes(isDone), `${outcome.said}, but done: ${isDone}`);
      const isRead = !work.writes && outcome.said === 'done';
      if (isRead) assert.deepEqual(outcome.value, await work.run(store));
      assert.ok((await store.head('there')) !== null || operation === 'delete');
      assert.equal(server.openUploads(bucket) > 0 && outcome.said === 'done', false);
    });
    await expect(fc.assert(property, { numRuns: 400 })).resolves.toBeUndefined();
  });
});
