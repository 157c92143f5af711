/** The test server of Google Cloud Storage, by Google's own SDK. */
import { Storage } from '@google-cloud/storage';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { routeTokens } from '../../support/servers/gcs/tokens.ts';
import { GcsServer } from '../../support/servers/gcs.ts';
import { bytesOf, failure } from '../../../lib/testing/conformance/support.ts';

const open = await GcsServer.start({ asksForTokens: false });
const guarded = await GcsServer.start({ asksForTokens: true });
afterAll(() => Promise.all([open.stop(), guarded.stop()]));
afterEach(() => {
  open.reset();
  guarded.reset();
  vi.unstubAllGlobals();
});

const retryOptions = { autoRetry: false };
const onlyNew = { preconditionOpts: { ifGenerationMatch: 0 } };

function clientOf(server: GcsServer, options: object = {}): Storage {
  return new Storage({ apiEndpoint: server.url, projectId: 'test', retryOptions, ...options });
}

function freshBucket() {
  const bucket = open.makeBucket();
  return { bucket, client: clientOf(open).bucket(bucket.name) };
}

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  return ((await failure(work)) as { code?: unknown }).code;
}

async function messageOf(work: Promise<unknown>): Promise<string> {
  return ((await failure(work)) as Error).message;
}

describe('objects', () => {
  test('are saved, described, downloaded against both checksums, copied and deleted', async () => {
    const { client } = freshBucket();
    const bytes = Buffer.from(bytesOf(100_000));
    const file = client.file('folder/a b');
    await file.save(bytes, { resumable: false, validation: 'crc32c', ...onlyNew });
    expect((await file.getMetadata())[0]).toMatchObject({ name: 'folder/a b', size: '100000', kind: 'storage#object' });
    for (const validation of ['crc32c', 'md5'] as const) {
      expect((await file.download({ validation }))[0].equals(bytes)).toBe(true);
    }
    expect((await file.download({ start: 10, end: 19 }))[0].equals(bytes.subarray(10, 20))).toBe(true);
    await file.copy(client.file('copy'));
    expect((await client.file('copy').download())[0].equals(bytes)).toBe(true);
    await file.delete();
    expect(await file.exists()).toEqual([false]);
    expect(await codeOf(file.delete())).toBe(404);
  });

  test('of a wrong checksum are found out by the SDK, so it does look', async () => {
    const { client, bucket } = freshBucket();
    await client.file('x').save(Buffer.from('right'), { resumable: false });
    Object.assign(bucket.find('x')!, { bytes: Buffer.from('wrong') });
    expect(await codeOf(client.file('x').download())).toBe('CONTENT_DOWNLOAD_MISMATCH');
  });

  test.each([false, true])('are created for one only; resumable: %s', async (resumable) => {
    const { client, bucket } = freshBucket();
    const saving = Array.from({ length: 40 }, (_, racer) =>
      client.file('key').save(Buffer.from(`racer ${racer}`), { resumable, ...onlyNew }),
    );
    const outcomes = await Promise.allSettled(saving);
    const winners = outcomes.flatMap(({ status }, racer) => (status === 'fulfilled' ? [racer] : []));
    expect(winners).toHaveLength(1);
    expect(Buffer.from(bucket.find('key')!.bytes!).toString()).toBe(`racer ${winners[0]}`);
    const codes = outcomes.flatMap((one) =>
      one.status === 'rejected' ? [(one.reason as { code: unknown }).code] : [],
    );
    expect(new Set(codes)).toEqual(new Set([412]));
  });

  test('are replaced only at the generation that is named', async () => {
    const { client, bucket } = freshBucket();
    await client.file('key').save('one', { resumable: false });
    const { generation } = bucket.find('key')!;
    const replace = (ifGenerationMatch: number) =>
      client.file('key').save('two', { resumable: false, preconditionOpts: { ifGenerationMatch } });
    expect(await codeOf(replace(generation + 1))).toBe(412);
    await replace(generation);
    expect(await codeOf(replace(generation))).toBe(412);
  });

  test('are listed in pages, from an offset to another', async () => {
    const { client } = freshBucket();
    const names = ['a', 'a/1', 'a/2', 'a0', 'b', 'B'];
    for (const name of names) await client.file(name).save(name, { resumable: false });
    const list = async (query: object) => (await client.getFiles(query))[0].map(({ name }) => name);
    expect(await list({})).toEqual(['B', 'a', 'a/1', 'a/2', 'a0', 'b']);
    expect(await list({ maxResults: 2, autoPaginate: false })).toEqual(['B', 'a']);
    Object.assign(open.knobs, { pageObjects: 2, emptyPages: true });
    expect(await list({})).toEqual(['B', 'a', 'a/1', 'a/2', 'a0', 'b']);
    expect(await list({ prefix: 'a/' })).toEqual(['a/1', 'a/2']);
    expect(await list({ startOffset: 'a/1', endOffset: 'b' })).toEqual(['a/1', 'a/2', 'a0']);
  });

  test('are copied in steps', async () => {
    const { client, bucket } = freshBucket();
    open.knobs.rewriteBytes = 1000;
    await client.file('from').save(bytesOf(3500), { resumable: false });
    open.seen.length = 0;
    await client.file('from').copy(client.file('to'));
    expect(open.seen).toHaveLength(4);
    expect(bucket.find('to')?.size).toBe(3500);
  });
});

describe('uploads in parts', () => {
  const upload = (client: ReturnType<Storage['bucket']>, size: number) =>
    client.file('key').save(Buffer.from(bytesOf(size)), { resumable: true, chunkSize: 256 * 1024, ...onlyNew });

  test('make an object with the last part, and not before', async () => {
    const { client, bucket } = freshBucket();
    await upload(client, 700_000);
    expect(bucket.find('key')?.size).toBe(700_000);
    expect(open.seen.map(({ method, status }) => `${method} ${status}`)).toEqual([
      'POST 200',
      'PUT 308',
      'PUT 308',
      'PUT 200',
    ]);
    expect(open.openUploads(bucket)).toBe(0);
  });

  test('that meet an object at the end are refused with 412', async () => {
    const { client, bucket } = freshBucket();
    await client.file('key').save('first', { resumable: false });
    expect(await codeOf(upload(client, 700_000))).toBe(412);
    expect(bucket.find('key')?.size).toBe(5);
  });

  test('tell how far they are, and are cancelled', async () => {
    const { bucket } = freshBucket();
    const start = await fetch(`${open.url}/upload/storage/v1/b/${bucket.name}/o?uploadType=resumable&name=x`, {
      method: 'POST',
    });
    const location = start.headers.get('location')!;
    const put = (range: string, body?: Uint8Array<ArrayBuffer>) =>
      fetch(location, { method: 'PUT', headers: { 'content-range': range }, ...(body ? { body } : {}) });
    expect((await put('bytes */*')).headers.get('range')).toBeNull();
    const part = await put('bytes 0-262143/*', new Uint8Array(262_144));
    expect([part.status, part.headers.get('range')]).toEqual([308, 'bytes=0-262143']);
    expect((await put('bytes 262144-262243/*', new Uint8Array(100))).status).toBe(400);
    expect((await put('bytes 524288-524387/524388', new Uint8Array(100))).status).toBe(400);
    expect((await put('bytes 262144-262443/262444', new Uint8Array(100))).status).toBe(400);
    const status = await put('bytes */*');
    expect([status.status, status.headers.get('range')]).toEqual([308, 'bytes=0-262143']);
    expect(open.openUploads(bucket)).toBe(1);
    expect((await fetch(location, { method: 'DELETE' })).status).toBe(499);
    expect(open.openUploads(bucket)).toBe(0);
    expect((await put('bytes */*')).status).toBe(404);
    expect(bucket.size).toBe(0);
  });
});

describe('refusals', () => {
  test('tell a missing bucket from a missing object, in JSON and in text', async () => {
    const { client, bucket } = freshBucket();
    expect(await messageOf(client.file('x').getMetadata())).toBe(`No such object: ${bucket.name}/x`);
    expect(await messageOf(client.file('x').download())).toBe(`No such object: ${bucket.name}/x`);
    open.dropBucket(bucket);
    expect(await messageOf(client.file('x').getMetadata())).toBe('The specified bucket does not exist.');
    expect(await messageOf(client.getFiles())).toBe('The specified bucket does not exist.');
  });

  test('name the right that is lacking; without the right to list nobody learns of absence', async () => {
    const { client } = freshBucket();
    await client.file('x').save('x', { resumable: false });
    const works = {
      'storage.objects.list': () => client.getFiles(),
      'storage.objects.get': () => client.file('x').download(),
      'storage.objects.create': () => client.file('y').save('y', { resumable: false }),
      'storage.objects.delete': () => client.file('x').save('again', { resumable: false }),
    } as const;
    for (const [permission, work] of Object.entries(works)) {
      open.denied.add(permission as keyof typeof works);
      const error = (await failure(work())) as Error & { code: number };
      expect([error.code, error.message]).toEqual([403, expect.stringContaining(`Permission '${permission}' denied`)]);
      open.denied.clear();
    }
    open.denied.add('storage.objects.list');
    expect(await codeOf(client.file('absent').getMetadata())).toBe(403);
  });

  test.each([
    ['GET', '/storage/v1/b/BUCKET/o?unknown=1'],
    ['GET', '/storage/v1/b/BUCKET/o?maxResults=0'],
    ['GET', '/storage/v1/b/BUCKET/o?prefix=a&prefix=b'],
    ['GET', '/storage/v1/b/BUCKET/o/a/b'],
    ['GET', '/storage/v1/b/Bad_/o/a'],
    ['POST', '/storage/v1/b/BUCKET/o/a'],
    ['DELETE', '/storage/v1/b/BUCKET/o'],
    ['POST', '/storage/v1/b/BUCKET/o/a/rewriteTo/b/BUCKET/o'],
    ['POST', '/upload/storage/v1/b/BUCKET/o?uploadType=media'],
    ['POST', '/upload/storage/v1/b/BUCKET/o?uploadType=other&name=x'],
    ['POST', '/upload/storage/v1/b/BUCKET/o?uploadType=media&name=x&ifGenerationMatch=-1'],
    ['POST', '/upload/storage/v1/b/BUCKET/o?uploadType=multipart&name=x'],
    ['GET', '/elsewhere'],
  ])('what it does not know: %s %s', async (method, path) => {
    const { bucket } = freshBucket();
    const answer = await fetch(open.url + path.replaceAll('BUCKET', bucket.name), { method });
    expect(answer.status).toBe(400);
  });

  test('too many changes of one object', async () => {
    const { client, bucket } = freshBucket();
    bucket.limitsMutations = true;
    await client.file('x').save('x', { resumable: false });
    expect(await codeOf(client.file('x').save('x', { resumable: false }))).toBe(429);
    await client.file('y').save('y', { resumable: false });
  });
});

describe('credentials', () => {
  const { accounts } = guarded;
  const bucket = guarded.makeBucket();
  const withKey = (key: object = accounts.key) => {
    routeTokens(guarded);
    // The SDK warns of keys that are given as an option.
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    const clientOptions = {
      transporterOptions: { fetchImplementation: (...all: Parameters<typeof fetch>) => fetch(...all) },
    };
    const client = clientOf(guarded, { credentials: key, clientOptions, useAuthWithCustomEndpoint: true });
    return client.bucket(bucket.name).getFiles();
  };

  test('a key gets a token, which opens', async () => {
    expect((await withKey())[0]).toEqual([]);
    expect(accounts.issued).toBe(1);
  });

  test('nobody, and a token that is not known, are refused with 401', async () => {
    expect(await codeOf(clientOf(guarded).bucket(bucket.name).getFiles())).toBe(401);
    const headers = { authorization: 'Bearer ya29.made-up' };
    expect((await fetch(`${guarded.url}/storage/v1/b/${bucket.name}/o`, { headers })).status).toBe(401);
  });

  test('a key of another pair, a clock that is off, and a deleted account get no token', async () => {
    const other = await GcsServer.start({ asksForTokens: true });
    expect(await messageOf(withKey(other.accounts.key))).toBe('invalid_grant: Invalid JWT Signature.');
    await other.stop();
    accounts.clockAheadMs = 10 * 60 * 1000;
    expect(await messageOf(withKey())).toContain('reasonable timeframe');
    accounts.clockAheadMs = 0;
    accounts.isDeleted = true;
    expect(await messageOf(withKey())).toBe('invalid_grant: Invalid grant: account not found');
  });
});

describe('faults', () => {
  const all = () => true;

  test('cut before: nothing happened; cut after: it did', async () => {
    const { client, bucket } = freshBucket();
    open.faults.add(all, { kind: 'cut-before' });
    await failure(client.file('x').save('x', { resumable: false }));
    expect(bucket.size).toBe(0);
    open.faults.add(all, { kind: 'cut-after' });
    await failure(client.file('x').save('x', { resumable: false }));
    expect(bucket.size).toBe(1);
  });

  test('cut body, answer, delay', async () => {
    const { client, bucket } = freshBucket();
    await client.file('x').save(bytesOf(1000), { resumable: false });
    open.faults.add(all, { kind: 'cut-body', bytes: 100 });
    expect(await messageOf(client.file('x').download())).toMatch(/premature|aborted/i);
    open.faults.add(all, { kind: 'answer', status: 503, body: 'busy' });
    expect(await codeOf(client.file('x').save('y', { resumable: false }))).toBe(503);
    expect(bucket.find('x')?.size).toBe(1000);
    open.faults.add(all, { kind: 'delay', ms: 100 });
    const before = performance.now();
    await client.file('x').getMetadata();
    expect(performance.now() - before).toBeGreaterThanOrEqual(95);
    expect(open.faults.pending).toBe(0);
  });
});
