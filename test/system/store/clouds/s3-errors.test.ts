/** What an operator reads when S3 refuses: what is wrong, what to do, which variable; and no secret. */
import { inspect } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import { AppError } from '../../../../lib/errors.ts';
import type { S3StoreOptions } from '../../../../lib/store/s3.ts';
import type { Store } from '../../../../lib/store/store.ts';
import type { ServerFault } from '../../../support/servers/faults.ts';
import { failure, kindOf, textOf } from '../../../../lib/testing/conformance/support.ts';
import { isNamed, s3Error, useS3 } from '../../../support/places/s3.ts';

const place = useS3();

const canary = 'CANARY+secret/0123456789';
const tokenCanary = 'CANARY+token/9876543210';
const secretKeys = {
  kind: 'keys',
  accessKeyId: 'ASIATEST',
  secretAccessKey: canary,
  sessionToken: tokenCanary,
} as const;

/** Asked for a write and a read, each of which is refused. */
async function refusals(fault: ServerFault, options: Partial<S3StoreOptions> = {}): Promise<readonly AppError[]> {
  const store = place.open({ credentials: secretKeys, ...options });
  const operations: ((store: Store) => Promise<unknown>)[] = [
    (asked) => asked.create('a', textOf('a')),
    (asked) => asked.get('a'),
    (asked) => asked.head('a'),
    (asked) => asked.list('a'),
  ];
  const errors: AppError[] = [];
  for (const operation of operations) {
    place.faults.add(() => true, fault, Infinity);
    errors.push((await failure(operation(store))) as AppError);
    place.faults.clear();
  }
  return errors;
}

type Expected = readonly [name: string, fault: ServerFault, kind: string, message: RegExp, hint: RegExp];

/** What S3 puts into its errors of what it was sent. */
const echoed =
  `<Token-0>${tokenCanary}</Token-0><CanonicalRequest>x-amz-security-token:${tokenCanary}</CanonicalRequest>` +
  `<StringToSign>${canary}</StringToSign><AWSAccessKeyId>ASIATEST</AWSAccessKeyId>`;

const refused: readonly Expected[] = [
  ['a wrong key', s3Error(403, 'InvalidAccessKeyId', echoed), 'denied', /access key/, /AWS_ACCESS_KEY_ID/],
  ['a wrong key of R2', s3Error(401, 'Unauthorized'), 'denied', /access key/, /AWS_ACCESS_KEY_ID/],
  ['a wrong secret', s3Error(403, 'SignatureDoesNotMatch', echoed), 'denied', /signature/, /AWS_SECRET_ACCESS_KEY/],
  ['an old token', s3Error(400, 'ExpiredToken', echoed), 'denied', /expired/, /AWS_SESSION_TOKEN/],
  ['a wrong token', s3Error(400, 'InvalidToken', echoed), 'denied', /session token/, /AWS_SESSION_TOKEN/],
  ['a wrong clock', s3Error(403, 'RequestTimeTooSkewed'), 'denied', /clock/, /clock/],
  ['no right', s3Error(403, 'AccessDenied', echoed), 'denied', /denied access/, /s3:ListBucket/],
  ['no bucket', s3Error(404, 'NoSuchBucket'), 'denied', /no such bucket/, /S3_BUCKET/],
  ['a bad name', s3Error(400, 'InvalidBucketName'), 'denied', /name of the bucket/, /S3_BUCKET/],
  ['a closed account', s3Error(403, 'AllAccessDisabled'), 'denied', /account/, /account/],
  [
    'another region, by header',
    s3Error(301, 'PermanentRedirect', '', { 'x-amz-bucket-region': 'eu-central-1' }),
    'denied',
    /in the region eu-central-1/,
    /Set AWS_REGION to eu-central-1/,
  ],
  [
    'another region, by name',
    s3Error(400, 'AuthorizationHeaderMalformed', '<Region>ap-south-1</Region>'),
    'denied',
    /in the region ap-south-1/,
    /Set AWS_REGION to ap-south-1/,
  ],
  ['another region, untold', s3Error(301, 'PermanentRedirect'), 'denied', /another region/, /AWS_REGION/],
  ['a call to slow down', s3Error(503, 'SlowDown'), 'unavailable', /slow down/, /later/],
  ['a full store', s3Error(507, 'XMinioStorageFull'), 'unavailable', /full/, /quota/],
  ['a quota', s3Error(403, 'QuotaExceeded'), 'unavailable', /full/, /quota/],
  ['a lost KMS key', s3Error(400, 'KMS.DisabledException'), 'denied', /encryption/, /kms:Decrypt/],
  ['an archive', s3Error(403, 'InvalidObjectState'), 'denied', /archive/, /lifecycle/],
  ['no conditions', s3Error(501, 'NotImplemented'), 'denied', /implement/, /S3_ENDPOINT/],
  ['half a request', s3Error(400, 'RequestTimeout'), 'unavailable', /whole request/, /network/],
  ['too large', s3Error(400, 'EntityTooLarge'), 'invalid', /that large/, /smaller/],
  ['another 400', s3Error(400, 'SomethingNew'), 'invalid', /refused/, /S3_ENDPOINT/],
  ['no S3', { kind: 'answer', status: 404, body: '<html>' }, 'denied', /as S3 does/, /S3_ENDPOINT/],
];

/** All that anyone may print of an error. */
function printed(error: unknown): string {
  const shown = inspect(error, { depth: 20, showHidden: true });
  const json = JSON.stringify(error, (_, value: unknown) =>
    value instanceof Error
      ? Object.fromEntries(Object.getOwnPropertyNames(value).map((name) => [name, Reflect.get(value, name)]))
      : value,
  );
  return `${String(error)} ${shown} ${json}`;
}

describe('an answer', () => {
  test.for(refused)('of %s', { timeout: 30_000 }, async ([, fault, kind, message, hint]) => {
    for (const error of await refusals(fault)) {
      expect(error).toMatchObject({ name: 'AppError', kind });
      expect(error.message).toMatch(message);
      expect(error.message).toContain('s3 bucket (127.0.0.1:');
      expect(error.hint).toMatch(hint);
      expect(printed(error)).not.toContain('CANARY');
    }
  });

  test('each has words of its own', async () => {
    const texts = new Set<string>();
    const distinct = refused.filter(([name]) => !/of R2|untold|quota|by name/.test(name));
    for (const [, fault] of distinct) texts.add((await refusals(fault))[0]!.message.replace(/\(\w+: .*\)/, ''));
    expect(texts.size).toBe(distinct.length);
  });

  test('is kept as the cause, with what finds the request in the logs of the provider', async () => {
    const fault = s3Error(403, 'AccessDenied', '', { 'x-amz-id-2': 'EXTENDED8' });
    for (const { cause } of await refusals(fault)) {
      expect(cause).toMatchObject({ code: 'AccessDenied', status: 403, requestId: 'REQUEST7', attempts: 1 });
      expect(cause).toMatchObject({ extendedRequestId: 'EXTENDED8', message: 'S3 says AccessDenied' });
    }
  });

  test('that repeats a secret in its text is not repeated', async () => {
    const fault = s3Error(403, 'AccessDenied');
    const telling = {
      ...fault,
      body: `<Error><Code>AccessDenied</Code><Message>${canary} ${tokenCanary}</Message></Error>`,
    };
    for (const error of await refusals(telling)) {
      expect((error.cause as Error).message).toBe('*** ***');
      expect(printed(error)).not.toContain('CANARY');
    }
  });

  test('tells when to come back', async () => {
    const told = await refusals(s3Error(503, 'SlowDown', '', { 'retry-after': '2' }));
    expect(told.map(({ retryAfterMs }) => retryAfterMs)).toEqual(told.map(() => 2000));
    const untold = await refusals(s3Error(503, 'SlowDown'));
    expect(untold.map(({ retryAfterMs }) => retryAfterMs)).toEqual(untold.map(() => 1000));
    const bare = await refusals({ kind: 'answer', status: 429 });
    expect(bare.map(({ kind, retryAfterMs }) => [kind, retryAfterMs])).toEqual(bare.map(() => ['unavailable', 1000]));
  }, 60_000);
});

describe('a real refusal', () => {
  test.for([
    ['access key', { accessKeyId: 'AKIAOTHER', secretAccessKey: canary, sessionToken: null }],
    ['signature', { accessKeyId: 'AKIATEST', secretAccessKey: canary, sessionToken: null }],
  ] as const)('of the %s, by every operation', async ([word, keys]) => {
    const store = place.open({ credentials: { kind: 'keys', ...keys } });
    const operations = [
      store.create('a', textOf('a')),
      store.get('a'),
      store.head('a'),
      store.list('a'),
      store.copy('a', 'b'),
      store.delete(['a']),
    ].map((operation) => failure(operation));
    for (const error of await Promise.all(operations)) {
      // Of a write whose first attempt met a connection that was just being closed, the outcome is unknown: rightly.
      const kind = expect.stringMatching(/^(denied|indeterminate)$/) as string;
      expect(error).toMatchObject({ kind, message: expect.stringContaining(word) as string });
      expect(printed(error)).not.toContain('CANARY');
    }
  });
});

describe('deleting', () => {
  test('tells of the keys that were not deleted, and of none that was absent', async () => {
    const store = place.open();
    const answer = (code: string): ServerFault => ({
      kind: 'answer',
      status: 200,
      body: `<DeleteResult><Error><Key>b</Key><Code>${code}</Code><Message>no</Message></Error></DeleteResult>`,
    });
    place.faults.add(isNamed('DeleteObjects'), answer('AccessDenied'));
    const denied = await failure(store.delete(['a', 'b']));
    expect(denied).toMatchObject({ kind: 'denied', message: expect.stringMatching(/1 of 2 .*b\.$/) as string });
    place.faults.add(isNamed('DeleteObjects'), answer('InternalError'));
    expect(await kindOf(store.delete(['a', 'b']))).toBe('indeterminate');
    place.faults.add(isNamed('DeleteObjects'), answer('SlowDown'));
    expect(await kindOf(store.delete(['a', 'b']))).toBe('unavailable');
    place.faults.add(isNamed('DeleteObjects'), answer('NoSuchKey'));
    await store.delete(['a', 'b']);
    expect(place.faults.pending).toBe(0);
  });
});

describe('no connection', () => {
  test.for([
    ['ECONNREFUSED', 'unavailable', 'http://127.0.0.1:1', /cannot be reached/, /S3_ENDPOINT/],
    ['ENOTFOUND', 'denied', 'http://eider.invalid', /address that does not exist/, /S3_ENDPOINT/],
  ] as const)('because of %s', { timeout: 30_000 }, async ([, kind, endpoint, message, hint]) => {
    const error = (await failure(place.open({ endpoint }).get('a'))) as AppError;
    expect(error).toMatchObject({ kind });
    expect(error.message).toMatch(message);
    expect(error.hint).toMatch(hint);
  });

  test('because what answers is no TLS', async () => {
    const error = (await failure(
      place.open({ endpoint: place.proxy.url.replace('http:', 'https:') }).get('a'),
    )) as AppError;
    expect(error).toMatchObject({ kind: 'denied', message: expect.stringContaining('certificate') as string });
  });
});

describe('credentials', () => {
  const role = { kind: 'role', roleArn: 'arn:aws:iam::123456789012:role/eider' } as const;
  const jwt = `e30.${Buffer.from(JSON.stringify({ exp: 4_000_000_000 })).toString('base64url')}.CANARY`;

  test('by a role: without a token of Vercel, says what is missing', async () => {
    vi.stubEnv('VERCEL_OIDC_TOKEN', '');
    const error = (await failure(place.open({ credentials: role }).get('a'))) as AppError;
    expect(error).toMatchObject({ kind: 'denied', message: expect.stringContaining('no credentials') as string });
    expect(error.hint).toContain('AWS_ROLE_ARN');
  });

  test('by a role that may not be assumed', async () => {
    vi.stubEnv('VERCEL_OIDC_TOKEN', jwt);
    vi.stubEnv('AWS_ENDPOINT_URL_STS', place.proxy.url);
    const body =
      '<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>Not authorized to perform ' +
      'sts:AssumeRoleWithWebIdentity</Message></Error><RequestId>STS9</RequestId></ErrorResponse>';
    place.faults.add(
      () => true,
      { kind: 'answer', status: 403, body, headers: { 'content-type': 'text/xml' } },
      Infinity,
    );
    const error = (await failure(place.open({ credentials: role }).create('a', textOf('a')))) as AppError;
    expect(error).toMatchObject({ kind: 'denied', message: expect.stringContaining('role') as string });
    expect(error.hint).toContain('AWS_ROLE_ARN');
    expect(printed(error)).not.toContain('CANARY');
  });

  test('by a role: those that STS gives are used', async () => {
    vi.stubEnv('VERCEL_OIDC_TOKEN', jwt);
    vi.stubEnv('AWS_ENDPOINT_URL_STS', `${place.proxy.url}/sts`);
    const { accessKeyId, secretAccessKey } = place.server;
    const body =
      '<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>' +
      `<AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>${secretAccessKey}</SecretAccessKey>` +
      '<SessionToken>t</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration></Credentials>' +
      '</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>';
    const given: ServerFault = { kind: 'answer', status: 200, body, headers: { 'content-type': 'text/xml' } };
    place.faults.add(({ path }) => path.startsWith('/sts'), given);
    const tokens: unknown[] = [];
    place.faults.add(({ headers }) => {
      tokens.push(headers['x-amz-security-token']);
      return false;
    }, given);
    // Miniflare takes no session tokens, and says so.
    expect(await kindOf(place.open({ credentials: role }).get('a'))).toBe('invalid');
    expect(tokens).toContain('t');
  });

  test('by default: those of the machine', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', place.server.accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', place.server.secretAccessKey);
    expect(await place.open({ credentials: { kind: 'default' } }).get('a')).toBeNull();
  });

  test('that are given are used, whatever the machine has', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAOTHER');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'other');
    vi.stubEnv('AWS_SESSION_TOKEN', 'other');
    vi.stubEnv('AWS_ENDPOINT_URL_S3', 'http://127.0.0.1:1');
    vi.stubEnv('AWS_REGION', 'eu-other-1');
    expect(await place.open().get('a')).toBeNull();
  });
});

describe('AWS itself', () => {
  test('is asked at its own address, whatever endpoint the machine has', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_S3', place.proxy.url);
    vi.stubEnv('AWS_ENDPOINT_URL', place.proxy.url);
    // A region that does not exist has no address.
    const store = place.open({ endpoint: null, region: 'xx-nowhere-1', forcePathStyle: false });
    expect(await kindOf(store.get('a'))).toBe('denied');
    expect(place.seen).toEqual([]);
  });
});

describe('the location', () => {
  const options = { region: 'eu-west-1', forcePathStyle: false, endpoint: null, credentials: secretKeys } as const;

  test('names the bucket, and the region or the host, and no secret', () => {
    expect(place.open({ ...options, bucket: 'my-bucket' }).location).toBe('s3 my-bucket (eu-west-1)');
    const endpoint = 'https://user:CANARY@s3.example.com:9000/base';
    expect(place.open({ ...options, bucket: 'b', endpoint }).location).toBe('s3 b (s3.example.com:9000)');
  });

  test('is refused for directory buckets, which do not list in order', () => {
    const open = () => place.open({ ...options, bucket: 'records--usw2-az1--x-s3' });
    expect(open).toThrow(AppError);
    expect(open).toThrow('directory bucket');
  });
});
