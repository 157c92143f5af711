/** What can be wrong with each cloud, made so on its test server; and what an operator has to be told of it. */
import { generateKeyPairSync } from 'node:crypto';
import { vi } from 'vitest';
import { startBlobServer } from './servers/blob.ts';
import { redirectBlob } from './servers/blob-redirect.ts';
import type { StoreMood, TestBlobStore } from './servers/blob/store.ts';
import { FaultPlan, type ServerFault, type ServerRequest } from './servers/faults.ts';
import type { Permission } from './servers/gcs/answers.ts';
import { errorBody } from './servers/gcs/refusals.ts';
import { routeTokens } from './servers/gcs/tokens.ts';
import { GcsServer } from './servers/gcs.ts';
import { startProxy } from './servers/proxy.ts';
import { startS3Server } from './servers/s3.ts';
import { isNamed, s3Error } from './places/s3.ts';

type Variables = Readonly<Record<string, string>>;

export interface CloudFault {
  /** What the user has set wrongly, when that is the fault. */
  readonly environment?: Variables;
  /** What is wrong at the provider. Answers how to mend it. */
  readonly begin?: () => () => void;
  /** What db-status says: what is wrong, and what to do. */
  readonly says: RegExp;
  /** The variable to look at; null when no variable can mend it. */
  readonly names: string | null;
  /** What goes on in a database that is open, though this is wrong at the provider: nothing, unless said so. */
  readonly spares?: readonly ('reads' | 'writes')[];
}

export interface FaultyCloud {
  /** As a user sets it up. */
  readonly environment: Variables;
  /** Texts that nobody may see. */
  readonly canaries: readonly string[];
  readonly faults: Readonly<Record<string, CloudFault>>;
  close(): Promise<void>;
}

const closedPort = 'http://127.0.0.1:1';
/** What a console, a login page or a portal answers in the place of an API. */
async function startPage() {
  const faults = new FaultPlan();
  const headers = { 'content-type': 'text/html; charset=utf-8' };
  faults.add(
    () => true,
    { kind: 'answer', status: 200, headers, body: '<!DOCTYPE html><title>Welcome</title>' },
    Infinity,
  );
  return startProxy({ target: closedPort, faults });
}

const s3Secret = 'zqSecret/canary+S3';
const s3Token = 'zqToken/canary+S3';

export async function faultyS3(): Promise<FaultyCloud> {
  const server = await startS3Server({ secretAccessKey: s3Secret });
  const plan = new FaultPlan();
  const [proxy, page] = await Promise.all([
    startProxy({ target: new URL(server.endpoint).origin, faults: plan }),
    startPage(),
  ]);
  const meets =
    (fault: ServerFault, ...names: string[]) =>
    () => {
      plan.add(names.length === 0 ? () => true : isNamed(...names), fault, Infinity);
      return () => plan.clear();
    };
  /** S3 repeats in its errors what it was sent. */
  const said = (status: number, code: string) =>
    s3Error(status, code, `<Token-0>${s3Token}</Token-0><StringToSign>${s3Secret}</StringToSign>`);
  const reads = ['GetObject', 'HeadObject', 'ListObjectsV2'];
  return {
    environment: {
      AWS_ACCESS_KEY_ID: server.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3Secret,
      S3_BUCKET: server.bucket,
      S3_ENDPOINT: server.endpoint.replace(new URL(server.endpoint).origin, proxy.url),
    },
    canaries: [s3Secret, s3Token],
    faults: {
      'a wrong access key': {
        environment: { AWS_ACCESS_KEY_ID: 'AKIAOTHER' },
        says: /does not know the access key.*Check AWS_ACCESS_KEY_ID/,
        names: 'AWS_ACCESS_KEY_ID',
      },
      'a wrong secret key': {
        environment: { AWS_SECRET_ACCESS_KEY: `${s3Secret}-of-another` },
        says: /secret key does not belong to the access key.*from one and the same key/,
        names: 'AWS_SECRET_ACCESS_KEY',
      },
      'a wrong bucket': {
        environment: { S3_BUCKET: 'another-bucket' },
        says: /there is no such bucket.*Create the bucket, or correct S3_BUCKET/,
        names: 'S3_BUCKET',
      },
      'no permission to list': {
        begin: meets(said(403, 'AccessDenied'), 'ListObjectsV2'),
        says: /denied access.*ListObjectsV2.*Allow .*s3:ListBucket/,
        names: 'AWS_ACCESS_KEY_ID',
        spares: ['reads', 'writes'],
      },
      'no permission to write': {
        begin: meets(said(403, 'AccessDenied'), 'PutObject'),
        says: /denied access.*PutObject.*Allow .*s3:PutObject/,
        names: 'AWS_ACCESS_KEY_ID',
        spares: ['reads'],
      },
      'an expired token': {
        environment: { AWS_ACCESS_KEY_ID: 'ASIATEST', AWS_SESSION_TOKEN: s3Token },
        begin: meets(said(400, 'ExpiredToken'), ...reads),
        says: /have expired.*renew all three/,
        names: 'AWS_SESSION_TOKEN',
      },
      'too many requests': {
        begin: meets(said(503, 'SlowDown')),
        says: /asked to slow down.*Try again later/,
        names: 'DB_MAX_STALENESS_MS',
      },
      'a clock that is wrong': {
        begin: meets(said(403, 'RequestTimeTooSkewed')),
        says: /the clock of this machine is wrong.*Set the clock/,
        names: 'S3_ENDPOINT',
      },
      'a web page': {
        environment: { S3_ENDPOINT: page.url },
        says: /does not answer as S3 does.*Check S3_ENDPOINT/,
        names: 'S3_ENDPOINT',
      },
      'a server that is away': {
        environment: { S3_ENDPOINT: `${closedPort}/base` },
        says: /cannot be reached.*Check S3_ENDPOINT/,
        names: 'S3_ENDPOINT',
      },
      'a server that hangs up': {
        begin: meets({ kind: 'cut-before' }),
        says: /cut the connection.*check the network/,
        names: 'S3_ENDPOINT',
      },
    },
    close: async () => {
      await Promise.all([proxy.close(), page.close()]);
      await server.close();
    },
  };
}

export async function faultyGcs(): Promise<FaultyCloud> {
  const [server, page] = await Promise.all([GcsServer.start({ asksForTokens: true }), startPage()]);
  const bucket = server.makeBucket();
  routeTokens(server);
  const { key } = server.accounts;
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  const isStorage = ({ path }: ServerRequest) => path !== '/token';
  const meets = (fault: ServerFault) => () => {
    server.faults.add(isStorage, fault, Infinity);
    return () => server.faults.clear();
  };
  const lacks = (permission: Permission) => () => {
    server.denied.add(permission);
    return () => server.denied.clear();
  };
  return {
    environment: {
      GCS_BUCKET: bucket.name,
      GCS_ENDPOINT: server.url,
      GOOGLE_APPLICATION_CREDENTIALS: JSON.stringify(key),
    },
    canaries: `${key.private_key}\n${String(other)}`.split('\n').filter((line) => line.length > 40),
    faults: {
      'a wrong key': {
        environment: { GOOGLE_APPLICATION_CREDENTIALS: JSON.stringify({ ...key, private_key: other }) },
        says: /The key in GOOGLE_APPLICATION_CREDENTIALS is no longer valid.*Create a new key/,
        names: 'GOOGLE_APPLICATION_CREDENTIALS',
      },
      'a wrong bucket': {
        environment: { GCS_BUCKET: 'another-bucket' },
        says: /another-bucket does not exist.*Create the bucket, or correct GCS_BUCKET/,
        names: 'GCS_BUCKET',
      },
      'no permission to list': {
        begin: lacks('storage.objects.list'),
        says: /lacks storage\.objects\.list.*Grant it the role/,
        names: 'GOOGLE_APPLICATION_CREDENTIALS',
        spares: ['writes'],
      },
      'no permission to write': {
        begin: lacks('storage.objects.create'),
        says: /lacks storage\.objects\.create.*Grant it the role/,
        names: 'GOOGLE_APPLICATION_CREDENTIALS',
        spares: ['reads'],
      },
      'a token that has expired': {
        begin: meets({ kind: 'answer', status: 401, body: errorBody(401, 'authError', 'Invalid Credentials') }),
        says: /does not accept the credentials.*to a key that is in use/,
        names: 'GOOGLE_APPLICATION_CREDENTIALS',
      },
      'too many requests': {
        begin: meets({ kind: 'answer', status: 429, body: errorBody(429, 'rateLimitExceeded', 'Slow down') }),
        says: /asked to slow down.*Try again later/,
        names: 'DB_MAX_STALENESS_MS',
      },
      'a clock that is wrong': {
        begin: () => {
          server.accounts.clockAheadMs = 60 * 60 * 1000;
          return () => void (server.accounts.clockAheadMs = 0);
        },
        says: /because the clock of this machine is wrong.*Correct the clock/,
        names: 'GOOGLE_APPLICATION_CREDENTIALS',
        // The token that it has is still good.
        spares: ['reads', 'writes'],
      },
      'a web page': {
        environment: { GCS_ENDPOINT: page.url },
        says: /does not answer as the JSON API.*Check GCS_BUCKET, and that GCS_ENDPOINT/,
        names: 'GCS_ENDPOINT',
      },
      'a server that is away': {
        environment: { GCS_ENDPOINT: closedPort },
        says: /cannot be reached.*Check GCS_ENDPOINT/,
        names: 'GCS_ENDPOINT',
      },
      'a server that hangs up': {
        begin: meets({ kind: 'cut-before' }),
        says: /cut the connection.*check the network, and GCS_ENDPOINT/,
        names: 'GCS_ENDPOINT',
      },
    },
    close: async () => {
      vi.unstubAllGlobals();
      await Promise.all([server.stop(), page.close()]);
    },
  };
}

export async function faultyBlob(): Promise<FaultyCloud> {
  const server = await startBlobServer();
  const store = server.addStore();
  const publicStore = server.addStore('public');
  const restore = redirectBlob(server.url);
  const wrongToken = `vercel_blob_rw_${store.id}_zqCanaryOfAnother`;
  const goneToken = 'vercel_blob_rw_Gone_zqCanaryOfNone';
  const feels = (mood: StoreMood) => () => {
    store.mood = mood;
    return () => void (store.mood = { kind: 'well' });
  };
  const secretOf = ({ token }: TestBlobStore) => token.split('_').at(-1)!;
  return {
    environment: { BLOB_READ_WRITE_TOKEN: store.token },
    canaries: [secretOf(store), secretOf(publicStore), 'zqCanary'],
    faults: {
      'a wrong token': {
        environment: { BLOB_READ_WRITE_TOKEN: wrongToken },
        says: /refuses the token.*Set BLOB_READ_WRITE_TOKEN to the read-write token of this store/,
        names: 'BLOB_READ_WRITE_TOKEN',
      },
      'a wrong store': {
        environment: { BLOB_READ_WRITE_TOKEN: goneToken },
        says: /there is no such Blob store.*Compare BLOB_READ_WRITE_TOKEN/,
        names: 'BLOB_READ_WRITE_TOKEN',
      },
      'a token that may not do this': {
        begin: feels({ kind: 'refusing', status: 403, code: 'client_token_not_allowed', message: 'No client tokens.' }),
        says: /does not take this token for this.*Set BLOB_READ_WRITE_TOKEN/,
        names: 'BLOB_READ_WRITE_TOKEN',
      },
      'a token that has expired': {
        begin: feels({ kind: 'token-expired' }),
        says: /has expired.*Set BLOB_READ_WRITE_TOKEN/,
        names: 'BLOB_READ_WRITE_TOKEN',
      },
      'a store that is suspended': {
        begin: feels({ kind: 'suspended' }),
        says: /is suspended: its quota has ended.*raise the plan/,
        names: 'BLOB_READ_WRITE_TOKEN',
      },
      'too many requests': {
        begin: feels({ kind: 'rate-limited' }),
        says: /asked to slow down.*Try again later/,
        names: 'DB_MAX_STALENESS_MS',
      },
      'a service that is away': {
        begin: () => redirectBlob(closedPort),
        says: /vercel blob \w+ cannot be reached.*vercel-status\.com/,
        names: null,
      },
      'a service that is not available': {
        begin: feels({ kind: 'unavailable' }),
        says: /is not available at the moment.*vercel-status\.com/,
        names: null,
      },
      'a public store, without BLOB_ACCESS': {
        environment: { BLOB_READ_WRITE_TOKEN: publicStore.token },
        says: /is public.*Create a private store.*or set BLOB_ACCESS=public/,
        names: 'BLOB_READ_WRITE_TOKEN',
      },
      'a private store, with BLOB_ACCESS=public': {
        environment: { BLOB_ACCESS: 'public' },
        says: /is private.*Remove BLOB_ACCESS/,
        names: 'BLOB_ACCESS',
      },
    },
    close: async () => {
      restore();
      await server.close();
    },
  };
}
