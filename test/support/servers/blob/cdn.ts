/** Reads at `https://<store id>.<access>.blob.vercel-storage.com/<pathname>`, through the CDN and its cache. */
import { gzipSync } from 'node:zlib';
import type { Answer, BlobRequest } from './http.ts';
import type { StoredBlob, TestBlobStore } from './store.ts';

export const cdnHost = /^([a-z0-9]+)\.(private|public)\.blob\.vercel-storage\.com(?::\d+)?$/;

export function answerCdn(stores: readonly TestBlobStore[], request: BlobRequest): Answer {
  const { method, query, headers, path } = request;
  if (method !== 'GET') return say(405, 'Only GET is spoken here');
  for (const name of query.keys()) if (name !== 'cache' && name !== 'download') return say(400, `What is ${name}?`);
  const store = stores.find(({ host }) => host === request.host);
  // Also for a store of the other access: what the real CDN says to that is not known, and this is the worst.
  if (!store || store.mood.kind === 'deleted') return say(404, 'Not found');
  const { mood } = store;
  if (mood.kind === 'unavailable') return say(503, 'Service unavailable');
  if (mood.kind === 'rate-limited') return say(429, 'Too many requests');
  if (mood.kind !== 'well') return say(403, 'Forbidden');
  if (store.access === 'private' && !mayRead(store, headers['authorization'])) return say(403, 'Forbidden');
  const pathname = decodeURIComponent(path.slice(1));
  const isFresh = store.access === 'private' && query.get('cache') === '0';
  const blob = isFresh ? store.find(pathname) : store.findCached(pathname);
  return blob ? serve(store, blob, headers) : say(404, 'The requested blob does not exist');
}

function mayRead(store: TestBlobStore, authorization = ''): boolean {
  const token = authorization.replace(/^Bearer /, '');
  return token === store.token || store.oidcTokens.has(token);
}

function serve(store: TestBlobStore, blob: StoredBlob, headers: BlobRequest['headers']): Answer {
  const shared = {
    'content-type': blob.contentType,
    'cache-control': blob.cacheControl,
    'last-modified': blob.uploadedAt.toUTCString(),
    'accept-ranges': 'bytes',
  };
  if (store.compresses && /\bgzip\b/.test(headers['accept-encoding'] ?? '')) {
    const body = gzipSync(blob.bytes);
    return { status: 200, headers: { ...shared, 'content-encoding': 'gzip', etag: `W/${blob.etag}` }, body };
  }
  const etag = store.weakensTags ? `W/${blob.etag}` : blob.etag;
  const range = /^bytes=(\d+)-(\d*)$/.exec(headers['range'] ?? '');
  if (!range) return { status: 200, headers: { ...shared, etag }, body: blob.bytes };
  const size = blob.bytes.byteLength;
  const start = Number(range[1]);
  const end = range[2] === '' ? size : Math.min(Number(range[2]) + 1, size);
  if (start >= end) return { ...say(416, 'Range not satisfiable'), headers: { 'content-range': `bytes */${size}` } };
  const part = { 'content-range': `bytes ${start}-${end - 1}/${size}`, etag };
  return { status: 206, headers: { ...shared, ...part }, body: blob.bytes.subarray(start, end) };
}

function say(status: number, text: string): Answer {
  return { status, headers: { 'content-type': 'text/plain' }, body: Buffer.from(text) };
}
