/** Answers that are repeated, broken or beside the point. */
import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { ServerFault } from '../../../support/servers/faults.ts';
import { bytesOf, failure, kindOf, streamOf, summary, textOf } from '../../../../lib/testing/conformance/support.ts';
import { openStore, partBytes, requests, said, stateOf, useBlobServer } from '../../../support/places/blob.ts';

const blob = useBlobServer(0);
const small = bytesOf(70_000, 1);
const large = bytesOf(2 * partBytes + 1, 2);

beforeEach(() => blob.server.faults.clear());

describe('the repetitions of the SDK', () => {
  test('a create that meets its own first attempt finds it', async () => {
    vi.stubEnv('VERCEL_BLOB_RETRIES', '1');
    const store = openStore(blob.addStore());
    blob.server.faults.add(requests.put, { kind: 'cut-after' });
    expect(await store.create('key', small)).toBe('exists');
    expect(summary(await store.get('key'))).toBe(summary(small));
  });

  test('the end of an upload that meets its own first attempt finds the object', async () => {
    vi.stubEnv('VERCEL_BLOB_RETRIES', '1');
    const store = openStore(blob.addStore());
    blob.server.faults.add(requests.complete, { kind: 'cut-after' });
    expect(await store.create('key', streamOf(large))).toBe('exists');
    expect(summary(await store.get('key'))).toBe(summary(large));
  });

  test('a refusal after an attempt whose answer was lost tells nothing of that attempt', async () => {
    vi.stubEnv('VERCEL_BLOB_RETRIES', '1');
    const place = blob.addStore();
    blob.server.faults.add(requests.put, { kind: 'cut-after' });
    blob.server.faults.add(requests.put, said(429, 'rate_limited'));
    expect(await kindOf(openStore(place).create('key', small))).toBe('indeterminate');
    expect(stateOf(place, 'key')).toBe(summary(small));
  });

  test('do not keep anyone waiting who has gone, or beyond patience', async () => {
    vi.stubEnv('VERCEL_BLOB_RETRIES', '10');
    const place = blob.addStore();
    const store = openStore(place, { patienceMs: 250 });
    blob.server.faults.add(requests.head, { kind: 'cut-before' }, Infinity);
    const began = performance.now();
    expect(await kindOf(store.head('key'))).toBe('unavailable');
    const signal = AbortSignal.timeout(50);
    expect(await kindOf(openStore(place).head('key', { signal }))).toBe('unavailable');
    expect(performance.now() - began).toBeLessThan(900);
    blob.server.faults.clear();
    blob.server.faults.add(requests.put, { kind: 'cut-before' }, Infinity);
    const stopping = new AbortController();
    const writing = openStore(place).create('key', small, { signal: stopping.signal });
    setTimeout(() => stopping.abort(new Error('enough')), 50);
    expect(await kindOf(writing)).toBe('indeterminate');
    const seen = blob.server.seen.length;
    blob.server.faults.clear();
    await delay(2500);
    // What the SDK had in mind to repeat never left.
    expect(blob.server.seen.length).toBe(seen);
    expect(place.find('key')).toBeNull();
  });
});

describe('an object', () => {
  test.for([1, 1000, 69_999])('cut after %i bytes is an error', async (bytes) => {
    const store = openStore(blob.addStore());
    await store.create('key', small);
    blob.server.faults.add(requests.get, { kind: 'cut-body', bytes });
    expect(await kindOf(store.get('key'))).toBe('unavailable');
  });

  test.for([
    { name: 'shorter', body: 'short', headers: { etag: '"x"' } },
    { name: 'without a tag', body: 'x'.repeat(10), headers: { 'content-range': 'bytes 10-19/70000' }, status: 206 },
    {
      name: 'of another part',
      body: 'x'.repeat(10),
      headers: { etag: '"x"', 'content-range': 'bytes 7-16/70000' },
      status: 206,
    },
    {
      name: 'of another size',
      body: 'x'.repeat(10),
      headers: { etag: '"x"', 'content-range': 'bytes 10-19/15' },
      status: 206,
    },
  ])('answered with something $name is refused', async ({ body, headers, status = 200 }) => {
    const store = openStore(blob.addStore());
    await store.create('key', small);
    const range = { start: 10, end: 20 };
    blob.server.faults.add(requests.get, { kind: 'answer', status, body, headers }, 4);
    expect(await kindOf(store.get('key', { range }))).toBe('unavailable');
    blob.server.faults.clear();
    // Once may be chance.
    blob.server.faults.add(requests.get, { kind: 'answer', status, body, headers });
    expect(await store.get('key', { range })).toEqual(small.slice(10, 20));
  });

  // Encoded answers say how long they are on their way, which is not how long they become.
  test.for([5, 15])('of %i bytes, encoded, for an object of 10 is refused', async (length) => {
    const store = openStore(blob.addStore());
    await store.create('key', textOf('0123456789'));
    const headers = { etag: '"x"', 'content-encoding': 'identity' };
    blob.server.faults.add(requests.get, { kind: 'answer', status: 200, body: 'x'.repeat(length), headers }, 3);
    expect(await kindOf(store.get('key'))).toBe('unavailable');
  });

  test('whose reader stops lets its connection go', async () => {
    const store = openStore(blob.addStore());
    await store.create('key', new Uint8Array(30 * 1024 * 1024));
    const stopping = new AbortController();
    const reading = store.get('key', { signal: stopping.signal });
    await expect.poll(() => blob.server.openAnswers, { interval: 1 }).toBe(1);
    stopping.abort(new Error('enough'));
    expect(await kindOf(reading)).toBe('unavailable');
    await expect.poll(() => blob.server.openAnswers).toBe(0);
  });

  test('answered whole instead of in part gives the part', async () => {
    const store = openStore(blob.addStore());
    await store.create('key', textOf('0123456789'));
    const range = { start: 3, end: 6 };
    blob.server.faults.add(
      requests.get,
      { kind: 'answer', status: 200, body: '0123456789', headers: { etag: '"x"' } },
      2,
    );
    expect(await store.get('key', { range })).toEqual(textOf('345'));
  });
});

describe('a listing', () => {
  const listed = (names: readonly string[], more: object): ServerFault => ({
    kind: 'answer',
    status: 200,
    body: JSON.stringify({
      blobs: names.map((pathname) => ({ pathname, size: 1, uploadedAt: new Date(0).toISOString(), url: '' })),
      ...more,
    }),
  });

  test.for([
    { name: 'in another order', answer: listed(['b', 'a'], { hasMore: false }), kind: 'corrupt' },
    { name: 'with a name twice', answer: listed(['a', 'a'], { hasMore: false }), kind: 'corrupt' },
    { name: 'that does not say where it goes on', answer: listed(['a'], { hasMore: true }), kind: 'unavailable' },
  ])('$name is refused', async ({ answer, kind }) => {
    blob.server.faults.add(requests.list, answer);
    expect(await kindOf(openStore(blob.addStore()).list(''))).toBe(kind);
  });

  test('passes by what has no key', async () => {
    blob.server.faults.add(requests.list, listed(['a', 'a folder/', 'b', 'folder/'], { hasMore: false }));
    const { objects, more } = await openStore(blob.addStore()).list('');
    expect(objects.map(({ key }) => key)).toEqual(['a', 'b']);
    expect(more).toBe(false);
  });
});

test('an upload without a name is none', async () => {
  blob.server.faults.add(requests.begin, { kind: 'answer', status: 200, body: '{}' });
  const error = await failure(openStore(blob.addStore()).create('key', streamOf(large)));
  expect(error).toMatchObject({ kind: 'unavailable', message: expect.stringContaining('it names no upload') });
});

test('an object stored under another name is no success', async () => {
  const place = blob.addStore();
  blob.server.faults.add(requests.put, { kind: 'answer', status: 200, body: JSON.stringify({ pathname: 'key-x7' }) });
  const error = await failure(openStore(place).create('key', small));
  expect(error).toMatchObject({ kind: 'indeterminate' });
});

test('objects may be gone when a later part of a long deletion fails', async () => {
  const place = blob.addStore();
  const store = openStore(place);
  const keys = Array.from({ length: 201 }, (_, index) => `key-${index}`);
  let deletions = 0;
  blob.server.faults.add((request) => requests.delete(request) && ++deletions === 2, said(429, 'rate_limited'));
  expect(await kindOf(store.delete(keys))).toBe('indeterminate');
  await store.delete(keys);
});
