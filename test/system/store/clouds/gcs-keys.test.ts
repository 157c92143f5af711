/** Keys of Google Cloud, which open or say why not, and are never said; and what the meter hears. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createGcsStore, type GcsCredentials, type GcsStoreOptions } from '../../../../lib/store/gcs.ts';
import type { SentRequest } from '../../../../lib/store/usage.ts';
import { routeTokens } from '../../../support/servers/gcs/tokens.ts';
import { GcsServer } from '../../../support/servers/gcs.ts';
import { bytesOf, failure, streamOf, textOf } from '../../../../lib/testing/conformance/support.ts';
import { answerOf, errorOf, openOn, touches } from '../../../support/places/gcs.ts';

const server = await GcsServer.start({ asksForTokens: true });
afterAll(() => server.stop());
beforeEach(() => routeTokens(server));
afterEach(() => {
  server.reset();
  vi.unstubAllGlobals();
});

const inline: GcsCredentials = { kind: 'inline', key: server.accounts.key };
const open = (options: Partial<GcsStoreOptions> = {}) =>
  openOn(server, { credentials: inline, partBytes: 8 * 1024 * 1024, ...options });

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

  test('of a person opens as well', async () => {
    const { store } = open({ credentials: { kind: 'inline', key: server.accounts.userKey } });
    expect(await store.create('x', textOf('x'))).toBe('created');
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

  test('is not sent where an upload goes on elsewhere', async () => {
    const elsewhere = await GcsServer.start({ asksForTokens: false });
    onTestFinished(() => elsewhere.stop());
    const location = `${elsewhere.url}/upload/storage/v1/b/bucket/o?uploadType=resumable&upload_id=none`;
    server.faults.add(({ path }) => path !== '/token', { kind: 'answer', status: 200, headers: { location } });
    const { store } = open({ partBytes: 256 * 1024 });
    expect(await errorOf(store.create('x', streamOf(bytesOf(300_000))))).toMatchObject({ kind: 'denied' });
    expect(elsewhere.seen.map(({ method, headers }) => [method, headers.authorization])).toEqual([
      ['PUT', undefined],
      ['DELETE', undefined],
    ]);
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
    'of a person, that was revoked': {
      credentials: () => ({ kind: 'inline', key: { ...server.accounts.userKey, refresh_token: '1//revoked' } }),
      says: /is no longer valid.*\(invalid_grant\)/,
      hint: /Create a new key/,
    },
    'while the clock is off': {
      credentials: () => {
        server.accounts.clockAheadMs = 3_600_000;
        return inline;
      },
      says: /clock of this machine is wrong/,
      hint: /Correct the clock/,
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

  test('whose file is other JSON is not replaced by one that the SDK finds by itself', async () => {
    const found = (await keyFile(JSON.stringify(server.accounts.key))) as { path: string };
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', found.path);
    for (const text of ['null', '[]', '{}', '"text"']) {
      expect(await errorOf(getting(await keyFile(text)))).toMatchObject({ kind: 'denied' });
    }
  });

  test('while Google gives no tokens: nothing was sent, not even by a write', async () => {
    const { store } = open();
    server.faults.add(({ path }) => path === '/token', { kind: 'answer', status: 400, body: '{"error":"unknown"}' });
    expect(await errorOf(store.create('x', textOf('x')))).toMatchObject({ kind: 'denied' });
    server.faults.add(({ path }) => path === '/token', { kind: 'answer', status: 503, body: '' }, Infinity);
    expect(await errorOf(store.create('x', textOf('x')))).toMatchObject({
      kind: 'unavailable',
      message: 'Google does not issue an access token at the moment (503).',
    });
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
  expect(text).not.toMatch(/ya29|Bearer|BEGIN|assertion|eyJ|secret-of-a-client|1\/\//);
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
      expect(error.cause).toMatchObject({ name: 'ProviderFailure', code: 'ECONNRESET' });
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
