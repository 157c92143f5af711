/**
 * The three clouds as a user has them: a test server of each, named by environment variables and nothing else, so that
 * a store opens through the configuration, the driver and its SDK, in this process and in workers.
 */
import { fileURLToPath } from 'node:url';
import type { OperationName } from '../../lib/testing/counting.ts';
import type { SiteOptions } from './processes.ts';
import { startBlobServer } from './servers/blob.ts';
import { redirectBlob } from './servers/blob-redirect.ts';
import { FaultPlan, type ServerFault, type ServerRequest } from './servers/faults.ts';
import { redirectTokens } from './servers/gcs/redirect.ts';
import { GcsServer } from './servers/gcs.ts';
import { startProxy } from './servers/proxy.ts';
import { startS3Server } from './servers/s3.ts';
import { withoutConditions } from './servers/signing.ts';

/** How a store is reached, from this process and from others. */
export type CloudPlace = Required<SiteOptions>;

/** What a request is, in the words of the Store contract. */
export interface CloudRequest {
  readonly operation: OperationName | 'other';
  /** Key or prefix; of a copy both keys; empty where it is not in the address. */
  readonly key: string;
}

export interface Cloud {
  readonly name: CloudName;
  /** What the server's requests meet, those of all places. */
  readonly faults: FaultPlan;
  /** A bucket, a store or a folder of a bucket that holds nothing, with all faults forgotten. */
  fresh(): CloudPlace;
  describe(request: ServerRequest): CloudRequest;
  /** An error in the provider's own form. */
  refusal(status: RefusalStatus, headers?: Readonly<Record<string, string>>): ServerFault;
  close(): Promise<void>;
}

export type CloudName = keyof typeof starts;
export type RefusalStatus = 403 | 429 | 500 | 503;

const starts = {
  s3: () => startS3({ keepsConditions: true }),
  gcs: startGcs,
  blob: () => startBlob('private'),
  /** Whoever reads a public store's overwritten object gets the old one for a minute, from the CDN; tags are weak. */
  'public blob': () => startBlob('public'),
};

export const clouds: readonly CloudName[] = ['s3', 'gcs', 'blob'];

/** Starts a cloud's server, for one test file: its owner closes it. */
export function startCloud(name: CloudName): Promise<Cloud> {
  return starts[name]();
}

/** A store that speaks S3 and knows no conditions, as some do: of two creates the last one wins. */
export function startCarelessS3(): Promise<Cloud> {
  return startS3({ keepsConditions: false });
}

async function startS3({ keepsConditions }: { readonly keepsConditions: boolean }): Promise<Cloud> {
  const faults = new FaultPlan();
  const server = await startS3Server();
  const proxy = await startProxy({
    target: new URL(server.endpoint).origin,
    faults,
    ...(keepsConditions ? {} : { rewrite: withoutConditions(server.secretAccessKey) }),
  });
  const { pathname } = new URL(server.endpoint);
  let places = 0;
  return {
    name: 's3',
    faults,
    fresh() {
      faults.clear();
      return {
        environment: {
          S3_BUCKET: server.bucket,
          S3_KEY: `place-${(places += 1)}/ledger.db`,
          S3_ENDPOINT: `${proxy.url}${pathname}`,
          AWS_ACCESS_KEY_ID: server.accessKeyId,
          AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
        },
        imports: [],
        processEnvironment: {},
      };
    },
    describe: (request) => describeS3(request, `${pathname}/${server.bucket}/`),
    refusal: (status, headers = {}) => ({
      kind: 'answer',
      status,
      headers: { 'content-type': 'application/xml', ...headers },
      body: `<?xml version="1.0"?><Error><Code>${s3Codes[status]}</Code><Message>as planned</Message></Error>`,
    }),
    async close() {
      await proxy.close();
      await server.close();
    },
  };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; R2 says TooManyRequests. */
const s3Codes: Readonly<Record<RefusalStatus, string>> = {
  403: 'AccessDenied',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'SlowDown',
};

function describeS3({ method, path, headers }: ServerRequest, root: string): CloudRequest {
  const url = new URL(path, 'http://s3');
  const key = decodeURIComponent(url.pathname.slice(root.length));
  if (url.searchParams.has('list-type')) return { operation: 'list', key: url.searchParams.get('prefix') ?? '' };
  const from = headers['x-amz-copy-source'];
  if (from !== undefined) return { operation: 'copy', key: `${decodeURIComponent(String(from))} ${key}` };
  if (url.searchParams.has('delete')) return { operation: 'delete', key: '' };
  if (['uploads', 'uploadId', 'partNumber'].some((name) => url.searchParams.has(name)))
    return { operation: 'other', key };
  // The driver asks for one byte where others ask by HEAD.
  if (headers['range'] === 'bytes=0-0') return { operation: 'head', key };
  const operations: Readonly<Record<string, OperationName>> = { PUT: 'create', GET: 'get', HEAD: 'head' };
  return { operation: operations[method] ?? 'other', key };
}

async function startGcs(): Promise<Cloud> {
  const server = await GcsServer.start({ asksForTokens: true });
  const restore = redirectTokens(server.url);
  return {
    name: 'gcs',
    faults: server.faults,
    fresh() {
      server.faults.clear();
      return {
        environment: {
          GCS_BUCKET: server.makeBucket().name,
          GCS_KEY: 'data/ledger.db',
          GCS_ENDPOINT: server.url,
          GOOGLE_APPLICATION_CREDENTIALS: JSON.stringify(server.accounts.key),
        },
        imports: [fileURLToPath(new URL('servers/gcs/redirect.ts', import.meta.url))],
        processEnvironment: { EIDER_TEST_TOKEN_SERVER: server.url },
      };
    },
    describe: describeGcs,
    refusal: (status, headers = {}) => ({
      kind: 'answer',
      status,
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({
        error: { code: status, message: 'as planned', errors: [{ reason: gcsReasons[status], message: 'as planned' }] },
      }),
    }),
    async close() {
      restore();
      await server.stop();
    },
  };
}

/** https://cloud.google.com/storage/docs/json_api/v1/status-codes */
const gcsReasons: Readonly<Record<RefusalStatus, string>> = {
  403: 'forbidden',
  429: 'rateLimitExceeded',
  500: 'internalError',
  503: 'backendError',
};

function describeGcs({ method, path }: ServerRequest): CloudRequest {
  const { pathname, searchParams } = new URL(path, 'http://gcs');
  if (pathname.startsWith('/upload/')) return { operation: 'create', key: searchParams.get('name') ?? '' };
  const [, object] = /^\/storage\/v1\/b\/[^/]+\/o(?:\/(.*))?$/.exec(pathname) ?? [];
  if (!pathname.startsWith('/storage/')) return { operation: 'other', key: '' };
  if (object === undefined) return { operation: 'list', key: searchParams.get('prefix') ?? '' };
  const key = decodeURIComponent(object);
  if (object.includes('/rewriteTo/')) return { operation: 'copy', key };
  if (method === 'DELETE') return { operation: 'delete', key };
  return { operation: searchParams.get('alt') === 'media' ? 'get' : 'head', key };
}

async function startBlob(access: 'private' | 'public'): Promise<Cloud> {
  const server = await startBlobServer();
  const restore = redirectBlob(server.url);
  return {
    name: access === 'public' ? 'public blob' : 'blob',
    faults: server.faults,
    fresh() {
      server.faults.clear();
      const store = server.addStore(access);
      store.weakensTags = access === 'public';
      return {
        environment: {
          BLOB_READ_WRITE_TOKEN: store.token,
          BLOB_NAME: 'ledger.db',
          ...(access === 'public' ? { BLOB_ACCESS: access } : {}),
        },
        imports: [fileURLToPath(new URL('servers/blob-redirect.ts', import.meta.url))],
        processEnvironment: { EIDER_TEST_BLOB_SERVER: server.url },
      };
    },
    describe: describeBlob,
    refusal: (status, headers = {}) => ({
      kind: 'answer',
      status,
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ error: { code: blobCodes[status], message: 'as planned' } }),
    }),
    async close() {
      restore();
      await server.close();
    },
  };
}

/** As `BlobErrorCode` of the SDK names them. */
const blobCodes: Readonly<Record<RefusalStatus, string>> = {
  403: 'forbidden',
  429: 'rate_limited',
  500: 'internal_server_error',
  503: 'service_unavailable',
};

function describeBlob({ method, path, headers }: ServerRequest): CloudRequest {
  const { pathname, searchParams } = new URL(path, 'http://blob');
  if (String(headers['host']).endsWith('.blob.vercel-storage.com'))
    return { operation: 'get', key: decodeURIComponent(pathname.slice(1)) };
  const key = searchParams.get('pathname') ?? searchParams.get('url') ?? searchParams.get('prefix') ?? '';
  if (method === 'POST') return { operation: pathname.endsWith('/delete') ? 'delete' : 'other', key };
  if (method === 'PUT') {
    const from = searchParams.get('fromUrl');
    return from === null ? { operation: 'create', key } : { operation: 'copy', key: `${from} ${key}` };
  }
  return { operation: searchParams.has('url') ? 'head' : 'list', key };
}
