/** What the driver says when the network or S3 fails: never wrong bytes, never a false `null`, never a false promise. */
import { describe, expect, test } from 'vitest';
import { isAppError } from '../../../../lib/errors.ts';
import { systemRuntime } from '../../../../lib/runtime.ts';
import { withRetry } from '../../../../lib/store/retry.ts';
import type { Store } from '../../../../lib/store/store.ts';
import type { ServerFault } from '../../../support/servers/faults.ts';
import { bytesOf, kindOf, streamOf, summary, textOf } from '../../../../lib/testing/conformance/support.ts';
import { isNamed, largeSize, s3Error, useS3 } from '../../../support/places/s3.ts';

const place = useS3();

const large = bytesOf(largeSize);

const faults: Readonly<Record<string, ServerFault>> = {
  'a cut before': { kind: 'cut-before' },
  'a cut after': { kind: 'cut-after' },
  'a cut in the body': { kind: 'cut-body', bytes: 2 },
  'no answer in time': { kind: 'delay', ms: 450 },
  'an error inside': s3Error(500, 'InternalError'),
  'an error inside, told after all went well': {
    kind: 'answer',
    status: 200,
    body: '<Error><Code>InternalError</Code></Error>',
  },
  'a gateway': { kind: 'answer', status: 502, body: '<html><body>Bad Gateway</body></html>' },
  'a call to slow down': s3Error(503, 'SlowDown'),
};

/** S3 says so of copies and completed uploads only. */
const lateFault = 'an error inside, told after all went well';

/** What a test can wait for. */
const timeouts = { answerMs: 300, idleMs: 300 };

interface Operation {
  /** The request that meets the fault. */
  readonly at: string;
  readonly run: (store: Store) => Promise<unknown>;
  /** What a success says. */
  readonly says: readonly string[];
  /** What is true after a success; and, of a write, of one whose outcome is not known. */
  readonly done?: Readonly<Record<string, string>>;
  /** What is true when nothing happened. */
  readonly before: Readonly<Record<string, string>>;
}

const old = summary(textOf('old'));
const there = { there: old };

const operations: Readonly<Record<string, Operation>> = {
  create: {
    at: 'PutObject',
    run: (store) => store.create('new', textOf('new')),
    says: ['created', 'exists'],
    done: { ...there, new: summary(textOf('new')) },
    before: { ...there, new: 'absent' },
  },
  'create of a key that is taken': {
    at: 'PutObject',
    run: (store) => store.create('there', textOf('new')),
    says: ['exists'],
    before: there,
    done: there,
  },
  ...Object.fromEntries(
    ['CreateMultipartUpload', 'UploadPart', 'CompleteMultipartUpload'].map((at) => [
      `create in parts, at ${at}`,
      {
        at,
        run: (store: Store) => store.create('large', streamOf(large)),
        says: ['created', 'exists'],
        done: { ...there, large: summary(large) },
        before: { ...there, large: 'absent' },
      },
    ]),
  ),
  get: { at: 'GetObject', run: async (store) => summary(await store.get('there')), says: [old], before: there },
  'get of what is absent': { at: 'GetObject', run: (store) => store.get('absent'), says: ['null'], before: there },
  head: { at: 'GetObject', run: async (store) => (await store.head('there'))?.size, says: ['3'], before: there },
  'head of what is absent': { at: 'GetObject', run: (store) => store.head('absent'), says: ['null'], before: there },
  list: {
    at: 'ListObjectsV2',
    run: async (store) => (await store.list('t')).objects.map(({ key }) => key),
    says: ['there'],
    before: there,
  },
  copy: {
    at: 'CopyObject',
    run: (store) => store.copy('there', 'copied'),
    says: ['undefined'],
    done: { ...there, copied: old },
    before: { ...there, copied: 'absent' },
  },
  delete: {
    at: 'DeleteObjects',
    run: (store) => store.delete(['there']),
    says: ['undefined'],
    done: { there: 'absent' },
    before: there,
  },
};

async function facts(keys: readonly string[]): Promise<Record<string, string>> {
  const store = place.direct();
  return Object.fromEntries(await Promise.all(keys.map(async (key) => [key, summary(await store.get(key))])));
}

/** What the operation said: its result, or the kind of its error. */
async function said(work: Promise<unknown>): Promise<string> {
  return work.then(String, (error: unknown) => {
    if (isAppError(error)) return error.kind;
    throw error;
  });
}

/** What may be true after each thing that may be said. */
function expected({ says, done, before }: Operation): Readonly<Record<string, readonly unknown[]>> {
  const after = done ?? before;
  return {
    ...Object.fromEntries(says.map((word) => [word, [after]])),
    unavailable: [before],
    ...(done ? { indeterminate: [before, after] } : {}),
  };
}

describe.for(Object.entries(faults))('%s', ([name, fault]) => {
  const met = Object.entries(operations).filter(([, { at }]) => name !== lateFault || at !== 'GetObject');
  describe.for(met)('at %s', ([, operation]) => {
    test.for([1, 3])('%i times', { timeout: 30_000 }, async (times) => {
      await place.direct().create('there', textOf('old'));
      place.faults.add(isNamed(operation.at), fault, times);
      const word = await said(operation.run(name === 'no answer in time' ? place.open({ timeouts }) : place.open()));
      const allowed = expected(operation);
      // What was late takes effect now, or never.
      await place.proxy.settled();
      expect(allowed[word]).toContainEqual(await facts(Object.keys(operation.before)));
      // An upload whose beginning was not told has no parts, and is swept.
      expect(operation.at === 'CreateMultipartUpload' ? [] : place.server.uploads.keys).toEqual([]);
      // The SDK repeats what failed once, unless the answer had begun. On a slow machine all may be late.
      const repeated = !['a cut in the body', 'no answer in time'].includes(name);
      expect(times === 1 && repeated ? operation.says : Object.keys(allowed)).toContain(word);
    });
  });
});

describe('the kind that is said', () => {
  const kinds: readonly [string, string, string][] = [
    ['a cut before', 'create', 'indeterminate'],
    ['a cut after', 'create', 'indeterminate'],
    ['no answer in time', 'create', 'indeterminate'],
    ['an error inside', 'create', 'indeterminate'],
    ['a gateway', 'create', 'indeterminate'],
    ['a call to slow down', 'create', 'unavailable'],
    ['a cut after', 'copy', 'indeterminate'],
    ['a cut after', 'delete', 'indeterminate'],
    ['an error inside', 'create in parts, at UploadPart', 'unavailable'],
    ['an error inside', 'create in parts, at CompleteMultipartUpload', 'indeterminate'],
    ['a cut after', 'create in parts, at CompleteMultipartUpload', 'indeterminate'],
    ['a cut before', 'get', 'unavailable'],
    ['a cut in the body', 'get', 'unavailable'],
    ['an error inside', 'head of what is absent', 'unavailable'],
    ['no answer in time', 'list', 'unavailable'],
  ];
  test.for(kinds)('of %s at %s is %s', { timeout: 30_000 }, async ([fault, operation, kind]) => {
    await place.direct().create('there', textOf('old'));
    const { at, run } = operations[operation]!;
    place.faults.add(isNamed(at), faults[fault]!, Infinity);
    expect(await kindOf(run(fault === 'no answer in time' ? place.open({ timeouts }) : place.open()))).toBe(kind);
  });

  test('is `indeterminate` when an attempt that may have taken effect is followed by a refusal', async () => {
    place.faults.add(isNamed('PutObject'), { kind: 'cut-after' });
    place.faults.add(isNamed('PutObject'), s3Error(403, 'ExpiredToken'));
    expect(await kindOf(place.open().create('new', textOf('new')))).toBe('indeterminate');
    expect(await place.direct().get('new')).toEqual(textOf('new'));
  });

  test('is `exists` when the first attempt took effect and its answer was lost: the caller reads back', async () => {
    place.faults.add(isNamed('PutObject'), { kind: 'cut-after' });
    expect(await place.open().create('new', textOf('new'))).toBe('exists');
    expect(await place.direct().get('new')).toEqual(textOf('new'));
    place.faults.add(isNamed('CompleteMultipartUpload'), { kind: 'cut-after' });
    expect(await place.open().create('large', streamOf(large))).toBe('exists');
    expect(summary(await place.direct().get('large'))).toBe(summary(large));
  });

  test('is `unavailable` when no connection comes about, for writes, too', async () => {
    const store = place.open({ endpoint: 'http://127.0.0.1:1' });
    expect(await kindOf(store.create('new', textOf('new')))).toBe('unavailable');
    expect(await kindOf(store.delete(['new']))).toBe('unavailable');
    expect(await kindOf(store.head('new'))).toBe('unavailable');
  });
});

describe('a conflict with another writer (409)', () => {
  const conflict = s3Error(409, 'ConditionalRequestConflict');

  test('is tried again while the key is absent', async () => {
    place.faults.add(isNamed('PutObject'), conflict, 2);
    expect(await place.open().create('new', textOf('new'))).toBe('created');
    place.faults.add(isNamed('CompleteMultipartUpload'), conflict);
    expect(await place.open().create('large', streamOf(large))).toBe('created');
    expect(summary(await place.direct().get('large'))).toBe(summary(large));
    expect(place.server.uploads.keys).toEqual([]);
  });

  test('is `exists` when the other has won', async () => {
    await place.direct().create('there', textOf('old'));
    place.faults.add(isNamed('PutObject'), conflict, Infinity);
    expect(await place.open().create('there', textOf('new'))).toBe('exists');
    expect(place.seen).toEqual(['PutObject', 'GetObject']);
  });

  test('that does not end is `unavailable`, and nothing is there', async () => {
    place.faults.add(isNamed('PutObject'), conflict, Infinity);
    expect(await kindOf(place.open().create('new', textOf('new')))).toBe('unavailable');
    expect(await place.direct().head('new')).toBeNull();
  });

  test('after an attempt that may have won is `indeterminate` if the look fails', async () => {
    place.faults.add(isNamed('PutObject'), { kind: 'cut-after' });
    place.faults.add(isNamed('PutObject'), conflict);
    place.faults.add(isNamed('GetObject'), s3Error(403, 'AccessDenied'), Infinity);
    expect(await kindOf(place.open().create('new', textOf('new')))).toBe('indeterminate');
  });
});

describe('absence', () => {
  test('is not said by 404 without NoSuchKey', async () => {
    const answers: readonly [string, ServerFault][] = [
      ['denied', s3Error(404, 'NoSuchBucket')],
      ['denied', { kind: 'answer', status: 404 }],
      ['denied', { kind: 'answer', status: 404, body: '<html>Not found</html>' }],
    ];
    for (const [kind, fault] of answers) {
      const store = place.open();
      place.faults.add(() => true, fault, Infinity);
      const reads = [store.get('a'), store.head('a'), store.list('a'), store.copy('a', 'b')];
      expect(await Promise.all(reads.map((read) => kindOf(read)))).toEqual(reads.map(() => kind));
      place.faults.clear();
    }
  });

  test('is asked for in words, by one request', async () => {
    expect(await place.open().head('absent')).toBeNull();
    expect(place.seen).toEqual(['GetObject']);
  });

  test('is not said of an empty object, which has no first byte', async () => {
    await place.direct().create('empty', new Uint8Array(0));
    const store = place.open();
    expect(await store.head('empty')).toMatchObject({ size: 0 });
    expect(place.seen).toEqual(['GetObject', 'HeadObject']);
    place.faults.add(isNamed('HeadObject'), { kind: 'answer', status: 404 });
    expect(await kindOf(store.head('empty'))).toBe('unavailable');
  });

  test('is not said of an object whose store knows no ranges, nor is that read to its end', async () => {
    const headers = { 'last-modified': new Date(0).toUTCString() };
    place.faults.add(isNamed('GetObject'), { kind: 'answer', status: 200, body: 'x'.repeat(100_000), headers });
    expect(await place.open().head('a')).toEqual({ key: 'a', size: 100_000, modifiedAt: new Date(0) });
  });

  test('is no date: what the store does not tell is not made up', async () => {
    place.faults.add(isNamed('GetObject'), { kind: 'answer', status: 200, body: 'x' });
    expect(await kindOf(place.open().head('a'))).toBe('unavailable');
  });

  test('of the bucket is `denied` for every operation', async () => {
    const store = place.open({ bucket: 'other' });
    const kinds = await Promise.all([
      kindOf(store.create('a', textOf('a'))),
      kindOf(store.create('a', streamOf(large))),
      kindOf(store.get('a')),
      kindOf(store.head('a')),
      kindOf(store.list('a')),
      kindOf(store.copy('a', 'b')),
      kindOf(store.delete(['a'])),
    ]);
    expect(new Set(kinds)).toEqual(new Set(['denied']));
  });
});

describe('a read that breaks', () => {
  test('is repeated by the wrapper that retries', async () => {
    await place.direct().create('large', large);
    const store = withRetry(place.open(), { runtime: systemRuntime });
    place.faults.add(isNamed('GetObject'), { kind: 'cut-body', bytes: 1_000_000 }, 3);
    expect(summary(await store.get('large'))).toBe(summary(large));
    expect(place.faults.pending).toBe(0);
  });

  test('is cut to the range when the store sends the whole object', async () => {
    const body = 'abcdefghij';
    const headers = { 'last-modified': new Date(0).toUTCString() };
    const store = place.open();
    for (const range of [
      { start: 2, end: 5 },
      { start: 0, end: 10 },
      { start: 8, end: 99 },
    ]) {
      place.faults.add(isNamed('GetObject'), { kind: 'answer', status: 200, body, headers });
      expect(await store.get('a', { range })).toEqual(textOf(body.slice(range.start, range.end)));
    }
  });

  test('is refused when the store sends another part than was asked for', async () => {
    const headers = { 'content-range': 'bytes 0-2/10' };
    place.faults.add(isNamed('GetObject'), { kind: 'answer', status: 206, body: 'abc', headers });
    expect(await kindOf(place.open().get('a', { range: { start: 2, end: 5 } }))).toBe('unavailable');
  });
});

describe('stopping', () => {
  const slow: ServerFault = { kind: 'delay', ms: 400 };

  async function stopAfter(ms: number, work: (signal: AbortSignal) => Promise<unknown>): Promise<[string, number]> {
    const aborting = new AbortController();
    const stopping = setTimeout(() => aborting.abort(new Error('enough')), ms);
    const begun = performance.now();
    const kind = await kindOf(work(aborting.signal));
    clearTimeout(stopping);
    return [kind, performance.now() - begun];
  }

  test('a write whose request was sent is `indeterminate`, at once', async () => {
    await place.direct().create('there', textOf('old'));
    const store = place.open();
    place.faults.add(isNamed('PutObject', 'CopyObject', 'DeleteObjects'), slow, 3);
    const writes = [
      (signal: AbortSignal) => store.create('new', textOf('new'), { signal }),
      (signal: AbortSignal) => store.copy('there', 'new', { signal }),
      (signal: AbortSignal) => store.delete(['there'], { signal }),
    ];
    for (const write of writes) {
      const [kind, ms] = await stopAfter(100, write);
      expect(kind).toBe('indeterminate');
      expect(ms).toBeLessThan(350);
    }
  });

  test('a read, or a pause after a refusal, is `unavailable`, at once', async () => {
    const store = place.open();
    place.faults.add(isNamed('GetObject'), slow);
    place.faults.add(isNamed('PutObject'), s3Error(503, 'SlowDown', '', { 'retry-after': '5' }), Infinity);
    for (const work of [
      (signal: AbortSignal) => store.get('a', { signal }),
      (signal: AbortSignal) => store.create('new', textOf('new'), { signal }),
    ]) {
      const [kind, ms] = await stopAfter(100, work);
      expect(kind).toBe('unavailable');
      expect(ms).toBeLessThan(350);
    }
    expect(place.seen.filter((name) => name === 'PutObject')).toHaveLength(1);
  });
});
