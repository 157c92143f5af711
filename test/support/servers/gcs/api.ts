/** The methods of the JSON API on some buckets, without HTTP around them: https://cloud.google.com/storage/docs/json_api/v1 */
import { randomUUID } from 'node:crypto';
import { type ApiAnswer, conditionsOf, json, type Knobs, type Permission } from './answers.ts';
import { type Bucket, requireConditions, resourceOf, type StoredObject } from './bucket.ts';
import { refuse } from './refusals.ts';
import { type ApiRequest, onlyFields, requireNumber, requireParameters } from './requests.ts';
import { Uploads } from './uploads.ts';

interface Rewrite {
  readonly what: string;
  readonly generation: number;
  readonly position: number;
}

export class Api {
  readonly buckets = new Map<string, Bucket>();
  readonly knobs: Knobs = { rewriteBytes: Infinity, pageObjects: 1000, emptyPages: false, shortParts: 0 };
  /** Buckets whose objects are only counted. */
  readonly hollow = new Set<string>();
  readonly #rewrites = new Map<string, Rewrite>();
  readonly #require: (permission: Permission) => void;
  readonly uploads: Uploads;

  constructor(require: (permission: Permission) => void, origin: () => string) {
    this.#require = require;
    const isHollow = ({ name }: Bucket) => this.hollow.has(name);
    this.uploads = new Uploads({ knobs: this.knobs, bucket: (name) => this.#bucket(name), require, origin, isHollow });
  }

  answer(request: ApiRequest): ApiAnswer {
    const { method, segments } = request;
    const [root, version, b, bucket, o, name, rewriteTo, ...to] = segments;
    if (root === 'upload') return this.uploads.answer({ ...request, segments: segments.slice(1) });
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
