/** Buckets of a test server with stores on them, and the faults that their requests meet. */
import { AppError } from '../../../lib/errors.ts';
import { createGcsStore, type GcsStoreOptions } from '../../../lib/store/gcs.ts';
import type { Store } from '../../../lib/store/store.ts';
import type { ServerFault } from '../servers/faults.ts';
import type { Bucket } from '../servers/gcs/bucket.ts';
import type { GcsServer } from '../servers/gcs.ts';
import { bytesOf, failure, streamOf, textOf } from '../../../lib/testing/conformance/support.ts';

export const partBytes = 256 * 1024;
/** Three parts. */
export const large = bytesOf(2 * partBytes + 1000);

export interface Place {
  readonly bucket: Bucket;
  readonly store: Store;
}

/** A store on a bucket of its own, of a server that asks for no credentials. */
export function openOn(server: GcsServer, options: Partial<GcsStoreOptions> = {}): Place {
  const bucket = server.makeBucket();
  const base = { bucket: bucket.name, endpoint: server.url, credentials: { kind: 'none' }, partBytes } as const;
  return { bucket, store: createGcsStore({ ...base, ...options }) };
}

export const page = '<!DOCTYPE html><title>Error 502 (Server Error)!!1</title>';
export const busy = JSON.stringify({
  error: { code: 429, message: 'slow down', errors: [{ reason: 'rateLimitExceeded' }] },
});

export const faults: Record<string, ServerFault> = {
  'cut before': { kind: 'cut-before' },
  'cut after': { kind: 'cut-after' },
  'cut in the head of the body': { kind: 'cut-body', bytes: 1 },
  'a 500': { kind: 'answer', status: 500, body: page },
  'a 502': { kind: 'answer', status: 502, body: page },
  'a 503': { kind: 'answer', status: 503 },
  'a 408': { kind: 'answer', status: 408 },
  silence: { kind: 'delay', ms: 600 },
};

export async function errorOf(work: Promise<unknown>): Promise<AppError> {
  const error = await failure(work);
  if (error instanceof AppError) return error;
  throw new Error('This should have been an AppError.', { cause: error });
}

/** Every operation, on objects that need not be there. */
export const touches: Record<string, (store: Store) => Promise<unknown>> = {
  create: (store) => store.create('new', textOf('x')),
  'create in parts': (store) => store.create('new', streamOf(bytesOf(9 * 1024 * 1024))),
  get: (store) => store.get('there'),
  'get of a range': (store) => store.get('there', { range: { start: 0, end: 1 } }),
  head: (store) => store.head('there'),
  list: (store) => store.list(''),
  copy: (store) => store.copy('there', 'new'),
  delete: (store) => store.delete(['there']),
};

/** An answer of the JSON API that is an error. */
export function answerOf(status: number, reason: string, message: string): { status: number; body: string } {
  return {
    status,
    body: JSON.stringify({ error: { code: status, message, errors: [{ domain: 'global', reason, message }] } }),
  };
}
