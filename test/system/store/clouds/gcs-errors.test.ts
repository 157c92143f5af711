/** What the driver of Google Cloud Storage says of each thing that can be wrong. */
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { AppError, ErrorKind } from '../../../../lib/errors.ts';
import type { GcsCredentials, GcsStoreOptions } from '../../../../lib/store/gcs.ts';
import { routeTokens } from '../../../support/servers/gcs/tokens.ts';
import { GcsServer } from '../../../support/servers/gcs.ts';
import { textOf } from '../../../../lib/testing/conformance/support.ts';
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
    says: /their scope does not include Cloud Storage/,
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
    says: /no valid name of a bucket/,
    hint: /Correct GCS_BUCKET/,
  },
  'no such bucket': {
    answer: answerOf(404, 'notFound', 'The specified bucket does not exist.'),
    kind: 'denied',
    says: /bucket-\S+ does not exist: there is no such bucket/,
    hint: /Create the bucket, or correct GCS_BUCKET/,
  },
  'any other refusal': {
    answer: answerOf(405, 'methodNotAllowed', 'The specified method is not allowed'),
    kind: 'denied',
    says: /refused the request \(objects\.\w+: methodNotAllowed\)/,
    hint: /GCS_ENDPOINT/,
  },
  'an older quota': {
    answer: answerOf(403, 'userRateLimitExceeded', 'User Rate Limit Exceeded'),
    kind: 'unavailable',
    says: /asked to slow down/,
    hint: /later/,
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
    expect(error.cause).toMatchObject({ name: 'ProviderFailure', status: answer.status });
  });

  test('and says each thing in its own words', async () => {
    const messages = new Set<string>();
    const { store } = open();
    for (const { answer } of Object.values(cases)) {
      server.faults.add(({ path }) => !path.startsWith('/token'), { kind: 'answer', ...answer }, Infinity);
      messages.add((await errorOf(store.head('there'))).message.replace(/\(objects\.get: .*\)/, ''));
      server.faults.clear();
    }
    // Three forms of billing, two of an API that is not enabled.
    expect(messages.size).toBe(Object.keys(cases).length - 3);
  });

  test('names the request, for Google’s support', async () => {
    const { store } = open();
    server.denied.add('storage.objects.list');
    expect((await errorOf(store.list(''))).cause).toMatchObject({
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });
});

describe('of a right that the account lacks', () => {
  test.for([
    ['storage.objects.create', ['create', 'create in parts', 'copy']],
    ['storage.objects.get', ['get', 'get of a range', 'head', 'copy']],
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
        ? `denied: .* the account of GOOGLE_APPLICATION_CREDENTIALS lacks ${permission}`
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
    for (const touch of [touches['get']!, touches['head']!]) {
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
  const message = expect.stringContaining(`gcs ${bucket.name} does not exist: there is no such bucket`) as string;
  expect(await errorOf(touch(store))).toMatchObject({ kind: 'denied', message });
});
