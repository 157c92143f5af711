/** Large bodies and copies in parts; what is billed and what is swept; connections. */
import { CreateMultipartUploadCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import type { Meter, SentRequest } from '../../../../lib/store/usage.ts';
import type { StreamBody } from '../../../../lib/store/store.ts';
import { testRuntime } from '../../../support/runtime.ts';
import { startProxy } from '../../../support/servers/proxy.ts';
import { withoutConditions } from '../../../support/servers/signing.ts';
import {
  bytesOf,
  failingBody,
  failure,
  kindOf,
  lyingBody,
  streamOf,
  summary,
  textOf,
} from '../../../../lib/testing/conformance/support.ts';
import { isNamed, largeSize, partBytes, s3Error, useS3 } from '../../../support/places/s3.ts';

const place = useS3();

const large = bytesOf(largeSize);
const dayMs = 24 * 3_600_000;

function client(): S3Client {
  const { endpoint, region, accessKeyId, secretAccessKey } = place.server;
  return new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
}

describe('a large body', () => {
  test('goes up in parts, each once, and nothing is left', async () => {
    expect(await place.open().create('large', streamOf(large))).toBe('created');
    expect(place.seen.toSorted()).toEqual([
      'CompleteMultipartUpload',
      'CreateMultipartUpload',
      'GetObject',
      ...Array<string>(3).fill('UploadPart'),
    ]);
    expect(summary(await place.direct().get('large'))).toBe(summary(large));
    expect(place.server.uploads.keys).toEqual([]);
  });

  test('goes up in one request when it is no larger than a part, or in memory', async () => {
    const store = place.open();
    await store.create('a', streamOf(bytesOf(partBytes)));
    await store.create('b', large);
    expect(place.seen).toEqual(['PutObject', 'PutObject']);
  });

  test('is not sent for a key that is taken', async () => {
    await place.direct().create('large', textOf('old'));
    expect(await place.open().create('large', streamOf(large))).toBe('exists');
    expect(place.seen).toEqual(['GetObject']);
  });

  test('of two at once one wins, and nothing is left of the other', async () => {
    const bodies = [bytesOf(largeSize, 1), bytesOf(largeSize, 2), bytesOf(largeSize, 3)];
    const outcomes = await Promise.all(bodies.map((bytes) => place.open().create('large', streamOf(bytes))));
    expect(outcomes.toSorted()).toEqual(['created', 'exists', 'exists']);
    const winner = bodies[outcomes.indexOf('created')]!;
    expect(summary(await place.direct().get('large'))).toBe(summary(winner));
    expect(place.server.uploads.keys).toEqual([]);
  });

  test.for([
    ['fewer', largeSize - 1],
    ['more', largeSize + 1],
  ] as const)('with %s bytes than it promised is `invalid`, and nothing is left', async ([, given]) => {
    expect(await kindOf(place.open().create('lie', lyingBody(largeSize, given)))).toBe('invalid');
    expect(await place.direct().head('lie')).toBeNull();
    expect(place.server.uploads.keys).toEqual([]);
    expect(place.seen).not.toContain('CompleteMultipartUpload');
  });

  test('that breaks fails with its own error, and nothing is left', async () => {
    const error = new Error('the disk of the sender broke');
    expect(await failure(place.open().create('broken', failingBody(largeSize, error)))).toBe(error);
    expect(await place.direct().head('broken')).toBeNull();
    expect(place.server.uploads.keys).toEqual([]);
  });

  test('that is refused at one part stops the others, and nothing is left', async () => {
    const store = place.open({ parallelParts: 2 });
    place.faults.add(isNamed('UploadPart'), s3Error(403, 'AccessDenied'));
    place.faults.add(isNamed('UploadPart'), { kind: 'delay', ms: 300 });
    expect(await kindOf(store.create('large', streamOf(large)))).toBe('denied');
    expect(place.seen.filter((name) => name === 'UploadPart').length).toBeLessThanOrEqual(2);
    expect(place.server.uploads.keys).toEqual([]);
  });

  test('that is stopped is `unavailable`, and nothing is left', async () => {
    const aborting = new AbortController();
    const before = (position: number): void => {
      if (position > partBytes * 1.5) aborting.abort(new Error('enough'));
    };
    const creating = place.open().create('large', streamOf(large, { before }), { signal: aborting.signal });
    expect(await kindOf(creating)).toBe('unavailable');
    expect(await place.direct().head('large')).toBeNull();
    expect(place.server.uploads.keys).toEqual([]);
  });

  test('whose upload somebody else removed is `unavailable`', async () => {
    place.faults.add(isNamed('CompleteMultipartUpload'), s3Error(404, 'NoSuchUpload'), Infinity);
    expect(await kindOf(place.open().create('large', streamOf(large)))).toBe('unavailable');
  });

  test('of 200 MB is never held whole: as many parts as are sent at once', { timeout: 120_000 }, async () => {
    const size = 200_000_000;
    let [held, mostHeld] = [0, 0];
    // One that a slow server did not take is sent again.
    const opened = new Set<number>();
    const meter: Meter = ({ name }) => {
      if (name === 'UploadPart') held--;
    };
    const body: StreamBody = {
      size,
      async *open({ start, end }) {
        opened.add(start);
        mostHeld = Math.max(mostHeld, ++held);
        const chunk = new Uint8Array(1_000_000).fill(opened.size);
        for (let left = end - start; left > 0; left -= chunk.byteLength) {
          yield chunk.subarray(0, left);
          await new Promise((resolve) => setImmediate(resolve));
        }
      },
    };
    const store = place.open({ parallelParts: 3, meter });
    expect(await store.create('huge', body)).toBe('created');
    expect(await store.head('huge')).toMatchObject({ size });
    expect([mostHeld, opened.size, held]).toEqual([3, Math.ceil(size / partBytes), 0]);
  });
});

describe('a large copy', () => {
  test('goes in parts, over what was there, and is `not-found` without a source', async () => {
    const store = place.open({ largestCopyBytes: partBytes + 1 });
    await place.direct().create('large', large);
    await place.direct().create('published', textOf('old'));
    await store.copy('large', 'published');
    expect(place.seen.filter((name) => name === 'UploadPartCopy')).toHaveLength(2 + 1);
    expect(summary(await place.direct().get('published'))).toBe(summary(large));
    expect(await kindOf(store.copy('absent', 'published'))).toBe('not-found');
    expect(place.server.uploads.keys).toEqual([]);
  });

  test.for(['UploadPartCopy', 'CompleteMultipartUpload'])(
    'that fails at %s leaves the target and no parts',
    async (at) => {
      await place.direct().create('large', large);
      await place.direct().create('published', textOf('old'));
      place.faults.add(isNamed(at), s3Error(403, 'AccessDenied'), Infinity);
      expect(await kindOf(place.open({ largestCopyBytes: partBytes }).copy('large', 'published'))).toBe('denied');
      expect(await place.direct().get('published')).toEqual(textOf('old'));
      expect(place.server.uploads.keys).toEqual([]);
    },
  );

  test('whose source changed meanwhile is `unavailable`: parts of two objects are none', async () => {
    await place.direct().create('large', large);
    await place.direct().create('other', bytesOf(largeSize, 1));
    const store = place.open({
      parallelParts: 1,
      largestCopyBytes: partBytes,
      meter: ({ name }) => void (name === 'UploadPartCopy' && change()),
    });
    let changing: Promise<void> | undefined;
    const change = (): void => void (changing ??= place.direct().copy('other', 'large'));
    place.faults.add(isNamed('UploadPartCopy'), { kind: 'delay', ms: 500 }, Infinity);
    expect(await kindOf(store.copy('large', 'published'))).toBe('unavailable');
    await changing;
    expect(await place.direct().head('published')).toBeNull();
    expect(place.server.uploads.keys).toEqual([]);
  });

  test('of an object onto itself asks S3 for nothing that it refuses', async () => {
    await place.direct().create('a', textOf('a'));
    await place.open().copy('a', 'a');
    expect(place.seen).toEqual(['GetObject']);
  });

  test('whose source went away meanwhile is `not-found`', async () => {
    await place.direct().create('a', textOf('a'));
    place.faults.add(isNamed('CopyObject'), s3Error(404, 'NoSuchKey'));
    expect(await kindOf(place.open().copy('a', 'b'))).toBe('not-found');
  });
});

describe('uploads that nobody ended', () => {
  async function begin(...keys: string[]): Promise<void> {
    for (const Key of keys) await client().send(new CreateMultipartUploadCommand({ Bucket: 'bucket', Key }));
  }

  test('are removed by the next upload in parts, in its folder, when they are older than a day', async () => {
    const runtime = { ...testRuntime(), now: () => Date.now() };
    await begin('d.bulk/old', 'e/other');
    place.server.uploads.age(dayMs + 1000);
    await begin('d.bulk/young');
    expect(await place.open({ runtime }).create('d.bulk/new', streamOf(large))).toBe('created');
    expect(place.server.uploads.keys).toEqual(['e/other', 'd.bulk/young']);
  });

  test('are looked for once an hour in each folder, never in the whole bucket, and not by what is small', async () => {
    const runtime = testRuntime();
    const store = place.open({ runtime });
    const looks = (): number => place.seen.filter((name) => name === 'ListMultipartUploads').length;
    await store.create('root', streamOf(large));
    await store.create('d.bulk/small', textOf('small'));
    await store.list('d.bulk/');
    expect(looks()).toBe(0);
    for (let turn = 0; turn < 3; turn++) await store.create(`d.bulk/${turn}`, streamOf(large));
    expect(looks()).toBe(1);
    await store.create('d.snapshots/0', streamOf(large));
    expect(looks()).toBe(2);
    runtime.advance(3_600_000);
    await store.create('d.bulk/later', streamOf(large));
    expect(looks()).toBe(3);
  });

  test.for([s3Error(403, 'AccessDenied'), s3Error(501, 'NotImplemented'), { kind: 'cut-before' } as const])(
    'are no matter where one may not look: %j',
    async (fault) => {
      place.faults.add(isNamed('ListMultipartUploads'), fault, Infinity);
      expect(await place.open().create('d/a', streamOf(large))).toBe('created');
      expect(place.seen).toContain('ListMultipartUploads');
    },
  );
});

describe('a delete', () => {
  test('of many keys goes in thousands, each key once, with the checksum that older stores ask for', async () => {
    const keys = Array.from({ length: 1001 }, (_, index) => `d/${index}`);
    const checksums: unknown[] = [];
    const look = ({ headers }: { headers: Record<string, unknown> }): boolean => {
      checksums.push(headers['content-md5']);
      return false;
    };
    place.faults.add(look, { kind: 'cut-before' });
    await place.open().delete([...keys, 'd/0']);
    expect(place.seen).toEqual(['DeleteObjects', 'DeleteObjects']);
    expect(checksums).toEqual([expect.stringMatching(/^[\w+/]{22}==$/), expect.stringMatching(/^[\w+/]{22}==$/)]);
  });

  test('that is stopped between two thousands is `indeterminate`', async () => {
    const aborting = new AbortController();
    const store = place.open({ meter: () => aborting.abort() });
    const keys = Array.from({ length: 1001 }, (_, index) => `d/${index}`);
    expect(await kindOf(store.delete(keys, { signal: aborting.signal }))).toBe('indeterminate');
    expect(place.seen).toEqual(['DeleteObjects']);
  });
});

describe('the list', () => {
  test('passes over what is no key, and still fills its pages', async () => {
    for (const Key of ['d/', 'd/a', 'd/b b', 'd/c', 'd/d~', 'd/ä'])
      await client().send(new PutObjectCommand({ Bucket: 'bucket', Key, Body: 'x' }));
    const store = place.open();
    expect((await store.list('d/')).objects.map(({ key }) => key)).toEqual(['d/a', 'd/c']);
    const first = await store.list('d/', { limit: 1 });
    expect(first).toMatchObject({ objects: [{ key: 'd/a' }], more: true });
    const second = await store.list('d/', { limit: 1, after: 'd/a' });
    expect(second).toMatchObject({ objects: [{ key: 'd/c' }], more: true });
    expect(await store.list('d/', { limit: 1, after: 'd/c' })).toEqual({ objects: [], more: false });
  });
});

describe('the meter', () => {
  async function metered(work: (store: ReturnType<typeof place.open>) => Promise<unknown>): Promise<SentRequest[]> {
    const sent: SentRequest[] = [];
    await work(place.open({ meter: (request) => sent.push(request) }));
    return sent;
  }

  test('is told of each request, its class and its bytes', async () => {
    const sent = await metered(async (store) => {
      await store.create('d/a', bytesOf(1000));
      await store.get('d/a', { range: { start: 0, end: 10 } });
      await store.head('d/a');
      await store.list('');
      await store.copy('d/a', 'd/b');
      await store.delete(['d/a', 'd/b']);
    });
    expect(sent.map(({ name, class: of }) => `${of} ${name}`)).toEqual([
      'write PutObject',
      'read GetObject',
      'read GetObject',
      'write ListObjectsV2',
      'read GetObject',
      'write CopyObject',
      'free DeleteObjects',
    ]);
    expect(sent[0]).toMatchObject({ bytesUp: 1000 });
    expect(sent[1]).toMatchObject({ bytesUp: 0, bytesDown: 10 });
    expect(sent[2]).toMatchObject({ bytesUp: 0, bytesDown: 1 });
  });

  test('is told of attempts that the SDK repeats, refused ones and those without an answer', async () => {
    place.faults.add(isNamed('PutObject'), s3Error(500, 'InternalError'));
    place.faults.add(isNamed('PutObject'), { kind: 'cut-after' });
    const sent = await metered((store) => store.create('a', textOf('a')));
    expect(sent.map(({ name, bytesUp }) => [name, bytesUp])).toEqual([
      ['PutObject', 1],
      ['PutObject', 1],
      ['PutObject', 1],
    ]);
  });

  test('is not told of what never left', async () => {
    const sent: SentRequest[] = [];
    const store = place.open({ endpoint: 'http://127.0.0.1:1', meter: (request) => sent.push(request) });
    expect(await kindOf(store.create('a', textOf('a')))).toBe('unavailable');
    expect(sent).toEqual([]);
  });
});

describe('connections', () => {
  test('are kept, also after reads and large bodies', async () => {
    const { connections } = place.proxy;
    const store = place.open({ parallelParts: 1 });
    await store.create('a', bytesOf(3_000_000));
    await store.create('large', streamOf(large));
    for (let turn = 0; turn < 3; turn++) {
      await store.get('a');
      await store.get('large');
      await store.head('absent');
      await store.get('absent');
    }
    // One, and one for the completion, which the store may be silent about for longer.
    expect(place.proxy.connections - connections).toBe(2);
  });

  test('are given back by what is stopped', async () => {
    const store = place.open();
    await place.direct().create('large', large);
    const { open } = place.proxy;
    place.faults.add(isNamed('GetObject'), { kind: 'delay', ms: 5000 });
    const aborting = new AbortController();
    const getting = kindOf(store.get('large', { signal: aborting.signal }));
    await expect.poll(() => place.proxy.open).toBe(open + 1);
    aborting.abort();
    expect(await getting).toBe('unavailable');
    await expect.poll(() => place.proxy.open).toBe(open);
  });

  test.for([{ answerMs: 200 }, { idleMs: 200 }])('are given up after %j without an answer', async (timeouts) => {
    place.faults.add(isNamed('GetObject'), { kind: 'delay', ms: 2500 }, Infinity);
    expect(await kindOf(place.open({ timeouts }).get('a'))).toBe('unavailable');
    expect(place.seen).toEqual(['GetObject', 'GetObject', 'GetObject']);
  });
});

describe('a store that ignores conditions', () => {
  test('is one in which both of two writers believe that they created a key: it has to be tried first', async () => {
    const target = new URL(place.server.endpoint).origin;
    const proxy = await startProxy({ target, rewrite: withoutConditions(place.server.secretAccessKey) });
    const store = place.open({ endpoint: place.server.endpoint.replace(target, proxy.url) });
    expect(await store.create('a', textOf('first'))).toBe('created');
    expect(await store.create('a', textOf('second'))).toBe('created');
    expect(await place.direct().get('a')).toEqual(textOf('second'));
    await proxy.close();
  });
});
