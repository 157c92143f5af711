/** A real S3 server behind a proxy with faults, for the tests of one file; and stores on it. */
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { systemRuntime } from '../../../lib/runtime.ts';
import { createS3Store, type S3StoreOptions } from '../../../lib/store/s3.ts';
import type { Store } from '../../../lib/store/store.ts';
import { FaultPlan, type ServerFault, type ServerRequest } from '../servers/faults.ts';
import { type Proxy, startProxy } from '../servers/proxy.ts';
import { type S3Server, startS3Server } from '../servers/s3.ts';

/** A part of S3's, and the size of an object that has three of them. */
export const partBytes = 5 * 1024 * 1024;
export const largeSize = 2 * partBytes + 12_345;

export interface S3Place {
  readonly server: S3Server;
  readonly proxy: Proxy;
  readonly faults: FaultPlan;
  /** What went through the proxy since the test began, as `PUT object`. */
  readonly seen: string[];
  /** A store behind the proxy. */
  open(options?: Partial<S3StoreOptions>): Store;
  /** A store that meets no faults. */
  direct(): Store;
}

/** Made before the tests of the file, emptied before each. */
export function useS3(): S3Place {
  const place = { faults: new FaultPlan(), seen: [] as string[] } as unknown as {
    -readonly [K in keyof S3Place]: S3Place[K];
  };
  beforeAll(async () => {
    place.server = await startS3Server();
    const target = new URL(place.server.endpoint).origin;
    const observe = (request: ServerRequest): void => void place.seen.push(nameOf(request));
    place.proxy = await startProxy({ target, faults: place.faults, observe });
    place.open = (options) => createS3Store({ ...optionsOf(place.server, place.proxy.url), ...options });
    place.direct = () => createS3Store(optionsOf(place.server, target));
  });
  beforeEach(async () => {
    place.faults.clear();
    await place.proxy.settled();
    await place.server.reset();
    place.seen.length = 0;
  });
  afterAll(async () => {
    await place.proxy?.close();
    await place.server?.close();
  });
  return place;
}

function optionsOf(server: S3Server, origin: string): S3StoreOptions {
  const { endpoint, region, bucket, accessKeyId, secretAccessKey } = server;
  return {
    endpoint: endpoint.replace(new URL(endpoint).origin, origin),
    region,
    bucket,
    forcePathStyle: true,
    credentials: { kind: 'keys', accessKeyId, secretAccessKey, sessionToken: null },
    runtime: systemRuntime,
    partBytes,
  };
}

/** As S3 calls it. */
function nameOf({ method, path, headers }: ServerRequest): string {
  const query = new URL(path, 'http://s3').searchParams;
  if (query.has('uploads')) return method === 'POST' ? 'CreateMultipartUpload' : 'ListMultipartUploads';
  if (query.has('partNumber')) return headers['x-amz-copy-source'] === undefined ? 'UploadPart' : 'UploadPartCopy';
  if (query.has('uploadId')) return method === 'POST' ? 'CompleteMultipartUpload' : 'AbortMultipartUpload';
  if (query.has('delete')) return 'DeleteObjects';
  if (query.has('list-type')) return 'ListObjectsV2';
  if (method === 'PUT') return headers['x-amz-copy-source'] === undefined ? 'PutObject' : 'CopyObject';
  return method === 'HEAD' ? 'HeadObject' : 'GetObject';
}

export function isNamed(...names: string[]): (request: ServerRequest) => boolean {
  return (request) => names.includes(nameOf(request));
}

/** An error as S3 tells it. */
export function s3Error(status: number, code: string, inside = '', headers: Record<string, string> = {}): ServerFault {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>S3 says ${code}</Message>${inside}</Error>`;
  const given = { 'content-type': 'application/xml', 'x-amz-request-id': 'REQUEST7', ...headers };
  return { kind: 'answer', status, body, headers: given };
}
