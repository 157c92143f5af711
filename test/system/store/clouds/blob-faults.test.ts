/** Every fault during every request: no wrong bytes, no false 'absent', and no outcome claimed that is not known. */
import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { AppError, isAppError } from '../../../../lib/errors.ts';
import type { Store } from '../../../../lib/store/store.ts';
import { startBlobServer } from '../../../support/servers/blob.ts';
import type { TestBlobStore } from '../../../support/servers/blob/store.ts';
import type { ServerFault } from '../../../support/servers/faults.ts';
import { bytesOf, kindOf, streamOf, summary, textOf } from '../../../../lib/testing/conformance/support.ts';
import { openStore, partBytes, requests, said, stateOf, useBlobServer } from '../../../support/places/blob.ts';

const blob = useBlobServer(0);
const slow: ServerFault = { kind: 'delay', ms: 1200 };

/** Has little patience with slowness, and enough for a busy machine with all else. */
function openFor(place: TestBlobStore, fault: ServerFault): Store {
  return openStore(place, fault === slow ? { patienceMs: 250 } : {});
}

beforeEach(() => blob.server.faults.clear());

const faults: Record<string, ServerFault> = {
  'cut before': { kind: 'cut-before' },
  'cut after': { kind: 'cut-after' },
  'cut in the answer': { kind: 'cut-body', bytes: 1 },
  slowness: slow,
  'status 500 without words': { kind: 'answer', status: 500, body: '<html>' },
  'status 503': said(503, 'service_unavailable'),
  'status 404 of somebody else': { kind: 'answer', status: 404, body: '<html>not found</html>' },
  'status 403 of somebody else': { kind: 'answer', status: 403 },
  'status 400 with a code that is new': said(400, 'something_new'),
  'status 429': said(429, 'rate_limited'),
  'success without sense': { kind: 'answer', status: 200, body: '<html>' },
  'success without words': { kind: 'answer', status: 200, body: '{}' },
};

const small = bytesOf(70_000, 1);
const large = bytesOf(2 * partBytes + 1, 2);

interface Case {
  readonly request: keyof typeof requests;
  readonly run: (store: Store) => Promise<unknown>;
}

const reads: Record<string, Case & { readonly expected: unknown }> = {
  get: { request: 'get', run: async (store) => summary(await store.get('there')), expected: summary(small) },
  'get of a range': {
    request: 'get',
    run: async (store) => summary(await store.get('there', { range: { start: 5, end: 50_000 } })),
    expected: summary(small.subarray(5, 50_000)),
  },
  'get of what is absent': { request: 'get', run: (store) => store.get('absent'), expected: null },
  'get of what is absent, at the second look': {
    request: 'head',
    run: (store) => store.get('absent'),
    expected: null,
  },
  head: { request: 'head', run: async (store) => (await store.head('there'))?.size, expected: small.byteLength },
  'head of what is absent': { request: 'head', run: (store) => store.head('absent'), expected: null },
  list: {
    request: 'list',
    run: async (store) => (await store.list('')).objects.map(({ key, size }) => [key, size]),
    expected: [['there', small.byteLength]],
  },
  'list after a key': {
    request: 'list',
    run: async (store) => (await store.list('', { after: 'a', limit: 5 })).objects.length,
    expected: 1,
  },
};

describe.for(Object.entries(reads))('%s', ([, { request, run, expected }]) => {
  test.for(Object.entries(faults))('with %s', async ([, fault]) => {
    const place = blob.addStore();
    const store = openStore(place);
    await store.create('there', small);
    blob.server.faults.add(requests[request], fault);
    const outcome = await run(openFor(place, fault)).catch((error: unknown) =>
      isAppError(error, 'unavailable') ? 'unavailable' : error,
    );
    expect(blob.server.faults.pending).toBe(0);
    expect([expected, 'unavailable']).toContainEqual(outcome);
    expect(await run(store)).toEqual(expected);
  });
});

const writes: Record<string, Case & { readonly target: string; readonly bytes: Uint8Array | null }> = {
  create: { request: 'put', run: (store) => store.create('new', small), target: 'new', bytes: small },
  'create of a small stream': {
    request: 'put',
    run: (store) => store.create('new', streamOf(small)),
    target: 'new',
    bytes: small,
  },
  'create in parts, at the first look': {
    request: 'head',
    run: (store) => store.create('new', streamOf(large)),
    target: 'new',
    bytes: large,
  },
  'create in parts, at the beginning': {
    request: 'begin',
    run: (store) => store.create('new', streamOf(large)),
    target: 'new',
    bytes: large,
  },
  'create in parts, at a part': {
    request: 'part',
    run: (store) => store.create('new', streamOf(large)),
    target: 'new',
    bytes: large,
  },
  'create in parts, at the end': {
    request: 'complete',
    run: (store) => store.create('new', streamOf(large)),
    target: 'new',
    bytes: large,
  },
  copy: { request: 'copy', run: (store) => store.copy('source', 'there'), target: 'there', bytes: textOf('source') },
  delete: { request: 'delete', run: (store) => store.delete(['there']), target: 'there', bytes: null },
};

describe.for(Object.entries(writes))('%s', ([, { request, run, target, bytes }]) => {
  // What the service answers to a deletion is nowhere said, so any JSON will do.
  const possibleFaults = Object.entries(faults).filter(
    ([name]) => request !== 'delete' || name !== 'success without words',
  );
  test.for(possibleFaults)('with %s', async ([, fault]) => {
    const place = blob.addStore();
    const store = openStore(place);
    await store.create('there', small);
    await store.create('source', textOf('source'));
    const [before, after] = [stateOf(place, target), summary(bytes)];
    blob.server.faults.add(requests[request], fault);
    const outcome = await run(openFor(place, fault)).then(
      (value) => (value === undefined ? 'done' : (value as string)),
      (error: unknown) => (error instanceof AppError ? error.kind : 'a defect'),
    );
    expect(blob.server.faults.pending).toBe(0);
    if (fault === slow) await delay(1300);
    const possible: Record<string, string[]> = {
      created: [after],
      exists: [after],
      done: [after],
      unavailable: [before],
      indeterminate: [before, after],
    };
    expect(possible[outcome]).toContain(stateOf(place, target));
    // Whatever happened, the same write may follow.
    expect(['created', 'exists', undefined]).toContain(await run(store));
    expect(stateOf(place, target)).toBe(after);
  });
});

describe('the kind of a failed write', () => {
  const open = ['cut before', 'cut after', 'cut in the answer', 'slowness', 'status 500 without words', 'status 503'];
  const visible = ['create', 'create in parts, at the end', 'copy', 'delete'];
  const hidden = ['create in parts, at the beginning', 'create in parts, at a part'];

  async function kindWith(write: string, fault: ServerFault): Promise<string> {
    const place = blob.addStore();
    await openStore(place).create('source', textOf('source'));
    const { request, run } = writes[write]!;
    blob.server.faults.add(requests[request], fault);
    return kindOf(run(openFor(place, fault)));
  }

  test.for(visible)('%s: indeterminate unless it was refused', async (write) => {
    for (const name of open) expect([name, await kindWith(write, faults[name]!)]).toEqual([name, 'indeterminate']);
    expect(await kindWith(write, said(429, 'rate_limited'))).toBe('unavailable');
    expect(await kindWith(write, said(403, 'forbidden'))).toBe('denied');
  });

  test.for(hidden)('%s: nothing was changed', async (write) => {
    // A part may take as long as its size does on a slow line.
    const names = open.filter((name) => !write.endsWith('a part') || name !== 'slowness');
    for (const name of names) expect([name, await kindWith(write, faults[name]!)]).toEqual([name, 'unavailable']);
  });

  test('unavailable when nobody was there to ask', async () => {
    const place = blob.addStore();
    const store = openStore(place);
    const gone = await startBlobServer();
    vi.stubEnv('VERCEL_BLOB_API_URL', gone.apiUrl);
    await gone.close();
    expect(await kindOf(store.create('key', small))).toBe('unavailable');
    expect(await kindOf(store.head('key'))).toBe('unavailable');
  });
});
