/** What the driver of Google Cloud Storage says of each thing that can be wrong, and that it never says a secret. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { AppError, type ErrorKind } from '../../../lib/errors.ts';
import { createGcsStore, type GcsCredentials, type GcsStoreOptions } from '../../../lib/store/gcs.ts';
import type { SentRequest } from '../../../lib/store/meter.ts';
import type { Store } from '../../../lib/store/store.ts';
import { routeTokens } from '../../support/servers/gcs/tokens.ts';
import { GcsServer } from '../../support/servers/gcs.ts';
import { bytesOf, collect, failure, streamOf, textOf } from '../conformance/support.ts';

const server = await GcsServer.start({ asksForTokens: true });
afterAll(() => server.stop());
beforeEach(() => routeTokens(server));
afterEach(() => {
  server.reset();
  vi.unstubAllGlobals();
});

const inline: GcsCredentials = { kind: 'inline', key: server.accounts.key };

function open(options: Partial<GcsStoreOptions> = {}) {
  const bucket = server.makeBucket();
  return {
    bucket,
    store: createGcsStore({ bucket: bucket.name, endpoint: server.url, credentials: inline, ...options }),
  };
}

async function errorOf(work: Promise<unknown>): Promise<AppError> {
  const error = await failure(work);
  if (error instanceof AppError) return error;
  throw new Error('This should have been an AppError.', { cause: error });
}

const touches: Record<string, (store: Store) => Promise<unknown>> = {
  create: (store) => store.create('new', textOf('x')),
  'create in parts': (store) => store.create('new', streamOf(bytesOf(9 * 1024 * 1024))),
  get: (store) => store.get('there'),
  'get of a range': (store) => store.get('there', { range: { start: 0, end: 1 } }),
  read: (store) => store.read('there'),
  head: (store) => store.head('there'),
  list: (store) => store.list(''),
  copy: (store) => store.copy('there', 'new'),
  delete: (store) => store.delete(['there']),
};

function answerOf(status: number, reason: string, message: string): { status: number; body: string } {
  return {
    status,
    body: JSON.stringify({ error: { code: status, message, errors: [{ domain: 'global', reason, message }] } }),
  };
}

interface Case {
  readonly answer: { readonly status: number; readonly body: string };
  readonly kind: ErrorKind;
  readonly says: RegExp;
  readonly hint: RegExp;
}

const cases: Record<string, Case> = {
  'a token that is refused': {
    answer: answerOf(401, 'authError', 'Invalid Credentials'),
    kind: 'denied',
    says: /does not accept the credentials/,
    hint: /GOOGLE_APPLICATION_CREDENTIALS/,
  },
  'a right that is lacking': {
    answer: answerOf(
      403,
      'forbidden',
      "x@y does not have storage.objects.delete access to the Google Cloud Storage object. Permission 'storage.objects.delete' denied on resource (or it may not exist).",
    ),
    kind: 'denied',
    says: /lacks storage\.objects\.delete/,
    hint: /roles\/storage\.objectUser.*GCS_BUCKET/,
  },
  'billing that is disabled': {
    answer: answerOf(403, 'accountDisabled', 'The billing account for the owning project is disabled in state closed'),
    kind: 'denied',
    says: /billing account of its project is disabled/,
    hint: /Enable billing/,
  },
  'billing that is absent, as text': {
    answer: { status: 403, body: 'The project to be billed is associated with an absent billing account.' },
    kind: 'denied',
    says: /billing account/,
    hint: /Enable billing/,
  },
  'a problem of the account': {
    answer: answerOf(403, 'UserProjectAccountProblem', 'User project specified in the request is invalid.'),
    kind: 'denied',
    says: /billing account/,
    hint: /Enable billing/,
  },
  'a bucket that bills who asks': {
    answer: answerOf(400, 'required', 'Bucket is a requester pays bucket but no user project provided.'),
    kind: 'denied',
    says: /requester pays/,
    hint: /Turn off "requester pays"/,
  },
  'an API that is not enabled': {
    answer: answerOf(
      403,
      'accessNotConfigured',
      'Cloud Storage JSON API has not been used in project 1 before or it is disabled.',
    ),
    kind: 'denied',
    says: /JSON API is not enabled/,
    hint: /Enable "Google Cloud Storage JSON API"/,
  },
  'an API that is not enabled, in the newer form': {
    answer: {
      status: 403,
      body: JSON.stringify({ error: { code: 403, message: 'x', details: [{ reason: 'SERVICE_DISABLED' }] } }),
    },
    kind: 'denied',
    says: /JSON API is not enabled/,
    hint: /Enable/,
  },
  'credentials for something else': {
    answer: answerOf(403, 'insufficientPermissions', 'Insufficient Permission'),
    kind: 'denied',
    says: /their scope does not include it/,
    hint: /key of a service account/,
  },
  'a policy of the organization': {
    answer: answerOf(412, 'orgPolicyConstraintFailed', "Request violates constraint 'constraints/storage.x'"),
    kind: 'denied',
    says: /policy of the organization/,
    hint: /administrators/,
  },
  'a retention policy': {
    answer: answerOf(
      403,
      'retentionPolicyNotMet',
      "Object 'b/o' is subject to bucket's retention policy and cannot be deleted or overwritten until x",
    ),
    kind: 'denied',
    says: /retention policy or a hold/,
    hint: /Remove the retention policy/,
  },
  'a name that is none': {
    answer: answerOf(400, 'invalid', "Invalid bucket name: 'X'"),
    kind: 'denied',
    says: /cannot be a bucket's name/,
    hint: /Correct GCS_BUCKET/,
  },
  'no such bucket': {
    answer: answerOf(404, 'notFound', 'The specified bucket does not exist.'),
    kind: 'denied',
    says: /There is no bucket bucket-/,
    hint: /Create it, or correct GCS_BUCKET/,
  },
  'any other refusal': {
    answer: answerOf(405, 'methodNotAllowed', 'The specified method is not allowed'),
    kind: 'denied',
    says: /refused a request \(405, methodNotAllowed\)/,
    hint: /GCS_ENDPOINT/,
  },
  'an older quota': {
    answer: answerOf(403, 'userRateLimitExceeded', 'User Rate Limit Exceeded'),
    kind: 'unavailable',
    says: /asks for fewer requests/,
    hint: /quotas/,
  },
};

const everywhere = Object.entries(cases).flatMap(([name, one]) =>
  Object.entries(touches).map(([operation, touch]) => ({ name, operation, touch, ...one })),
);

describe('says what is wrong, and what to do', () => {
  test.for(everywhere)('$operation: $name', async ({ answer, touch, kind, says, hint }) => {
    const { store } = open();
    server.faults.add(({ path }) => !path.startsWith('/token'), { kind: 'answer', ...answer }, Infinity);
    const error = await errorOf(touch(store));
    expect(error).toMatchObject({ kind, message: expect.stringMatching(says), hint: expect.stringMatching(hint) });
    expect(error.cause).toMatchObject({ name: 'GcsFailure', code: answer.status });
  });

  test('and says each thing in its own words', async () => {
    const messages = new Set<string>();
    const { store } = open();
    for (const { answer } of Object.values(cases)) {
      server.faults.add(({ path }) => !path.startsWith('/token'), { kind: 'answer', ...answer }, Infinity);
      messages.add((await errorOf(store.head('there'))).message);
      server.faults.clear();
    }
    // Three forms of billing, two of an API that is not enabled.
    expect(messages.size).toBe(Object.keys(cases).length - 3);
  });

  test('names the request, for Google’s support', async () => {
    const { store } = open();
    server.denied.add('storage.objects.list');
    expect((await errorOf(store.list(''))).cause).toMatchObject({ uploadId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
  });
});

describe('of a right that the account lacks', () => {
  test.for([
    ['storage.objects.create', ['create', 'create in parts', 'copy']],
    ['storage.objects.get', ['get', 'get of a range', 'read', 'head', 'copy']],
    ['storage.objects.list', ['list']],
    ['storage.objects.delete', ['delete']],
  ] as const)('%s: names it', async ([permission, operations]) => {
    const { store } = open();
    await store.create('there', textOf('x'));
    server.denied.add(permission);
    for (const [name, touch] of Object.entries(touches)) {
      const outcome = await touch(store).then(
        () => 'done',
        (error: AppError) => `${error.kind}: ${error.message}`,
      );
      const isLacking = (operations as readonly string[]).includes(name);
      const expected = isLacking
        ? `denied: The account of GOOGLE_APPLICATION_CREDENTIALS may not use .* it lacks ${permission}`
        : 'done';
      expect([name, outcome]).toEqual([name, expect.stringMatching(expected)]);
      server.denied.clear();
      await store.create('there', textOf('x'));
      await store.delete(['new']);
      server.denied.add(permission);
    }
  });

  test('to overwrite takes the right to delete', async () => {
    const { store } = open();
    await store.create('there', textOf('x'));
    await store.copy('there', 'published');
    server.denied.add('storage.objects.delete');
    expect((await errorOf(store.copy('there', 'published'))).message).toContain('lacks storage.objects.delete');
  });

  test('without the right to list, an absent object is not called absent', async () => {
    const { store } = open();
    server.denied.add('storage.objects.list');
    for (const touch of [touches['get']!, touches['head']!, touches['read']!]) {
      expect(await errorOf(touch(store))).toMatchObject({
        kind: 'denied',
        message: expect.stringContaining('storage.objects.list'),
      });
    }
  });
});

test.for(Object.entries(touches))('a bucket that is gone is not absence: %s', async ([, touch]) => {
  const { store, bucket } = open();
  server.dropBucket(bucket);
  const message = `There is no bucket ${bucket.name} at ${server.url}.`;
  expect(await errorOf(touch(store))).toMatchObject({ kind: 'denied', message });
});

describe('a key', () => {
  const getting = (credentials: GcsCredentials) => open({ credentials }).store.get('absent');

  async function keyFile(text: string): Promise<GcsCredentials> {
    const folder = await mkdtemp(join(tmpdir(), 'eider-key-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'key.json'), text);
    return { kind: 'file', path: join(folder, 'key.json') };
  }

  test('opens, given as itself or as a file; one token serves many requests', async () => {
    const warned = vi.spyOn(console, 'warn');
    for (const credentials of [inline, await keyFile(JSON.stringify(server.accounts.key))]) {
      const before = server.accounts.issued;
      const { store } = open({ credentials });
      expect(await Promise.all(Object.values(touches).map((touch) => touch(store).catch(() => 'failed')))).toContain(
        'created',
      );
      expect(await store.get('absent')).toBeNull();
      expect(server.accounts.issued - before).toBe(1);
    }
    expect(warned).not.toHaveBeenCalled();
  });

  test('whose token is refused gets another, once', async () => {
    const { store } = open();
    await store.create('there', textOf('x'));
    server.accounts.revokeTokens();
    const before = server.accounts.issued;
    const outcomes = await Promise.all([store.get('there'), store.create('new', textOf('y')), store.head('there')]);
    expect(outcomes).toMatchObject([textOf('x'), 'created', { size: 1 }]);
    expect(server.accounts.issued - before).toBe(1);
  });

  test('is not sent to a server that asks for none, and none is not sent', async () => {
    const emulator = await GcsServer.start({ asksForTokens: false });
    onTestFinished(() => emulator.stop());
    const bucket = emulator.makeBucket().name;
    const store = createGcsStore({ bucket, endpoint: emulator.url, credentials: { kind: 'none' } });
    expect(await store.create('x', textOf('x'))).toBe('created');
    expect(emulator.seen.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });

  test('that is corrected while the process runs is taken', async () => {
    const credentials = await keyFile('not yet');
    const { store } = open({ credentials });
    expect(await errorOf(store.get('absent'))).toMatchObject({ kind: 'denied' });
    await writeFile((credentials as { path: string }).path, JSON.stringify(server.accounts.key));
    expect(await store.get('absent')).toBeNull();
  });

  const wrong: Record<
    string,
    { credentials: () => Promise<GcsCredentials> | GcsCredentials; says: RegExp; hint: RegExp }
  > = {
    'that was deleted': {
      credentials: () => {
        server.accounts.isDeleted = true;
        return inline;
      },
      says: /is no longer valid.*\(invalid_grant\)/,
      hint: /Create a new key.*GOOGLE_APPLICATION_CREDENTIALS/,
    },
    'while the clock is off': {
      credentials: () => {
        server.accounts.clockAheadMs = 3_600_000;
        return inline;
      },
      says: /clock of this machine is wrong/,
      hint: /Set the clock right/,
    },
    'of another account': {
      credentials: () => ({
        kind: 'inline',
        key: { ...server.accounts.key, client_email: 'other@test-project.iam.gserviceaccount.com' },
      }),
      says: /is no longer valid/,
      hint: /Create a new key/,
    },
    'that is cut off': {
      credentials: () => ({
        kind: 'inline',
        key: { ...server.accounts.key, private_key: server.accounts.key.private_key.slice(0, 800) },
      }),
      says: /cannot be used: it is damaged/,
      hint: /JSON key of a service account, unchanged/,
    },
    'whose file is absent': {
      credentials: () => ({ kind: 'file', path: '/nowhere/key.json' }),
      says: /cannot be read \(ENOENT\)/,
      hint: /Correct the path, or put the JSON of the key itself/,
    },
    'whose file is a folder': {
      credentials: () => ({ kind: 'file', path: tmpdir() }),
      says: /cannot be read \(EISDIR\)/,
      hint: /Correct the path/,
    },
    'whose file is no JSON': {
      credentials: () => keyFile(server.accounts.key.private_key),
      says: /cannot be used: it is damaged/,
      hint: /unchanged/,
    },
    'whose file is other JSON': { credentials: () => keyFile('null'), says: /cannot be used/, hint: /unchanged/ },
  };

  test.for(Object.entries(wrong))('%s', async ([, { credentials, says, hint }]) => {
    const error = await errorOf(getting(await credentials()));
    expect(error).toMatchObject({
      kind: 'denied',
      message: expect.stringMatching(says),
      hint: expect.stringMatching(hint),
    });
    expectNoSecret(error);
  });

  test('while Google gives no tokens: nothing was sent, not even by a write', async () => {
    const { store } = open();
    server.faults.add(({ path }) => path === '/token', { kind: 'answer', status: 400, body: '{"error":"unknown"}' });
    expect(await errorOf(store.create('x', textOf('x')))).toMatchObject({ kind: 'denied' });
    vi.stubGlobal('fetch', () =>
      Promise.reject(new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ENOTFOUND' }) })),
    );
    const error = await errorOf(store.create('x', textOf('x')));
    expect(error).toMatchObject({ kind: 'unavailable', message: expect.stringContaining('(ENOTFOUND)') });
    expect(server.seen.filter(({ path }) => path !== '/token')).toEqual([]);
  });

  test('is not waited for once the signal is aborted', async () => {
    const { store } = open();
    server.faults.add(({ path }) => path === '/token', { kind: 'delay', ms: 500 });
    const stopping = new AbortController();
    setTimeout(() => stopping.abort(new Error('enough')), 30);
    const began = performance.now();
    expect(await errorOf(store.create('x', textOf('x'), { signal: stopping.signal }))).toMatchObject({
      kind: 'unavailable',
    });
    expect(performance.now() - began).toBeLessThan(400);
  });
});

/** Looks through all that a log could print of `error`, its causes included, hidden or not. */
function expectNoSecret(error: unknown): void {
  const chain: unknown[] = [];
  for (let one = error; one instanceof Error; one = one.cause) chain.push(one);
  const printed = chain.flatMap((one) => [
    inspect(one, { depth: 20, showHidden: true }),
    JSON.stringify(one),
    JSON.stringify(one, Object.getOwnPropertyNames(one)),
    String((one as Error).stack),
  ]);
  const text = printed.join('\n');
  const keyLines = server.accounts.key.private_key.split('\n').filter((line) => line.length > 20);
  for (const line of keyLines) expect(text.includes(line)).toBe(false);
  expect(text).not.toMatch(/ya29|Bearer|BEGIN|assertion|eyJ/);
}

describe('secrets', () => {
  test('are in no error, even when the server echoes them', async () => {
    const { store } = open();
    await store.create('there', textOf('x'));
    const token = String(server.seen.at(-1)?.headers.authorization);
    expect(token).toMatch(/^Bearer ya29\./);
    const echo = `${token} ${server.accounts.key.private_key}`;
    const answers = [400, 401, 403, 404, 405, 409, 412, 416, 429, 500, 503].flatMap((status) => [
      answerOf(status, 'reason', echo),
      answerOf(status, echo, echo),
      { status, body: echo },
      { status: 200, body: echo },
    ]);
    for (const answer of answers) {
      for (const touch of Object.values(touches)) {
        server.faults.add(({ path }) => path !== '/token', { kind: 'answer', ...answer }, Infinity);
        const outcome = await touch(store).then(
          () => null,
          (error: unknown) => error,
        );
        if (outcome !== null) expectNoSecret(outcome);
        server.faults.clear();
      }
    }
  });

  test('are in no error of the network', async () => {
    const { store } = open();
    await store.create('there', textOf('x'));
    for (const touch of Object.values(touches)) {
      server.faults.add(({ path }) => path !== '/token', { kind: 'cut-before' }, Infinity);
      const error = await errorOf(touch(store));
      expect(error.cause).toMatchObject({ name: 'GcsFailure', code: 'ECONNRESET' });
      expectNoSecret(error);
      server.faults.clear();
    }
  });

  test('are not in the location', () => {
    const { store, bucket } = open();
    expect(store.location).toBe(`gcs ${bucket.name}`);
  });
});

describe('the meter', () => {
  test('hears of each request once, what Google bills it as, and its bytes', async () => {
    const sent: SentRequest[] = [];
    const { store } = open({ meter: (request) => sent.push(request), partBytes: 256 * 1024 });
    const said = async (work: Promise<unknown>) => {
      sent.length = 0;
      await work;
      return sent.map(
        ({ name, class: billedAs, bytesUp, bytesDown }) => `${name} ${billedAs} ${bytesUp} ${bytesDown > 0 ? '+' : 0}`,
      );
    };
    expect(await said(store.create('a', bytesOf(1000)))).toEqual(['storage.objects.insert write 1000 +']);
    expect(await said(store.create('b', streamOf(bytesOf(300_000))))).toEqual([
      'storage.objects.insert write 0 0',
      'storage.objects.insert free 262144 0',
      'storage.objects.insert free 37856 +',
    ]);
    expect(await said(store.head('a'))).toEqual(['storage.objects.get read 0 +']);
    expect(await said(store.list(''))).toEqual(['storage.objects.list write 0 +']);
    expect(await said(store.copy('a', 'c'))).toEqual(['storage.objects.rewrite write 0 +']);
    expect(await said(store.delete(['a', 'c']))).toEqual(
      Array.from({ length: 2 }, () => 'storage.objects.delete free 0 0'),
    );
    expect(await said(store.get('b'))).toEqual(['storage.objects.get read 0 +']);
    expect(sent[0]?.bytesDown).toBe(300_000);
    expect(await said(collect(await store.read('b')))).toEqual(['storage.objects.get read 0 +']);
    server.faults.add(() => true, { kind: 'cut-before' });
    await failure(store.create('d', textOf('d')));
    expect(sent.at(-1)).toMatchObject({ name: 'storage.objects.insert', bytesUp: 1 });
    const before = sent.length;
    const away = createGcsStore({
      bucket: 'b',
      endpoint: 'http://127.0.0.1:9',
      credentials: { kind: 'none' },
      meter: (request) => sent.push(request),
    });
    await failure(away.head('x'));
    expect(sent.length).toBe(before);
  });

  test('connections are kept', async () => {
    const { store } = open();
    for (const touch of Object.values(touches)) await touch(store).catch(() => null);
    const ports = server.seen.filter(({ path }) => path !== '/token').map(({ port }) => port);
    expect(new Set(ports).size).toBeLessThanOrEqual(2);
  });
});
