/** Each refusal of Vercel Blob has words of its own, says what to do, and tells no token. */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../../../lib/errors.ts';
import { systemRuntime } from '../../../../lib/runtime.ts';
import { createBlobStore } from '../../../../lib/store/blob.ts';
import { storeIdOfToken } from '../../../../lib/store/blob/credentials.ts';
import type { Store } from '../../../../lib/store/store.ts';
import type { StoreMood, TestBlobStore } from '../../../support/servers/blob/store.ts';
import { failure, streamOf, textOf } from '../../../../lib/testing/conformance/support.ts';
import { openStore, partBytes, requests, useBlobServer } from '../../../support/places/blob.ts';

const blob = useBlobServer(0);

const operations: Record<string, (store: Store) => Promise<unknown>> = {
  create: (store) => store.create('key', textOf('x')),
  'create in parts': (store) => store.create('key', streamOf(new Uint8Array(partBytes + 1))),
  get: (store) => store.get('key'),
  head: (store) => store.head('key'),
  list: (store) => store.list(''),
  copy: (store) => store.copy('key', 'other'),
  delete: (store) => store.delete(['key']),
};

/** The error of every operation; they must be one and the same but for what they stand for. */
async function refusalOf(store: Store, names = Object.keys(operations)): Promise<AppError> {
  const errors = [];
  for (const name of names) errors.push([name, await failure(operations[name]!(store))] as const);
  const first = errors[0]![1] as AppError;
  for (const [name, error] of errors) {
    expect(error).toBeInstanceOf(AppError);
    const { kind, hint, retryAfterMs } = error as AppError;
    expect([name, kind, said(error as AppError), hint, retryAfterMs]).toEqual([
      name,
      first.kind,
      said(first),
      first.hint,
      first.retryAfterMs,
    ]);
  }
  return first;
}

/** The message without the names of the request and of the error. */
function said({ message }: AppError): string {
  return message.replace(/ \(\w+: .*\)\.$/, '').replace(/; whether \w+ took/, '; whether it took');
}

/** Everything that a log or an answer could make of an error. */
function everythingIn(error: unknown): string {
  const shown = inspect(error, { depth: 20, showHidden: true, maxStringLength: null });
  const cause = error instanceof Error && error.cause !== undefined ? everythingIn(error.cause) : '';
  const own = error instanceof Error ? `${error.stack} ${error.message} ${JSON.stringify(error)}` : '';
  return `${shown} ${own} ${cause}`;
}

function expectNoToken(error: unknown, place: TestBlobStore): void {
  const secret = place.token.split('_').at(-1)!;
  expect(everythingIn(error)).not.toContain(secret);
}

interface Expected {
  readonly kind: string;
  readonly message: RegExp;
  readonly hint: RegExp;
  readonly retryAfterMs?: number;
}

const moods: Record<string, { readonly mood: StoreMood; readonly expected: Expected }> = {
  suspended: {
    mood: { kind: 'suspended' },
    expected: {
      kind: 'unavailable',
      message: /suspended: its quota has ended/,
      hint: /raise the plan/,
      retryAfterMs: 60_000,
    },
  },
  deleted: {
    mood: { kind: 'deleted' },
    expected: { kind: 'denied', message: /no such Blob store/, hint: /BLOB_READ_WRITE_TOKEN \(or BLOB_STORE_ID\)/ },
  },
  'rate limited': {
    mood: { kind: 'rate-limited', retryAfterSeconds: 7 },
    expected: {
      kind: 'unavailable',
      message: /asked to slow down/,
      hint: /later/,
      retryAfterMs: 7000,
    },
  },
  'token expired': {
    mood: { kind: 'token-expired' },
    expected: { kind: 'denied', message: /has expired/, hint: /BLOB_READ_WRITE_TOKEN/ },
  },
  'environment not allowed': {
    mood: { kind: 'environment-not-allowed' },
    expected: { kind: 'denied', message: /OIDC token of this environment/, hint: /settings of the Blob store/ },
  },
  'refusing what a client token asks': {
    mood: { kind: 'refusing', status: 403, code: 'client_token_not_allowed', message: 'Not with a client token.' },
    expected: { kind: 'denied', message: /does not take this token for this/, hint: /BLOB_READ_WRITE_TOKEN/ },
  },
  'refusing the type': {
    mood: { kind: 'refusing', status: 400, code: 'bad_request', message: 'contentType application/x is not allowed' },
    expected: { kind: 'denied', message: /bytes of this type/, hint: /BLOB_READ_WRITE_TOKEN/ },
  },
  'refusing the name': {
    mood: {
      kind: 'refusing',
      status: 400,
      code: 'bad_request',
      message: '"pathname" does not match the token payload',
    },
    expected: { kind: 'denied', message: /may not write this object/, hint: /BLOB_READ_WRITE_TOKEN/ },
  },
  'refusing the size': {
    mood: {
      kind: 'refusing',
      status: 400,
      code: 'bad_request',
      message: 'the file length cannot be greater than 5 bytes',
    },
    expected: { kind: 'invalid', message: /does not take an object that large/, hint: /smaller/ },
  },
  'refusing for another reason': {
    mood: { kind: 'refusing', status: 400, code: 'bad_request', message: 'the moon is in the wrong phase' },
    expected: { kind: 'invalid', message: /refused the request/, hint: /cause in the log/ },
  },
};

describe('a store that is', () => {
  test.for(Object.entries(moods))('%s', async ([, { mood, expected }]) => {
    const place = blob.addStore();
    place.mood = mood;
    const error = await refusalOf(openStore(place));
    expect(error.kind).toBe(expected.kind);
    expect(error.message).toMatch(expected.message);
    expect(error.hint).toMatch(expected.hint);
    expect(error.retryAfterMs).toBe(expected.retryAfterMs);
    expectNoToken(error, place);
  });

  test('refused in ways of their own have messages of their own', async () => {
    const messages = [];
    for (const { mood } of Object.values(moods)) {
      const place = blob.addStore();
      place.mood = mood;
      messages.push(said(await refusalOf(openStore(place), ['head'])).replace(place.id, ''));
    }
    expect(new Set(messages).size).toBe(messages.length);
  });

  test('out of order: nothing is known of a write', async () => {
    const place = blob.addStore();
    place.mood = { kind: 'unavailable' };
    expect(await failure(openStore(place).get('key'))).toMatchObject({
      kind: 'unavailable',
      message: expect.stringMatching(/status 503/),
    });
    const read = await refusalOf(openStore(place), ['head', 'list', 'create in parts']);
    expect(read).toMatchObject({
      kind: 'unavailable',
      message: expect.stringMatching(/is not available at the moment/),
    });
    const write = await refusalOf(openStore(place), ['create', 'copy', 'delete']);
    expect(write).toMatchObject({
      kind: 'indeterminate',
      message: expect.stringMatching(/whether \w+ took effect is not known/),
    });
  });
});

describe('a token', () => {
  test('that is another store’s is refused', async () => {
    const [place, other] = [blob.addStore(), blob.addStore()];
    const token = `vercel_blob_rw_${place.id}_${other.token.split('_').at(-1)}`;
    const store = openStore(place, { credentials: { kind: 'token', token } });
    const error = await refusalOf(store);
    expect(error).toMatchObject({
      kind: 'denied',
      message: expect.stringMatching(/refuses the token/),
      hint: expect.stringMatching(/BLOB_READ_WRITE_TOKEN/),
    });
    expectNoToken(error, other);
  });

  test.for(['', 'x', 'vercel_blob_rw_', 'vercel_blob_rw_a', 'vercel_blob_rw_a_b_c', 'vercel_blob_rw_a_b\n'])(
    '%j is none',
    (token) => {
      expect(storeIdOfToken(token)).toBeNull();
      const open = () => createBlobStore({ credentials: { kind: 'token', token }, runtime: systemRuntime });
      expect(open).toThrow(expect.objectContaining({ kind: 'denied' }));
    },
  );

  test('does not come back in an error, though the service says it', async () => {
    const place = blob.addStore();
    const texts = [place.token, `Bearer ${place.token}`, `"${place.token}" is wrong`, 'vercel_blob_client_a_b'];
    for (const message of texts) {
      place.mood = { kind: 'refusing', status: 400, code: 'bad_request', message };
      for (const operation of Object.values(operations))
        expectNoToken(await failure(operation(openStore(place))), place);
      expect(everythingIn(await failure(openStore(place).head('key')))).not.toContain('vercel_blob_client_a_b');
    }
  });

  test('does not come back in the error of a network that fails', async () => {
    const place = blob.addStore();
    for (const matches of Object.values(requests)) blob.server.faults.add(matches, { kind: 'cut-before' }, 50);
    const told = [];
    for (const operation of Object.values(operations))
      told.push(everythingIn(await failure(operation(openStore(place)))));
    expect(told.filter((text) => text.includes(place.token.split('_').at(-1)!))).toEqual([]);
    expect(told.filter((text) => text.includes('fetch failed'))).toHaveLength(told.length);
    blob.server.faults.clear();
  });

  test('is not in the location', () => {
    const place = blob.addStore();
    expect(openStore(place).location).toBe(`vercel blob ${place.id}`);
    expect(storeIdOfToken(place.token)).toBe(place.id);
  });
});

describe('a store of the other access', () => {
  test.for(['private', 'public'] as const)('than %s: every operation that meets it says so', async (access) => {
    const other = access === 'private' ? 'public' : 'private';
    const place = blob.addStore(other);
    const writes = ['create', 'create in parts', 'copy'];
    const atFirst = await refusalOf(openStore(place, { access }), writes);
    await openStore(place).create('key', textOf('x'));
    const later = await refusalOf(openStore(place, { access }), ['get', 'head', 'list', 'create', 'copy']);
    expect(said(later)).toBe(said(atFirst));
    expect(later).toMatchObject({
      kind: 'denied',
      message: expect.stringMatching(new RegExp(`is ${other}, and a store keeps`)),
    });
    expect(later.hint).toMatch(/BLOB_ACCESS/);
    const advice = { private: /anyone who knows the URL to read your data/, public: /BLOB_ACCESS=private/ };
    expect(later.hint).toMatch(advice[access]);
  });
});
