/** The Blob server, as the real SDK meets it. */
import * as sdk from '@vercel/blob';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { StoreMood, TestBlobStore } from '../../support/servers/blob/store.ts';
import { type BlobServer, startBlobServer } from '../../support/servers/blob.ts';
import { redirectBlob } from '../../support/servers/blob-redirect.ts';

let server: BlobServer;
let restore: () => void;
let place: TestBlobStore;
let token: string;
let nowMs = Date.UTC(2026, 10, 24);

beforeAll(async () => {
  vi.stubEnv('VERCEL_BLOB_RETRIES', '0');
  server = await startBlobServer({ now: () => nowMs });
  restore = redirectBlob(server.url);
});

beforeEach(() => {
  vi.stubEnv('VERCEL_BLOB_RETRIES', '0');
  place = server.addStore();
  ({ token } = place);
});

afterEach(() => {
  server.removeStore(place);
  server.faults.clear();
});

afterAll(async () => {
  restore();
  await server.close();
});

const plain = { access: 'private', addRandomSuffix: false, allowOverwrite: false } as const;

async function put(pathname: string, text: string, options: Partial<sdk.PutCommandOptions> = {}) {
  return sdk.put(pathname, text, { ...plain, token, ...options });
}

async function textAt(pathname: string, options: Partial<sdk.GetCommandOptions> = {}): Promise<string | null> {
  const found = await sdk.get(pathname, { access: place.access, token, ...options });
  return found?.stream ? new Response(found.stream).text() : null;
}

describe('objects', () => {
  test('are put, described, read, copied and deleted', async () => {
    const stored = await put('a/key.json', 'text');
    expect(stored).toMatchObject({ pathname: 'a/key.json', url: `https://${place.host}/a/key.json` });
    expect(stored.etag).toMatch(/^"[0-9a-f]{32}"$/);
    const info = await sdk.head('a/key.json', { token });
    expect(info).toMatchObject({ size: 4, etag: stored.etag, uploadedAt: new Date(nowMs) });
    expect(await sdk.head(stored.url, { token })).toEqual(info);
    expect(await textAt('a/key.json')).toBe('text');
    expect(await textAt(stored.url)).toBe('text');
    await sdk.copy('a/key.json', 'copy', { ...plain, token });
    await sdk.copy(stored.url, 'copy', { ...plain, allowOverwrite: true, token });
    await sdk.del(['a/key.json', 'absent'], { token });
    await expect(sdk.head('a/key.json', { token })).rejects.toBeInstanceOf(sdk.BlobNotFoundError);
    expect(await textAt('a/key.json', { useCache: false })).toBeNull();
    expect(await textAt('copy')).toBe('text');
  });

  test('are not overwritten unless that is allowed', async () => {
    await put('key', 'one');
    await expect(put('key', 'two')).rejects.toThrow(
      /^Vercel Blob: This blob already exists, use `allowOverwrite: true`/,
    );
    await expect(sdk.copy('key', 'key2', { ...plain, token })).resolves.toBeDefined();
    await expect(sdk.copy('key', 'key2', { ...plain, token })).rejects.toThrow(/already exists/);
    await put('key', 'three', { allowOverwrite: true });
    expect(await textAt('key', { useCache: false })).toBe('three');
    await expect(sdk.copy('absent', 'x', { ...plain, token })).rejects.toBeInstanceOf(sdk.BlobNotFoundError);
  });

  test('have one winner of many', async () => {
    for (let round = 0; round < 20; round++) {
      const racing = Array.from({ length: 20 }, (_, racer) => put(`race/${round}`, `${racer}`));
      const outcomes = await Promise.allSettled(racing);
      const winners = outcomes.flatMap(({ status }, racer) => (status === 'fulfilled' ? [racer] : []));
      expect(winners).toHaveLength(1);
      expect(await textAt(`race/${round}`)).toBe(String(winners[0]));
    }
  });

  test('are listed in the order of bytes, page by page', async () => {
    const names = ['b', 'B', 'a/b', 'a-b', 'a0', '_'];
    for (const name of names) await put(name, name);
    const all: string[] = [];
    for (let cursor: string | undefined; ;) {
      const page = await sdk.list({ token, limit: 2, ...(cursor === undefined ? {} : { cursor }) });
      all.push(...page.blobs.map(({ pathname }) => pathname));
      cursor = page.cursor;
      if (!page.hasMore) break;
    }
    expect(all).toEqual(['B', '_', 'a-b', 'a/b', 'a0', 'b']);
    const page = await sdk.list({ token, prefix: 'a' });
    expect(page).toMatchObject({ hasMore: false, blobs: [{ pathname: 'a-b', size: 3 }, {}, {}] });
    const { cursor } = await sdk.list({ token, limit: 1 });
    await expect(sdk.list({ token, prefix: 'a', cursor: cursor! })).rejects.toThrow('Invalid cursor');
  });
});

describe('uploads in parts', () => {
  const part = Buffer.alloc(5 * 1024 * 1024, 'p');

  test('become an object when they are completed, in their order', async () => {
    const uploader = await sdk.createMultipartUploader('large', { ...plain, token });
    const last = await uploader.uploadPart(2, 'end');
    const first = await uploader.uploadPart(1, part);
    await expect(sdk.head('large', { token })).rejects.toBeInstanceOf(sdk.BlobNotFoundError);
    await expect(uploader.complete([last, first])).rejects.toThrow('Part 1 is wrong.');
    await expect(uploader.complete([first, { ...last, etag: 'x' }])).rejects.toThrow('Part 2 is wrong.');
    await uploader.complete([first, last]);
    expect(place.find('large')?.bytes.equals(Buffer.concat([part, Buffer.from('end')]))).toBe(true);
    await expect(uploader.complete([first, last])).rejects.toBeInstanceOf(sdk.BlobNotFoundError);
  });

  test('lose to an object that came first', async () => {
    const uploader = await sdk.createMultipartUploader('large', { ...plain, token });
    const only = await uploader.uploadPart(1, 'x');
    await put('large', 'rival');
    await expect(uploader.complete([only])).rejects.toThrow(/already exists/);
    expect(await textAt('large')).toBe('rival');
  });

  test('have parts of a least size', async () => {
    const uploader = await sdk.createMultipartUploader('large', { ...plain, token });
    const parts = [await uploader.uploadPart(1, 'x'), await uploader.uploadPart(2, 'y')];
    await expect(uploader.complete(parts)).rejects.toThrow('A part is too small.');
  });
});

describe('reads', () => {
  test('give parts', async () => {
    await put('key', '0123456789');
    expect(await textAt('key', { headers: { range: 'bytes=2-4' } })).toBe('234');
    expect(await textAt('key', { headers: { range: 'bytes=7-' } })).toBe('789');
    expect(await textAt('key', { headers: { range: 'bytes=8-99' } })).toBe('89');
    await expect(textAt('key', { headers: { range: 'bytes=10-' } })).rejects.toThrow('Failed to fetch blob: 416');
  });

  test('come compressed, with a weak tag, unless identity is asked for', async () => {
    const { etag } = await put('key', 'text');
    const compressed = await sdk.get('key', { access: 'private', token });
    expect(compressed?.blob.etag).toBe(`W/${etag}`);
    expect(compressed?.headers.get('content-encoding')).toBe('gzip');
    const same = await sdk.get('key', { access: 'private', token, headers: { 'accept-encoding': 'identity' } });
    expect(same?.blob.etag).toBe(etag);
  });

  test('through the cache are a minute old at most; past it, fresh', async () => {
    await put('key', 'old');
    await put('key', 'new', { allowOverwrite: true });
    expect(await textAt('key')).toBe('old');
    expect(await textAt('key', { useCache: false })).toBe('new');
    nowMs += 60_001;
    expect(await textAt('key')).toBe('new');
  });

  test('of a public store need no token, and cannot pass the cache', async () => {
    server.removeStore(place);
    place = server.addStore('public');
    ({ token } = place);
    await put('key', 'old', { access: 'public' });
    await put('key', 'new', { access: 'public', allowOverwrite: true });
    expect(await textAt('key', { useCache: false })).toBe('old');
    const other = `vercel_blob_rw_${place.id}_other`;
    expect(await textAt('key', { token: other })).toBe('old');
    await expect(sdk.head('key', { token: other })).rejects.toBeInstanceOf(sdk.BlobAccessError);
  });
});

describe('refusals', () => {
  const moods: [StoreMood, abstract new (...args: never[]) => Error][] = [
    [{ kind: 'suspended' }, sdk.BlobStoreSuspendedError],
    [{ kind: 'deleted' }, sdk.BlobStoreNotFoundError],
    [{ kind: 'unavailable' }, sdk.BlobServiceNotAvailable],
    [{ kind: 'token-expired' }, sdk.BlobClientTokenExpiredError],
    [{ kind: 'rate-limited', retryAfterSeconds: 3 }, sdk.BlobServiceRateLimited],
  ];
  test.for(moods)('of a store that is $0.kind', async ([mood, type]) => {
    place.mood = mood;
    await expect(sdk.head('key', { token })).rejects.toBeInstanceOf(type);
    await expect(put('key', 'x')).rejects.toBeInstanceOf(type);
    expect(place.find('key')).toBeNull();
  });

  test('tell when to come back', async () => {
    place.mood = { kind: 'rate-limited', retryAfterSeconds: 3 };
    await expect(sdk.head('key', { token })).rejects.toMatchObject({ retryAfter: 3 });
  });

  test('of a wrong token, a token of another store, and of no token', async () => {
    const other = server.addStore();
    const mixed = `vercel_blob_rw_${place.id}_${other.token.split('_').at(-1)}`;
    await expect(sdk.head('key', { token: mixed })).rejects.toBeInstanceOf(sdk.BlobAccessError);
    await expect(sdk.head('key', { token: 'vercel_blob_rw_Nobody_x' })).rejects.toBeInstanceOf(
      sdk.BlobStoreNotFoundError,
    );
    await put('key', 'x');
    await expect(textAt('key', { token: mixed })).rejects.toThrow('403');
    expect((await fetch(`${server.apiUrl}?url=key`, { headers: { 'x-api-version': '12' } })).status).toBe(403);
    server.removeStore(other);
  });

  test('of the other access', async () => {
    const message = 'Vercel Blob: Cannot use public access on a private store.';
    await expect(put('key', 'x', { access: 'public' })).rejects.toThrow(message);
    await put('key', 'x');
    expect(await textAt('key', { access: 'public' })).toBeNull();
  });

  test('of what the SDK does not send', async () => {
    const headers = {
      authorization: `Bearer ${token}`,
      'x-api-version': '12',
      'x-vercel-blob-store-id': place.id,
    };
    const statusOf = async (path: string, more: Record<string, string> = {}, method = 'GET'): Promise<number> =>
      (await fetch(`${server.apiUrl}${path}`, { method, headers: { ...headers, ...more } })).status;
    expect(await statusOf('?prefix=a')).toBe(200);
    expect(await statusOf('?prefix=a', { 'x-api-version': '11' })).toBe(400);
    expect(await statusOf('?prefix=a', { 'x-vercel-blob-store-id': 'Other' })).toBe(400);
    expect(await statusOf('?prefix=a', { 'x-new': '1' })).toBe(400);
    expect(await statusOf('?prefix=a&after=b')).toBe(400);
    expect(await statusOf('?limit=1001')).toBe(400);
    expect(await statusOf('/elsewhere')).toBe(400);
    expect(await statusOf('/?pathname=a', {}, 'PUT')).toBe(400);
    expect(await statusOf('/?pathname=', { 'x-vercel-blob-access': 'private' }, 'PUT')).toBe(400);
    await expect(put('key', 'x', { addRandomSuffix: true })).rejects.toThrow('random');
    await expect(put('key', 'x', { cacheControlMaxAge: 59 })).rejects.toThrow('minute');
    expect((await fetch(`${server.url}/other`)).status).toBe(404);
    expect(place.list('')).toEqual([]);
  });
});

describe('faults', () => {
  const any = (): boolean => true;

  test('before anything happens, and after it', async () => {
    server.faults.add(any, { kind: 'cut-before' });
    await expect(put('key', 'x')).rejects.toThrow('fetch failed');
    expect(place.find('key')).toBeNull();
    server.faults.add(any, { kind: 'cut-after' });
    await expect(put('key', 'x')).rejects.toThrow('fetch failed');
    expect(place.find('key')).not.toBeNull();
  });

  test('in the middle of an answer, and instead of one', async () => {
    await put('key', 'x'.repeat(100));
    server.faults.add(any, { kind: 'cut-body', bytes: 50 });
    const headers = { 'accept-encoding': 'identity' };
    await expect(textAt('key', { headers })).rejects.toThrow('terminated');
    server.faults.add(any, { kind: 'answer', status: 418, body: 'tea' });
    await expect(textAt('key')).rejects.toThrow('418');
    server.faults.add(any, { kind: 'delay', ms: 30 });
    const began = performance.now();
    await sdk.head('key', { token });
    expect(performance.now() - began).toBeGreaterThan(28);
    expect(server.faults.pending).toBe(0);
  });
});

test('another process comes here by --import', async () => {
  const script = `
    const { put, get, head } = await import('@vercel/blob');
    await put('from-afar', 'hello', { access: 'private', addRandomSuffix: false, allowOverwrite: false });
    const { stream } = await get('from-afar', { access: 'private', useCache: false });
    console.log(await new Response(stream).text(), (await head('from-afar')).size);
  `;
  const redirect = new URL('../../support/servers/blob-redirect.ts', import.meta.url).href;
  const run = promisify(execFile);
  const env = { ...process.env, EIDER_TEST_BLOB_SERVER: server.url, BLOB_READ_WRITE_TOKEN: token };
  const { stdout } = await run(process.execPath, ['--import', redirect, '--input-type=module', '-e', script], { env });
  expect(stdout.trim()).toBe('hello 5');
  expect(place.find('from-afar')?.bytes.toString()).toBe('hello');
});

test('an end of the redirection is one', async () => {
  const shared = Symbol.for('undici.globalDispatcher.1');
  const before: unknown = Reflect.get(globalThis, shared);
  redirectBlob('http://127.0.0.1:1')();
  expect(Reflect.get(globalThis, shared)).toBe(before);
});
