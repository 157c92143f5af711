/** The methods that create objects, at once or in parts: https://cloud.google.com/storage/docs/json_api/v1/objects/insert */
import { randomUUID } from 'node:crypto';
import { type ApiAnswer, type ApiHost, conditionsOf, json } from './answers.ts';
import { type Bucket, resourceOf } from './bucket.ts';
import { refuse } from './refusals.ts';
import { type ApiRequest, onlyFields, parseMultipart, requireParameters } from './requests.ts';
import { parseContentRange, type Session, takePart } from './sessions.ts';

export class Uploads {
  readonly sessions = new Map<string, Session>();
  readonly #host: ApiHost;

  constructor(host: ApiHost) {
    this.#host = host;
  }

  answer(request: ApiRequest): ApiAnswer {
    const { method, query, segments } = request;
    const [root, version, b, bucketName, o, ...rest] = segments;
    const isUpload = root === 'storage' && version === 'v1' && b === 'b' && o === 'o' && rest.length === 0;
    if (!isUpload || bucketName === undefined) throw refuse.malformed('An upload goes to the objects of a bucket.');
    requireParameters(query, ['uploadType', 'name', 'ifGenerationMatch', 'ifGenerationNotMatch', 'upload_id']);
    if (query.has('upload_id')) return this.#answerSession(request, query.get('upload_id') ?? '');
    if (method !== 'POST') throw refuse.malformed('An upload begins with POST.');
    const bucket = this.#host.bucket(bucketName);
    this.#host.require('storage.objects.create');
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
    const content = { size: body.byteLength, bytes: this.#host.isHollow(bucket) ? null : body, contentType };
    const stored = bucket.put(name, content, conditionsOf(query), () => this.#host.require('storage.objects.delete'));
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
      keepsBytes: !this.#host.isHollow(bucket),
    });
    const url = new URL(`/upload/storage/v1/b/${bucket.name}/o?${query.toString()}`, this.#host.origin());
    url.searchParams.set('upload_id', id);
    return { status: 200, headers: { location: url.href }, body: null };
  }

  /** The address of an upload is its own authorization. */
  #answerSession({ method, headers, body, isCut }: ApiRequest, id: string): ApiAnswer {
    const session = this.sessions.get(id);
    if (!session) throw refuse.noUpload();
    const bucket = this.#host.bucket(session.bucket);
    if (method === 'DELETE') {
      this.sessions.delete(id);
      return { status: 499, body: null };
    }
    if (method !== 'PUT') throw refuse.malformed('An upload goes on with PUT.');
    const range = parseContentRange(headers['content-range']);
    if (session.stored) return json(resourceOf(bucket, session.stored));
    if (range.first !== null) {
      const isShort = this.#host.knobs.shortParts > 0 && this.#host.knobs.shortParts-- > 0;
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
      session.stored = bucket.put(name, content, conditions, () => this.#host.require('storage.objects.delete'));
    } catch (error) {
      this.sessions.delete(session.id);
      throw error;
    }
    return json(resourceOf(bucket, session.stored));
  }
}
