/** What the driver sends: to whom it says who it is, how fresh it reads, how much it holds, and what it tells the meter. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { SentRequest } from '../../../../lib/store/usage.ts';
import type { Store, StreamBody } from '../../../../lib/store/store.ts';
import type { TestBlobStore } from '../../../support/servers/blob/store.ts';
import { allKeys, bytesOf, kindOf, streamOf, summary, textOf } from '../../../../lib/testing/conformance/support.ts';
import { openStore, partBytes, requests, useBlobServer } from '../../../support/places/blob.ts';

let skewMs = 0;
const blob = useBlobServer(0, () => Date.now() + skewMs);
const context = Symbol.for('@vercel/request-context');

afterEach(() => {
  skewMs = 0;
  Reflect.deleteProperty(globalThis, context);
  blob.server.faults.clear();
});

function metered(place: TestBlobStore): { readonly store: Store; readonly take: () => SentRequest[] } {
  const sent: SentRequest[] = [];
  return { store: openStore(place, { meter: (request) => void sent.push(request) }), take: () => sent.splice(0) };
}

describe('what was replaced', () => {
  test('is read fresh, though the CDN still serves the old', async () => {
    const place = blob.addStore();
    const store = openStore(place);
    for (const [index, text] of ['first', 'second', 'the third'].entries()) {
      await store.create(`snapshot/${index}`, textOf(text));
      await store.copy(`snapshot/${index}`, 'published');
      expect(await store.get('published')).toEqual(textOf(text));
      expect(await store.head('published')).toMatchObject({ size: text.length });
    }
    expect(place.findCached('published')?.bytes.toString()).toBe('first');
  });

  test('in a public store, whose CDN cannot be asked past its cache, is never read old', async () => {
    const place = blob.addStore('public');
    const store = openStore(place);
    await store.create('one', textOf('one'));
    await store.create('two', textOf('two'));
    await store.copy('one', 'published');
    expect(await store.get('published')).toEqual(textOf('one'));
    await store.copy('two', 'published');
    expect(await kindOf(store.get('published'))).toBe('unavailable');
    skewMs = 60_001;
    expect(await store.get('published')).toEqual(textOf('two'));
    await store.delete(['published']);
    expect(await store.get('published')).toBeNull();
    expect(await store.get('one', { range: { start: 1, end: 2 } })).toEqual(textOf('n'));
  });
});

test('bytes are asked for as they are, and weak tags of compressed ones never come', async () => {
  const place = blob.addStore();
  const store = openStore(place);
  await store.create('key', bytesOf(1000));
  blob.server.seen.length = 0;
  await store.get('key');
  const [request] = blob.server.seen;
  expect(request?.headers['accept-encoding']).toBe('identity');
  expect(request?.path).toBe('/key?cache=0');
  expect(request?.host).toBe(place.host);
});

describe('a body in parts', () => {
  test('of 200 MB holds three parts in memory at most', async () => {
    const place = blob.addStore();
    const mib = 1024 * 1024;
    const size = 200 * mib;
    const chunk = bytesOf(mib);
    let handedOut = 0;
    let most = 0;
    const uploaded = (): number => blob.server.seen.filter(requests.part).length * 8 * mib;
    const body: StreamBody = {
      size,
      async *open({ start, end }) {
        for (let position = start; position < end; position += mib) {
          handedOut += mib;
          most = Math.max(most, handedOut - uploaded());
          yield chunk;
        }
      },
    };
    blob.server.seen.length = 0;
    expect(await openStore(place, { partBytes: 8 * mib }).create('large', body)).toBe('created');
    expect(place.find('large')?.bytes.byteLength).toBe(size);
    expect(blob.server.seen.filter(requests.part)).toHaveLength(25);
    expect(most).toBeGreaterThan(8 * mib);
    expect(most).toBeLessThanOrEqual(3 * 8 * mib);
  });

  test('is not sent when the object is there, and loses to one that came meanwhile', async () => {
    const place = blob.addStore();
    const store = openStore(place);
    const large = bytesOf(partBytes + 1);
    await store.create('there', textOf('first'));
    blob.server.seen.length = 0;
    expect(await store.create('there', streamOf(large))).toBe('exists');
    expect(blob.server.seen.map(({ path }) => path)).toEqual(['/api/blob?url=there']);
    const rival = streamOf(large, {
      before: async (position) => void (position === 0 && (await store.create('raced', textOf('rival')))),
    });
    expect(await store.create('raced', rival)).toBe('exists');
    expect(await store.get('raced')).toEqual(textOf('rival'));
  });

  test('loses also where the service says so at once', async () => {
    const place = blob.addStore();
    place.refusesUploadsEarly = true;
    const store = openStore(place);
    blob.server.faults.add(requests.head, {
      kind: 'answer',
      status: 404,
      body: JSON.stringify({ error: { code: 'not_found' } }),
    });
    await store.create('there', textOf('first'));
    expect(await store.create('there', streamOf(bytesOf(partBytes + 1)))).toBe('exists');
  });

  test('that fails is not sent further', async () => {
    const place = blob.addStore();
    blob.server.faults.add(requests.part, { kind: 'cut-before' });
    blob.server.seen.length = 0;
    const body = streamOf(bytesOf(8 * partBytes));
    expect(await kindOf(openStore(place).create('key', body))).toBe('unavailable');
    expect(blob.server.seen.filter(requests.part).length).toBeLessThan(6);
    expect(blob.server.seen.filter(requests.complete)).toEqual([]);
    // The API has no call to drop them.
    expect(place.unfinishedUploads).toBe(1);
  });
});

describe('an object that the service calls taken', () => {
  const answers = {
    'in its known words': { status: 400, code: 'bad_request', message: 'This blob already exists, use …' },
    'in other words of that meaning': { status: 409, code: 'bad_request', message: 'The blob key already exists.' },
    'by a code that the SDK does not know': { status: 409, code: 'blob_already_exists', message: 'x' },
    'by a condition': { status: 412, code: 'precondition_failed', message: 'x' },
  };
  test.for(Object.entries(answers))('%s', async ([, { status, code, message }]) => {
    const place = blob.addStore();
    const store = openStore(place);
    await store.create('key', textOf('first'));
    const body = JSON.stringify({ error: { code, message } });
    blob.server.faults.add(requests.put, { kind: 'answer', status, body });
    expect(await store.create('key', textOf('second'))).toBe('exists');
  });
});

describe('pages', () => {
  const keys = Array.from({ length: 25 }, (_, index) => `log/${String(index).padStart(4, '0')}`);

  test('one after the other cost one request each', async () => {
    const place = blob.addStore();
    const { store, take } = metered(place);
    for (const key of keys) await store.create(key, textOf('x'));
    take();
    expect(await allKeys(store, 'log/', 10)).toEqual(keys);
    expect(take().map(({ name }) => name)).toEqual(['list', 'list', 'list']);
  });

  test('from any key on are found by passing by those before', async () => {
    const place = blob.addStore();
    const { store, take } = metered(place);
    for (const key of keys) await store.create(key, textOf('x'));
    take();
    const page = await store.list('log/', { after: 'log/0017', limit: 3 });
    expect(page.objects.map(({ key }) => key)).toEqual(['log/0018', 'log/0019', 'log/0020']);
    expect(page.more).toBe(true);
    expect(take()).toHaveLength(1);
  });

  test('go on though the service has forgotten where', async () => {
    const place = blob.addStore();
    const store = openStore(place);
    for (const key of keys) await store.create(key, textOf('x'));
    await store.list('log/', { limit: 10 });
    const body = JSON.stringify({ error: { code: 'bad_request', message: 'Invalid cursor' } });
    blob.server.faults.add(requests.list, { kind: 'answer', status: 400, body });
    const page = await store.list('log/', { after: keys[9]!, limit: 10 });
    expect(page.objects.map(({ key }) => key)).toEqual(keys.slice(10, 20));
  });
});

test('the meter is told of every request', async () => {
  const { store, take } = metered(blob.addStore());
  const told = (): string[] => take().map((sent) => Object.values(sent).join(' '));
  await store.create('key', bytesOf(100));
  expect(told()).toEqual(['put write 100 0']);
  await store.create('key', bytesOf(70));
  expect(told()).toEqual(['put write 70 0']);
  await store.get('key');
  expect(told()).toEqual(['get read 0 100']);
  await store.get('key', { range: { start: 10, end: 30 } });
  expect(told()).toEqual(['get read 0 20']);
  await store.get('absent');
  expect(told()).toEqual(['get read 0 0', 'head read 0 0']);
  await store.list('');
  await store.copy('key', 'other');
  await store.delete(['key', 'other']);
  expect(told()).toEqual(['list write 0 0', 'copy write 0 0', 'del free 0 0']);
  await store.create('large', streamOf(bytesOf(partBytes + 1)));
  expect(told()).toEqual([
    'head read 0 0',
    'createMultipartUpload write 0 0',
    'uploadPart write 1 0',
    `uploadPart write ${partBytes} 0`,
    'completeMultipartUpload write 0 0',
  ]);
  blob.server.faults.add(requests.head, { kind: 'cut-after' });
  await kindOf(store.head('key'));
  expect(told()).toEqual(['head read 0 0']);
  await kindOf(store.head('key', { signal: AbortSignal.abort() }));
  expect(told()).toEqual([]);
});

describe('by OIDC', () => {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const expires = Math.floor(Date.now() / 1000) + 3600;
  const oidcToken = `${part({ alg: 'RS256' })}.${part({ exp: expires, sub: 'owner:acme' })}.c2lnbmF0dXJl`;

  function inRequest(token: string | undefined): void {
    const headers = token === undefined ? {} : { 'x-vercel-oidc-token': token };
    Reflect.set(globalThis, context, { get: () => ({ headers }) });
  }

  test('the token of the request opens the store that is named', async () => {
    const place = blob.addStore();
    place.oidcTokens.add(oidcToken);
    inRequest(oidcToken);
    for (const storeId of [place.id, `store_${place.id}`]) {
      const store = openStore(place, { credentials: { kind: 'oidc', storeId } });
      expect(store.location).toBe(`vercel blob ${place.id}`);
      await store.create(storeId, textOf('x'));
      expect(summary(await store.get(storeId))).toBe(summary(textOf('x')));
      expect(await store.head(storeId)).toMatchObject({ size: 1 });
      expect((await store.list('')).objects.map(({ key }) => key)).toContain(storeId);
    }
  });

  test('without a token nothing is sent, least of all to the store of another token', async () => {
    const [place, other] = [blob.addStore(), blob.addStore()];
    inRequest(undefined);
    vi.stubEnv('BLOB_READ_WRITE_TOKEN', other.token);
    vi.stubEnv('VERCEL_OIDC_TOKEN', '');
    const store = openStore(place, { credentials: { kind: 'oidc', storeId: place.id } });
    blob.server.seen.length = 0;
    for (const work of [store.head('key'), store.get('key'), store.create('key', textOf('x'))]) {
      await expect(work).rejects.toMatchObject({ kind: 'denied', hint: expect.stringContaining('BLOB_STORE_ID') });
    }
    expect(blob.server.seen).toEqual([]);
  });

  test('a token that the store does not take is denied, and not shown', async () => {
    const place = blob.addStore();
    inRequest(oidcToken);
    const store = openStore(place, { credentials: { kind: 'oidc', storeId: place.id } });
    const error = await store.head('key').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ kind: 'denied' });
    expect(JSON.stringify(error)).not.toContain('c2lnbmF0dXJl');
  });
});
