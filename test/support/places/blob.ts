/** A Blob server for one test file, and a store of its own for each test. */
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { systemRuntime } from '../../../lib/runtime.ts';
import { type BlobStoreOptions, createBlobStore } from '../../../lib/store/blob.ts';
import type { Store } from '../../../lib/store/store.ts';
import { summary } from '../../../lib/testing/conformance/support.ts';
import type { TestBlobStore } from '../servers/blob/store.ts';
import { type BlobServer, startBlobServer } from '../servers/blob.ts';
import { redirectBlob } from '../servers/blob-redirect.ts';
import type { ServerFault, ServerRequest } from '../servers/faults.ts';

export interface BlobPlace {
  readonly server: BlobServer;
  /** The server's side of a fresh store, which is gone after the test. */
  addStore(access?: 'private' | 'public'): TestBlobStore;
}

/** Parts as small as the service allows. */
export const partBytes = 5 * 1024 * 1024;

/** To be called at the top of a test file. `retries` is how often the SDK repeats a request. */
export function useBlobServer(retries: number, now?: () => number): BlobPlace {
  let server: BlobServer | undefined;
  let restore: (() => void) | undefined;
  const before = process.env['VERCEL_BLOB_RETRIES'];
  beforeAll(async () => {
    process.env['VERCEL_BLOB_RETRIES'] = String(retries);
    server = await startBlobServer(now ? { now } : {});
    restore = redirectBlob(server.url);
  });
  afterAll(async () => {
    restore?.();
    await server?.close();
    if (before === undefined) delete process.env['VERCEL_BLOB_RETRIES'];
    else process.env['VERCEL_BLOB_RETRIES'] = before;
  });
  return {
    get server() {
      return server!;
    },
    addStore(access) {
      const store = server!.addStore(access);
      onTestFinished(() => server!.removeStore(store));
      return store;
    },
  };
}

export function openStore(place: TestBlobStore, options: Partial<BlobStoreOptions> = {}): Store {
  const credentials = { kind: 'token', token: place.token } as const;
  return createBlobStore({ credentials, runtime: systemRuntime, access: place.access, partBytes, ...options });
}

type Matcher = (request: ServerRequest) => boolean;

/** Which request a fault is meant for. */
export const requests = {
  put: ({ method, path }) => method === 'PUT' && !path.includes('fromUrl='),
  copy: ({ method, path }) => method === 'PUT' && path.includes('fromUrl='),
  head: ({ method, path }) => method === 'GET' && /[?&]url=/.test(path),
  list: ({ method, path }) => method === 'GET' && path.startsWith('/api/blob') && !/[?&]url=/.test(path),
  get: ({ headers }) => String(headers['host']).endsWith('.blob.vercel-storage.com'),
  delete: ({ method, path }) => method === 'POST' && path.startsWith('/api/blob/delete'),
  begin: ({ headers }) => headers['x-mpu-action'] === 'create',
  part: ({ headers }) => headers['x-mpu-action'] === 'upload',
  complete: ({ headers }) => headers['x-mpu-action'] === 'complete',
} satisfies Record<string, Matcher>;

/** A refusal in the form of the API. */
export const said = (status: number, code: string): ServerFault => ({
  kind: 'answer',
  status,
  body: JSON.stringify({ error: { code, message: 'as planned' } }),
});

/** What the server holds, whatever the driver says. */
export function stateOf(place: TestBlobStore, key: string): string {
  return summary(place.find(key)?.bytes ?? null);
}
