/** The methods of the JSON API on some buckets, without HTTP around them: https://cloud.google.com/storage/docs/json_api/v1 */
import { randomUUID } from 'node:crypto';
import { type Bucket, type Conditions, requireConditions, resourceOf, type StoredObject } from './bucket.ts';
import { refuse } from './refusals.ts';
import { type ApiRequest, onlyFields, parseMultipart, requireNumber, requireParameters } from './requests.ts';
import { parseContentRange, type Session, takePart } from './sessions.ts';

export interface ApiAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Null for none. */
  readonly body: Uint8Array | string | null;
}

export type Permission =
  'storage.objects.list' | 'storage.objects.get' | 'storage.objects.create' | 'storage.objects.delete';

/** What a test may change while the server runs. */
export interface Knobs {
  /** Bytes that one call of rewrite copies. */
  rewriteBytes: number;
  /** Objects that a page has at most, whatever was asked for; and every other page is empty when `emptyPages`. */
  pageObjects: number;
  emptyPages: boolean;
  /** So many of the next parts are kept only in part, their first 256 KiB. */
  shortParts: number;
}

interface Rewrite {
  readonly what: string;
  readonly generation: number;
  readonly position: number;
}

export class Api {
  readonly buckets = new Map<string, Bucket>();
  readonly sessions = new Map<string, Session>();
  readonly knobs: Knobs = { rewriteBytes: Infinity, pageObjects: 1000, emptyPages: false, shortParts: 0 };
  /** Buckets whose objects are only counted. */
  readonly hollow = new Set<string>();
  readonly #rewrites = new Map<string, Rewrite>();
  readonly #require: (permission: Permission) => void;
  /** Where an upload goes on. */
  readonly #origin: () => string;

  constructor(require: (permission: Permission) => void, origin: () => string) {
    this.#require = require;
    this.#origin = origin;
  }

  answer(request: ApiRequest): ApiAnswer {
    const { method, segments } = request;
    const [root, version, b, bucket, o, name, rewriteTo, ...to] = segments;
    if (root === 'upload') return this.#answerUpload({ ...request, segments: segments.slice(1) });
    const isApi = root === 'storage' && version === 'v1' && b === 'b' && o === 'o' && bucket !== undefined;
    if (!isApi) throw refuse.malformed(`No such method: ${method} /${segments.join('/')}`);
    if (rewriteTo === undefined && request.body.byteLength > 0) throw refuse.malformed('This method takes no body.');
    if (name === undefined && method === 'GET') return this.#list(this.#bucket(bucket), request);
    if (name === undefined) throw refuse.malformed(`No such method: ${method} on objects`);
    if (rewriteTo === 'rewriteTo' && method === 'POST') return this.#rewrite(this.#bucket(bucket), name, to, request);
    if (segments.length === 6 && method === 'GET') return this.#get(this.#bucket(bucket), name, request);
    if (segments.length === 6 && method === 'DELETE') return this.#delete(this.#bucket(bucket), name, request);
    throw refuse.malformed(`No such method: ${method} /${segments.join('/')}`);
  }

  #bucket(name: string): Bucket {
    if (!/^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/.test(name)) throw refuse.malformed(`Invalid bucket name: '${name}'`);
    const bucket = this.buckets.get(name);
    if (!bucket) throw refuse.noBucket();
    return bucket;
  }

  /** Without the right to list, nobody learns that an object is absent. */
  #object(bucket: Bucket, name: string): StoredObject {
    this.#require('storage.objects.get');
    const found = bucket.find(name);
    if (found) return found;
    this.#require('storage.objects.list');
    throw refuse.noObject(bucket.name, name);
  }

  #list(bucket: Bucket, { query }: ApiRequest): ApiAnswer {
    requireParameters(query, ['prefix', 'startOffset', 'endOffset', 'maxResults', 'pageToken', 'projection']);
    this.#require('storage.objects.list');
    const most = Math.min(requireNumber(query, 'maxResults', 1) ?? 1000, 1000, this.knobs.pageObjects);
    const [prefix, start, end] = ['prefix', 'startOffset', 'endOffset'].map((name) => query.get(name) ?? '');
    const what = `${bucket.name} ${prefix} ${start} ${end}`;
    const { after, wasEmpty } = parsePageToken(query.get('pageToken'), what);
    const names = bucket
      .names()
      .filter((name) => name.startsWith(prefix!) && name >= start! && (end === '' || name < end!) && name > after);
    const isEmpty = this.knobs.emptyPages && !wasEmpty && names.length > 0;
    const page = isEmpty ? [] : names.slice(0, most);
    const hasMore = page.length < names.length;
    const token = JSON.stringify({ what, after: page.at(-1) ?? after, wasEmpty: isEmpty });
    const resource = {
      kind: 'storage#objects',
      ...(hasMore ? { nextPageToken: Buffer.from(token).toString('base64') } : {}),
      ...(page.length > 0 ? { items: page.map((name) => resourceOf(bucket, bucket.find(name)!)) } : {}),
    };
    return json(onlyFields(resource, query.get('fields')));
  }

  #get(bucket: Bucket, name: string, { query, headers }: ApiRequest): ApiAnswer {
    requireParameters(query, ['generation', 'projection', 'ifGenerationMatch', 'ifGenerationNotMatch']);
    const object = this.#object(bucket, name);
    requireConditions(object, conditionsOf(query));
    const generation = query.get('generation');
    if (generation !== null && generation !== String(object.generation)) throw refuse.noObject(bucket.name, name);
    if (query.get('alt') !== 'media') return json(onlyFields(resourceOf(bucket, object), query.get('fields')));
    return mediaOf(object, headers.range);
  }

  #delete(bucket: Bucket, name: string, { query }: ApiRequest): ApiAnswer {
    requireParameters(query, ['generation', 'ifGenerationMatch', 'ifGenerationNotMatch']);
    this.#require('storage.objects.delete');
    bucket.remove(name, conditionsOf(query));
    return { status: 204, body: null };
  }

  /** https://cloud.google.com/storage/docs/json_api/v1/objects/rewrite */
  #rewrite(source: Bucket, name: string, to: readonly string[], { query, body }: ApiRequest): ApiAnswer {
    requireParameters(query, ['rewriteToken', 'ifGenerationMatch', 'ifGenerationNotMatch', 'projection']);
    const [b, bucketName, o, target, ...rest] = to;
    if (b !== 'b' || o !== 'o' || bucketName === undefined || target === undefined || rest.length > 0) {
      throw refuse.malformed('A rewrite names a bucket and an object.');
    }
    if (body.byteLength > 0) JSON.parse(body.toString());
    const object = this.#object(source, name);
    const bucket = this.#bucket(bucketName);
    this.#require('storage.objects.create');
    const what = `${source.name}/${name} ${bucketName}/${target}`;
    const position = this.#rewritePosition(query.get('rewriteToken'), what, object) + this.knobs.rewriteBytes;
    const progress = { kind: 'storage#rewriteResponse', objectSize: String(object.size) };
    if (position < object.size) {
      const rewriteToken = randomUUID();
      this.#rewrites.set(rewriteToken, { what, generation: object.generation, position });
      const step = { ...progress, totalBytesRewritten: String(position), done: false, rewriteToken };
      return json(onlyFields(step, query.get('fields')));
    }
    const stored = bucket.put(target, object, conditionsOf(query), () => this.#require('storage.objects.delete'));
    const last = { ...progress, totalBytesRewritten: String(object.size), done: true };
    return json(onlyFields({ ...last, resource: resourceOf(bucket, stored) }, query.get('fields')));
  }

  #rewritePosition(token: string | null, what: string, source: StoredObject): number {
    if (token === null) return 0;
    const rewrite = this.#rewrites.get(token);
    if (rewrite?.what !== what || rewrite.generation !== source.generation) {
      throw refuse.malformed('Invalid rewrite token');
    }
    return rewrite.position;
  }

  #answerUpload(request: ApiRequest): ApiAnswer {
    const { method, query, segments } = request;
    const [root, version, b, bucketName, o, ...rest] = segments;
    const isUpload = root === 'storage' && version === 'v1' && b === 'b' && o === 'o' && rest.length === 0;
    if (!isUpload || bucketName === undefined) throw refuse.malformed('An upload goes to the objects of a bucket.');
    requireParameters(query, ['uploadType', 'name', 'ifGenerationMatch', 'ifGenerationNotMatch', 'upload_id']);
    if (query.has('upload_id')) return this.#answerSession(request, query.get('upload_id') ?? '');
    if (method !== 'POST') throw refuse.malformed('An upload begins with POST.');
    const bucket = this.#bucket(bucketName);
    this.#require('storage.objects.create');
    if (query.get('uploadType') === 'media') return this.#insertMedia(bucket, request);
    if (query.get('uploadType') === 'multipart') return this.#insertMultipart(bucket, request);
    if (query.get('uploadType') === 'resumable') return this.#begin(bucket, request);
    throw refuse.invalidParameter('uploadType');
  }

  #insertMedia(bucket: Bucket, { query, headers, body }: ApiRequest): ApiAnswer {
    const name = query.get('name');
    if (!name) throw refuse.malformed('Required parameter: name');
    return this.#insert(bucket, name, body, headers['content-type'] ?? 'application/octet-stream', query);
  }

  #insertMultipart(bucket: Bucket, { query, headers, body }: ApiRequest): ApiAnswer {
    const { metadata, media } = parseMultipart(headers['content-type'], body);
    const name = query.get('name') ?? (metadata as { name?: string }).name;
    if (!name) throw refuse.malformed('Required parameter: name');
    return this.#insert(bucket, name, media.body, media.contentType, query);
  }

  #insert(bucket: Bucket, name: string, body: Buffer, contentType: string, query: URLSearchParams): ApiAnswer {
    const content = { size: body.byteLength, bytes: this.hollow.has(bucket.name) ? null : body, contentType };
    const stored = bucket.put(name, content, conditionsOf(query), () => this.#require('storage.objects.delete'));
    return json(onlyFields(resourceOf(bucket, stored), query.get('fields')));
  }

  #begin(bucket: Bucket, { query, headers, body }: ApiRequest): ApiAnswer {
    const metadata = body.byteLength > 0 ? (JSON.parse(body.toString()) as { name?: string }) : {};
    const name = query.get('name') ?? metadata.name;
    if (!name) throw refuse.malformed('Required parameter: name');
    const size = headers['x-upload-content-length'];
    const id = randomUUID();
    this.sessions.set(id, {
      id,
      name,
      bucket: bucket.name,
      conditions: conditionsOf(query),
      chunks: [],
      received: 0,
      stored: null,
      contentType: String(headers['x-upload-content-type'] ?? 'application/octet-stream'),
      size: typeof size === 'string' ? Number(size) : null,
      keepsBytes: !this.hollow.has(bucket.name),
    });
    const url = new URL(`/upload/storage/v1/b/${bucket.name}/o?${query.toString()}`, this.#origin());
    url.searchParams.set('upload_id', id);
    return { status: 200, headers: { location: url.href }, body: null };
  }

  /** The address of an upload is its own authorization. */
  #answerSession({ method, headers, body, isCut }: ApiRequest, id: string): ApiAnswer {
    const session = this.sessions.get(id);
    if (!session) throw refuse.noUpload();
    const bucket = this.#bucket(session.bucket);
    if (method === 'DELETE') {
      this.sessions.delete(id);
      return { status: 499, body: null };
    }
    if (method !== 'PUT') throw refuse.malformed('An upload goes on with PUT.');
    const range = parseContentRange(headers['content-range']);
    if (session.stored) return json(resourceOf(bucket, session.stored));
    if (range.first !== null) {
      const isShort = this.knobs.shortParts > 0 && this.knobs.shortParts-- > 0;
      const taken = isShort ? body.subarray(0, 256 * 1024) : body;
      if (takePart(session, range, taken, isCut || isShort)) return this.#complete(bucket, session);
    } else if (body.byteLength > 0) throw refuse.malformed('A question has no body.');
    else if (range.total === 0 && session.received === 0) return this.#complete(bucket, session);
    const { received } = session;
    return { status: 308, headers: received > 0 ? { range: `bytes=0-${received - 1}` } : {}, body: null };
  }

  /** Here, and nowhere before, is the condition decided. */
  #complete(bucket: Bucket, session: Session): ApiAnswer {
    const { name, received, contentType, conditions, keepsBytes, chunks } = session;
    const content = { size: received, contentType, bytes: keepsBytes ? Buffer.concat(chunks) : null };
    session.chunks = [];
    try {
      session.stored = bucket.put(name, content, conditions, () => this.#require('storage.objects.delete'));
    } catch (error) {
      this.sessions.delete(session.id);
      throw error;
    }
    return json(resourceOf(bucket, session.stored));
  }
}

function conditionsOf(query: URLSearchParams): Conditions {
  requireNumber(query, 'ifGenerationMatch', 0);
  requireNumber(query, 'ifGenerationNotMatch', 0);
  return {
    ifGenerationMatch: query.get('ifGenerationMatch'),
    ifGenerationNotMatch: query.get('ifGenerationNotMatch'),
  };
}

function parsePageToken(token: string | null, what: string): { after: string; wasEmpty: boolean } {
  if (token === null) return { after: '', wasEmpty: false };
  const page = JSON.parse(Buffer.from(token, 'base64').toString()) as {
    what: string;
    after: string;
    wasEmpty: boolean;
  };
  if (page.what !== what) throw refuse.invalidParameter('pageToken');
  return page;
}

function mediaOf(object: StoredObject, rangeHeader: string | undefined): ApiAnswer {
  const bytes = object.bytes ?? new Uint8Array(object.size);
  const headers = {
    'content-type': object.contentType,
    'x-goog-hash': `crc32c=${object.crc32c},md5=${object.md5}`,
    'x-goog-generation': String(object.generation),
    'x-goog-metageneration': '1',
    'x-goog-stored-content-encoding': 'identity',
    'x-goog-stored-content-length': String(object.size),
    'x-goog-storage-class': 'STANDARD',
    'cache-control': 'private, max-age=0',
    'accept-ranges': 'bytes',
  };
  if (rangeHeader === undefined) return { status: 200, headers, body: bytes };
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(rangeHeader) ?? [];
  if (first === undefined || (last && Number(last) < Number(first))) throw refuse.malformed(`Range: ${rangeHeader}`);
  const start = Number(first);
  if (start >= object.size) throw refuse.noRange(object.size);
  const end = Math.min(last ? Number(last) + 1 : object.size, object.size);
  const contentRange = `bytes ${start}-${end - 1}/${object.size}`;
  return { status: 206, headers: { ...headers, 'content-range': contentRange }, body: bytes.subarray(start, end) };
}

function json(resource: unknown): ApiAnswer {
  return {
    status: 200,
    headers: { 'content-type': 'application/json; charset=UTF-8' },
    body: JSON.stringify(resource),
  };
}
