/** The API of Vercel Blob, as its SDK 2.8 speaks to it. What the SDK does not send is refused. */
import { createHash } from 'node:crypto';
import { type Answer, type BlobRequest, json, Refusal, wrong } from './http.ts';
import type { StoredBlob, TestBlobStore } from './store.ts';

const apiVersion = '12';

const common = ['x-api-blob-request-id', 'x-vercel-blob-store-id', 'x-api-blob-request-attempt', 'x-api-version'];
const storing = ['x-vercel-blob-access', 'x-add-random-suffix', 'x-allow-overwrite', 'x-content-type'];
const upload = ['x-mpu-action', 'x-mpu-key', 'x-mpu-upload-id', 'x-mpu-part-number'];

/** The answer of the API to a request whose path below its root is `path`. @throws Refusal */
export function answerApi(stores: readonly TestBlobStore[], path: string, request: BlobRequest): Answer {
  const store = authorize(stores, request);
  const { method, query } = request;
  const route = `${method} ${path === '' ? '/' : path}`;
  if (route === 'PUT /' && query.has('fromUrl')) return copy(store, request);
  if (route === 'PUT /') return put(store, request);
  if (route === 'GET /' && query.has('url')) return head(store, request);
  if (route === 'GET /') return list(store, request);
  if (route === 'POST /delete') return remove(store, request);
  if (route === 'POST /mpu') return multipart(store, request);
  throw wrong(`There is no ${route}.`);
}

function authorize(stores: readonly TestBlobStore[], { headers }: BlobRequest): TestBlobStore {
  if (headers['x-api-version'] !== apiVersion) throw wrong(`Version ${headers['x-api-version']} is not spoken.`);
  const bearer = /^Bearer (\S+)$/.exec(headers['authorization'] ?? '')?.[1];
  if (bearer === undefined) throw new Refusal(403, 'forbidden', 'No token found.');
  const id = headers['x-vercel-blob-store-id'];
  const tokenId = /^vercel_blob_rw_([A-Za-z0-9]+)_[A-Za-z0-9]+$/.exec(bearer)?.[1];
  if (tokenId !== undefined && tokenId !== id) throw wrong('The token is of another store than the header.');
  const store = stores.find((candidate) => candidate.id === id);
  if (!store || store.mood.kind === 'deleted') throw new Refusal(404, 'store_not_found', 'Store not found');
  checkMood(store);
  const known = tokenId === undefined ? store.oidcTokens.has(bearer) : bearer === store.token;
  if (!known) throw new Refusal(403, 'forbidden', 'Access denied');
  return store;
}

function checkMood({ mood }: TestBlobStore): void {
  if (mood.kind === 'suspended') throw new Refusal(403, 'store_suspended', 'Store is suspended');
  if (mood.kind === 'unavailable') throw new Refusal(503, 'service_unavailable', 'Service unavailable');
  if (mood.kind === 'token-expired') throw new Refusal(403, 'forbidden', 'Token expired');
  if (mood.kind === 'refusing') throw new Refusal(mood.status, mood.code, mood.message);
  if (mood.kind === 'environment-not-allowed') {
    const message = 'OIDC is enabled for this project, but not for the "preview" environment.';
    throw new Refusal(403, 'forbidden', message);
  }
  if (mood.kind === 'rate-limited') {
    const { retryAfterSeconds } = mood;
    const headers: Record<string, string> =
      retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
    throw new Refusal(429, 'rate_limited', 'Too many requests', headers);
  }
}

/** Refuses parameters and headers that this operation does not have. */
function refuseUnknown({ query, headers }: BlobRequest, parameters: readonly string[], own: readonly string[]): void {
  for (const name of query.keys()) if (!parameters.includes(name)) throw wrong(`There is no parameter ${name}.`);
  const known = [...common, ...own];
  for (const name of Object.keys(headers)) {
    if (name.startsWith('x-') && !known.includes(name)) throw wrong(`There is no header ${name} here.`);
  }
}

function pathnameOf({ query }: BlobRequest): string {
  const pathname = query.get('pathname') ?? '';
  if (pathname === '' || pathname.length > 950 || pathname.includes('//') || pathname.startsWith('/')) {
    throw wrong('pathname is missing or wrong.');
  }
  return pathname;
}

/** A pathname, or the URL of an object of this store. */
function lookedFor(store: TestBlobStore, text: string): string {
  if (!/^https?:/.test(text)) return text;
  const url = new URL(text);
  if (url.host !== store.host) throw new Refusal(404, 'not_found', 'Not found');
  return decodeURIComponent(url.pathname.slice(1));
}

interface Storing {
  readonly overwrite: boolean;
  readonly contentType: string;
  readonly maxAge: number;
}

function storingOf(store: TestBlobStore, { headers }: BlobRequest): Storing {
  const access = headers['x-vercel-blob-access'];
  if (access !== 'private' && access !== 'public') throw wrong('access must be private or public.');
  if (access !== store.access) {
    throw wrong(
      `Cannot use ${access} access on a ${store.access} store. The store is configured with ${store.access} access.`,
    );
  }
  if (headers['x-add-random-suffix'] !== '0') throw wrong('This server has no random suffixes.');
  const allow = headers['x-allow-overwrite'];
  if (allow !== '0' && allow !== '1') throw wrong('x-allow-overwrite must be 0 or 1.');
  const maxAge = Number(headers['x-cache-control-max-age'] ?? 30 * 24 * 60 * 60);
  if (!Number.isSafeInteger(maxAge) || maxAge < 60) throw wrong('cacheControlMaxAge must be at least a minute.');
  const contentType = headers['x-content-type'] ?? 'application/octet-stream';
  return { overwrite: allow === '1', contentType, maxAge };
}

function refuseExisting(store: TestBlobStore, pathname: string, { overwrite }: Storing): void {
  if (overwrite || !store.find(pathname)) return;
  throw wrong(
    'This blob already exists, use `allowOverwrite: true` if you want to overwrite it. Or `addRandomSuffix: true` to generate a unique filename.',
  );
}

function urlOf(store: TestBlobStore, pathname: string): string {
  return `https://${store.host}/${pathname}`;
}

function stored(store: TestBlobStore, blob: StoredBlob): Answer {
  return json(describePut(store, blob));
}

function describePut(store: TestBlobStore, { pathname, contentType, etag }: StoredBlob) {
  const url = urlOf(store, pathname);
  return {
    url,
    downloadUrl: `${url}?download=1`,
    pathname,
    contentType,
    contentDisposition: `attachment; filename="${pathname.split('/').at(-1)}"`,
    etag,
  };
}

function put(store: TestBlobStore, request: BlobRequest): Answer {
  refuseUnknown(request, ['pathname'], [...storing, 'x-cache-control-max-age']);
  const pathname = pathnameOf(request);
  const options = storingOf(store, request);
  refuseExisting(store, pathname, options);
  return stored(store, store.keep(pathname, request.body, options));
}

function copy(store: TestBlobStore, request: BlobRequest): Answer {
  refuseUnknown(request, ['pathname', 'fromUrl'], [...storing, 'x-cache-control-max-age']);
  const pathname = pathnameOf(request);
  const options = storingOf(store, request);
  const from = lookedFor(store, request.query.get('fromUrl') ?? '');
  if (from === pathname) throw wrong('This server copies nothing onto itself.');
  const source = store.find(from);
  if (!source) throw new Refusal(404, 'not_found', 'The requested blob does not exist');
  refuseExisting(store, pathname, options);
  return stored(store, store.keep(pathname, source.bytes, options));
}

function head(store: TestBlobStore, request: BlobRequest): Answer {
  refuseUnknown(request, ['url'], []);
  const blob = store.find(lookedFor(store, request.query.get('url') ?? ''));
  if (!blob) throw new Refusal(404, 'not_found', 'The requested blob does not exist');
  return json({ ...describePut(store, blob), ...facts(blob), cacheControl: blob.cacheControl });
}

function facts({ bytes, uploadedAt, etag }: StoredBlob) {
  return { size: bytes.byteLength, uploadedAt: uploadedAt.toISOString(), etag };
}

/** The cursor is opaque to clients; here it holds the prefix and the last name. */
function list(store: TestBlobStore, request: BlobRequest): Answer {
  refuseUnknown(request, ['prefix', 'limit', 'cursor'], []);
  const prefix = request.query.get('prefix') ?? '';
  const limit = Number(request.query.get('limit') ?? 1000);
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > 1000) throw wrong('limit must be from 1 to 1000.');
  const after = cursorOf(request.query.get('cursor'), prefix);
  const rest = store.list(prefix).filter(({ pathname }) => after === null || pathname > after);
  const blobs = rest.slice(0, limit);
  const hasMore = rest.length > limit;
  return json({
    blobs: blobs.map((blob) => {
      const { url, downloadUrl, pathname } = describePut(store, blob);
      return { url, downloadUrl, pathname, ...facts(blob) };
    }),
    hasMore,
    ...(hasMore && { cursor: Buffer.from(`${prefix}\n${blobs.at(-1)!.pathname}`).toString('base64url') }),
  });
}

function cursorOf(cursor: string | null, prefix: string): string | null {
  if (cursor === null) return null;
  const [of, after] = Buffer.from(cursor, 'base64url').toString().split('\n');
  if (of !== prefix || after === undefined) throw wrong('Invalid cursor');
  return after;
}

function remove(store: TestBlobStore, request: BlobRequest): Answer {
  refuseUnknown(request, [], []);
  const { urls } = JSON.parse(request.body.toString()) as { urls?: unknown };
  if (!Array.isArray(urls) || urls.length === 0 || urls.length > 1000) throw wrong('urls must be 1 to 1000 texts.');
  for (const url of urls) store.delete(lookedFor(store, String(url)));
  return json(null);
}

function multipart(store: TestBlobStore, request: BlobRequest): Answer {
  refuseUnknown(request, ['pathname'], [...storing, ...upload]);
  const pathname = pathnameOf(request);
  const options = storingOf(store, request);
  const { headers } = request;
  const action = headers['x-mpu-action'];
  if (action === 'create') {
    if (store.refusesUploadsEarly) refuseExisting(store, pathname, options);
    return json(store.beginUpload(pathname));
  }
  const uploadId = headers['x-mpu-upload-id'] ?? '';
  const found = store.findUpload(uploadId, decodeURIComponent(headers['x-mpu-key'] ?? ''), pathname);
  if (!found) throw new Refusal(404, 'not_found', 'The upload does not exist');
  if (action === 'upload') {
    const number = Number(headers['x-mpu-part-number']);
    if (!Number.isSafeInteger(number) || number < 1 || number > 10_000) throw wrong('The part has no number.');
    const etag = `"${createHash('md5').update(request.body).digest('hex')}"`;
    found.parts.set(number, { bytes: request.body, etag });
    return json({ etag });
  }
  if (action !== 'complete') throw wrong(`There is no action ${action}.`);
  const bytes = assemble(store, found.parts, JSON.parse(request.body.toString()));
  refuseExisting(store, pathname, options);
  store.endUpload(uploadId);
  return stored(store, store.keep(pathname, bytes, options));
}

function assemble(
  store: TestBlobStore,
  held: ReadonlyMap<number, { readonly bytes: Buffer; readonly etag: string }>,
  named: unknown,
): Buffer {
  if (!Array.isArray(named) || named.length === 0) throw wrong('Parts must be named.');
  const parts = named.map((part: { etag?: unknown; partNumber?: unknown }, index) => {
    const found = held.get(index + 1);
    if (part.partNumber !== index + 1 || !found || part.etag !== found.etag) throw wrong(`Part ${index + 1} is wrong.`);
    if (index < named.length - 1 && found.bytes.byteLength < store.leastPartBytes) throw wrong('A part is too small.');
    return found.bytes;
  });
  return Buffer.concat(parts);
}
