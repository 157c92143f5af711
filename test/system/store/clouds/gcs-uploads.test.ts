/** Uploads in parts to Google Cloud Storage: they go on after a fault, leave nothing behind, and hold one part. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { AppError } from '../../../../lib/errors.ts';
import { createGcsStore, type GcsStoreOptions } from '../../../../lib/store/gcs.ts';
import type { ByteRange, Store } from '../../../../lib/store/store.ts';
import type { ServerRequest } from '../../../support/servers/faults.ts';
import { GcsServer } from '../../../support/servers/gcs.ts';
import { bytesOf, failure, kindOf, streamOf, summary, textOf } from '../../../../lib/testing/conformance/support.ts';
import { busy, faults, large, openOn, partBytes } from '../../../support/places/gcs.ts';

const server = await GcsServer.start({ asksForTokens: false });
afterAll(() => server.stop());
afterEach(() => server.reset());

const open = (options: Partial<GcsStoreOptions> = {}) => openOn(server, options);

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes in buffers that someone still holds. */
function liveBytes(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

describe('an upload in parts', () => {
  const isPart = ({ method, headers }: ServerRequest, first: number) =>
    method === 'PUT' && String(headers['content-range']).startsWith(`bytes ${first}-`);
  const isQuestion = ({ headers }: ServerRequest) => String(headers['content-range']).startsWith('bytes */');
  const lastFirst = 2 * partBytes;
  const create = (store: Store) => store.create('key', streamOf(large));

  const passing = ['cut before', 'cut after', 'a 503', 'silence', 'cut in the head of the body'];
  const parts = [0, partBytes, lastFirst].flatMap((first) => passing.map((fault) => ({ first, fault })));
  test.for(parts)('goes on after the part from $first on met: $fault', async ({ first, fault }) => {
    const { store, bucket } = open({ idleMs: 250 });
    server.faults.add((request) => isPart(request, first), faults[fault]!);
    expect(await create(store)).toBe('created');
    expect(server.faults.pending).toBe(0);
    expect(summary(await store.get('key'))).toBe(summary(large));
    expect(server.openUploads(bucket)).toBe(0);
  });

  test('goes on where the store has less than was sent', async () => {
    const { store } = open({ partBytes: 512 * 1024 });
    server.knobs.shortParts = 3;
    const bytes = bytesOf(1_500_000);
    expect(await store.create('key', streamOf(bytes))).toBe('created');
    expect(summary(await store.get('key'))).toBe(summary(bytes));
    expect(server.knobs.shortParts).toBe(0);
  });

  test.each([
    ['less than it had confirmed', {}],
    ['part of what it had confirmed', { range: 'bytes=0-999' }],
    ['more than was sent', { range: `bytes=0-${large.byteLength}` }],
  ])('to a store that has %s is given up', async (_, headers) => {
    const { store, bucket } = open();
    server.faults.add((request) => isPart(request, partBytes), { kind: 'answer', status: 308, headers });
    expect(await failure(create(store))).toMatchObject({
      kind: 'unavailable',
      message: 'The store lost track of an upload, so it was cancelled.',
    });
    expect(await store.head('key')).toBeNull();
    expect(server.openUploads(bucket)).toBe(0);
  });

  test('that was taken, whose answers are all lost, may have happened', async () => {
    const { store } = open();
    server.faults.add((request) => isPart(request, lastFirst), { kind: 'cut-after' });
    server.faults.add(isQuestion, { kind: 'cut-before' }, Infinity);
    expect(await kindOf(create(store))).toBe('indeterminate');
    expect(summary(await store.get('key'))).toBe(summary(large));
  });

  test('whose last part, and all questions, are lost: may have happened, did not, and is cancelled', async () => {
    const { store, bucket } = open();
    server.faults.add((request) => isPart(request, lastFirst) || isQuestion(request), { kind: 'cut-before' }, Infinity);
    expect(await kindOf(create(store))).toBe('indeterminate');
    expect(await store.get('key')).toBeNull();
    expect(server.openUploads(bucket)).toBe(0);
  });

  test('that comes no further is given up: nothing happened', async () => {
    const { store, bucket } = open();
    server.faults.add((request) => isPart(request, partBytes), { kind: 'answer', status: 503 }, Infinity);
    expect(await kindOf(create(store))).toBe('unavailable');
    expect(server.seen.filter((request) => isPart(request, partBytes))).toHaveLength(3);
    expect(await store.get('key')).toBeNull();
    expect(server.openUploads(bucket)).toBe(0);
  });

  test('whose last part comes no further may have happened', async () => {
    const { store, bucket } = open();
    server.faults.add((request) => isPart(request, lastFirst), { kind: 'answer', status: 503 }, Infinity);
    expect(await kindOf(create(store))).toBe('indeterminate');
    expect(server.openUploads(bucket)).toBe(0);
  });

  test.each([0, partBytes, lastFirst])('leaves a busy store alone at the part from %i on', async (first) => {
    const { store, bucket } = open();
    const fault = { kind: 'answer', status: 429, body: busy, headers: { 'retry-after': '3' } } as const;
    server.faults.add((request) => isPart(request, first), fault);
    expect(await failure(create(store))).toMatchObject({ kind: 'unavailable', retryAfterMs: 3000 });
    expect(server.openUploads(bucket)).toBe(0);
    expect(await store.head('key')).toBeNull();
  });

  test('meets an object that came meanwhile', async () => {
    const { store, bucket } = open();
    const rival = createGcsStore({ bucket: bucket.name, endpoint: server.url, credentials: { kind: 'none' } });
    const before = async (position: number) => {
      if (position > 0) await rival.create('key', textOf('rival'));
    };
    expect(await store.create('key', streamOf(large, { chunkBytes: partBytes, before }))).toBe('exists');
    expect(await store.get('key')).toEqual(textOf('rival'));
    expect(server.openUploads(bucket)).toBe(0);
  });

  test('whose body breaks is cancelled, and fails with the same error', async () => {
    const { store, bucket } = open();
    const broken = new AppError('corrupt', 'broken');
    const before = (position: number) => {
      if (position > 1.5 * partBytes) throw broken;
    };
    expect(await failure(store.create('key', streamOf(large, { before })))).toBe(broken);
    expect(server.seen.at(-1)).toMatchObject({ method: 'DELETE', status: 499 });
    expect(server.openUploads(bucket)).toBe(0);
  });

  test.each([-1, 1, -partBytes])('whose body is longer than it said by %i is cancelled', async (more) => {
    const { store, bucket } = open();
    const given = bytesOf(large.byteLength + more);
    const body = {
      ...streamOf(given),
      size: large.byteLength,
      open: () => streamOf(given).open({ start: 0, end: given.length }),
    };
    expect(await kindOf(store.create('key', body))).toBe('invalid');
    expect(server.openUploads(bucket)).toBe(0);
    expect(await store.head('key')).toBeNull();
  });

  test('that is stopped between its parts did not happen, and is cancelled', async () => {
    const { store, bucket } = open();
    const stopping = new AbortController();
    const before = (position: number) => {
      if (position > 1.5 * partBytes) stopping.abort(new Error('enough'));
    };
    expect(await kindOf(store.create('key', streamOf(large, { before }), { signal: stopping.signal }))).toBe(
      'unavailable',
    );
    expect(server.openUploads(bucket)).toBe(0);
  });

  test('that is stopped during its last part may have happened', async () => {
    const { store, bucket } = open();
    const stopping = new AbortController();
    server.faults.add(
      (request) => {
        if (!isPart(request, lastFirst)) return false;
        setTimeout(() => stopping.abort(new Error('enough')), 20);
        return true;
      },
      { kind: 'delay', ms: 200 },
    );
    expect(await kindOf(store.create('key', streamOf(large), { signal: stopping.signal }))).toBe('indeterminate');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(['absent', summary(large)]).toContain(summary(await store.get('key')));
    expect(server.openUploads(bucket)).toBe(0);
  });

  test('whose cancellation is lost, too, still fails as it did', async () => {
    const { store } = open();
    const broken = new Error('broken');
    server.faults.add(({ method }) => method === 'DELETE', { kind: 'cut-before' });
    const before = (position: number) => {
      if (position > 1.5 * partBytes) throw broken;
    };
    expect(await failure(store.create('key', streamOf(large, { before })))).toBe(broken);
  });

  test('of 200 MB holds little more than a part', { timeout: 120_000 }, async () => {
    const bucket = server.makeBucket({ hollow: true });
    const store = createGcsStore({ bucket: bucket.name, endpoint: server.url, credentials: { kind: 'none' } });
    const size = 200 * 1024 * 1024;
    const chunk = new Uint8Array(64 * 1024);
    let most = 0;
    const body = {
      size,
      async *open({ start, end }: ByteRange) {
        for (let position = start; position < end; position += chunk.byteLength) {
          if (position % (8 * 1024 * 1024) === 0) most = Math.max(most, liveBytes());
          yield chunk;
        }
      },
    };
    const before = liveBytes();
    expect(await store.create('large', body)).toBe('created');
    expect(bucket.find('large')?.size).toBe(size);
    // The driver holds a part; and the server, which lives in this process, another.
    expect(most - before).toBeLessThan(32 * 1024 * 1024);
  });
});
