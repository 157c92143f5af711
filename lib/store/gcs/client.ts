/**
 * Requests to the JSON API of Google Cloud Storage: https://cloud.google.com/storage/docs/json_api/v1
 *
 * Owns: addresses, authorization, and the difference between an answer, a refusal and no answer. Speaks HTTP itself: the
 * SDK's own verbs have no time limit, no signal, and end each other's connections
 * (docs/decisions/2026-11-24-gcs-wire.md). The worst that can happen: 'no such object' said of a bucket that is away.
 */
import { AppError } from '../../errors.ts';
import type { Meter } from '../meter.ts';
import { Authorization, type GcsCredentials, type Grant } from './authorization.ts';
import { type Attempt, explainLost, explainRefusal, unknownOutcome } from './errors.ts';
import { type Method, methods } from './methods.ts';
import { Refusal } from './refusal.ts';
import { Lost, Wire, type WireAnswer, type WireRequest } from './wire.ts';

export interface ClientOptions {
  readonly bucket: string;
  /** Base URL of another server of the JSON API; null for Google's. */
  readonly endpoint: string | null;
  readonly credentials: GcsCredentials;
  readonly projectId?: string | undefined;
  readonly meter: Meter;
  readonly idleMs: number;
}

export interface Call extends Method {
  /** Below the endpoint, or a whole URL that the API gave. */
  readonly path: string | URL;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal | undefined;
  /** Patience for this one; that of the client by default. */
  readonly idleMs?: number;
  /** Whether something visible may have changed when no answer comes. */
  readonly commits?: boolean;
}

const maxRefusalBytes = 64 * 1024;

export class Client {
  readonly bucket: string;
  readonly #endpoint: string | null;
  readonly #base: URL;
  readonly #authorization: Authorization;
  readonly #wire: Wire;

  constructor({ bucket, endpoint, credentials, projectId, meter, idleMs }: ClientOptions) {
    this.bucket = bucket;
    this.#endpoint = endpoint;
    this.#base = new URL(endpoint ?? 'https://storage.googleapis.com');
    this.#authorization = new Authorization(credentials, projectId);
    this.#wire = new Wire({ idleMs, meter });
  }

  /** The path of the bucket's objects, or of one of them. */
  objectsPath(key?: string): string {
    const objects = `storage/v1/b/${encodeURIComponent(this.bucket)}/o`;
    return key === undefined ? objects : `${objects}/${encodeURIComponent(key)}`;
  }

  get uploadPath(): string {
    return `upload/${this.objectsPath()}`;
  }

  /** A success (2xx, or 308 of an upload that goes on), or a refusal. @throws AppError when there is no answer. */
  async ask(call: Call): Promise<WireAnswer | Refusal> {
    const grant = await this.#authorization.grant(call.signal);
    const first = await this.#send(call, grant);
    const refusedToken = first instanceof Refusal && first.status === 401 && this.#authorization.renew(grant);
    return refusedToken ? this.#send(call, await this.#authorization.grant(call.signal)) : first;
  }

  /** A success. @throws AppError */
  async demand(call: Call): Promise<WireAnswer> {
    const answer = await this.ask(call);
    if (answer instanceof Refusal) throw this.explain(answer, call);
    return answer;
  }

  /** A success, or null when the store says that there is no such object. @throws AppError */
  async find(call: Call): Promise<WireAnswer | null> {
    const answer = await this.ask(call);
    if (!(answer instanceof Refusal)) return answer;
    if (await this.isAbsence(answer, call.signal)) return null;
    throw this.explain(answer, call);
  }

  /**
   * Whether a refusal says that there is no such object. Emulators have texts of their own: of them a 404 means absence
   * when it is no web page and the bucket can be listed.
   */
  async isAbsence(refusal: Refusal, signal: AbortSignal | undefined): Promise<boolean> {
    if (refusal.isMissingObject) return true;
    const isOwnWord = this.#endpoint !== null && refusal.status === 404 && !refusal.isPage && !refusal.isMissingBucket;
    return isOwnWord && this.#isBucketThere(signal);
  }

  async #isBucketThere(signal: AbortSignal | undefined): Promise<boolean> {
    const call: Call = {
      ...methods.list,
      path: this.objectsPath(),
      query: { maxResults: '1', fields: 'kind' },
      signal,
    };
    const answer = await this.ask(call);
    return !(answer instanceof Refusal) && Reflect.get(await this.json(answer, call), 'kind') === 'storage#objects';
  }

  explain(refusal: Refusal, call: Pick<Call, 'permission' | 'commits'>): AppError {
    return explainRefusal(refusal, this.#attempt(call));
  }

  explainLost(lost: unknown, call: Pick<Call, 'permission' | 'commits'>): unknown {
    return lost instanceof Lost ? explainLost(lost, this.#attempt(call)) : lost;
  }

  explainUnknown(why: string, call: Pick<Call, 'permission' | 'commits'>): AppError {
    return unknownOutcome(this.#attempt(call), why);
  }

  /** The answer's JSON. @throws AppError */
  async json(answer: WireAnswer, call: Pick<Call, 'permission' | 'commits' | 'signal'>): Promise<object> {
    const text = await this.#text(answer, call);
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === 'object' && value !== null) return value;
    } catch {
      // Not quoted: it is anything but what was asked for.
    }
    throw this.notUnderstood(call);
  }

  /** Lets go of a success whose body says nothing more. */
  async finish(answer: WireAnswer): Promise<void> {
    try {
      await textOf(answer, maxRefusalBytes, undefined);
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
    }
  }

  /** For a success that does not look like one of this API. */
  notUnderstood(call: Pick<Call, 'permission' | 'commits'>): AppError {
    const why = 'the answer is not one of the JSON API of Cloud Storage';
    if (call.commits === true) return this.explainUnknown(why, call);
    return new AppError('unavailable', `The bucket ${this.bucket} could not be read: ${why}.`, {
      hint: this.#endpoint === null ? 'A proxy may stand in between.' : 'Check GCS_ENDPOINT.',
    });
  }

  async #send(call: Call, grant: Grant): Promise<WireAnswer | Refusal> {
    try {
      const answer = await this.#wire.send(this.#request(call, grant));
      if ((answer.status >= 200 && answer.status < 300) || answer.status === 308) return answer;
      return new Refusal(answer.status, await textOf(answer, maxRefusalBytes, call.signal), answer.header);
    } catch (error) {
      throw this.explainLost(error, call);
    }
  }

  #request({ name, path, query, headers, ...call }: Call, grant: Grant): WireRequest {
    const url = path instanceof URL ? path : new URL(path, withSlash(this.#base));
    for (const [field, value] of Object.entries(query ?? {})) url.searchParams.set(field, value);
    // An upload's own address needs no token; elsewhere none is sent.
    const authorization = url.origin === this.#base.origin ? grant.headers : {};
    return { ...call, name: `storage.${name}`, url, headers: { 'user-agent': 'eider', ...headers, ...authorization } };
  }

  async #text(answer: WireAnswer, call: Pick<Call, 'permission' | 'commits' | 'signal'>): Promise<string> {
    try {
      return await textOf(answer, Infinity, call.signal);
    } catch (error) {
      throw this.explainLost(error, call);
    }
  }

  #attempt({ permission, commits = false }: Pick<Call, 'permission' | 'commits'>): Attempt {
    return { bucket: this.bucket, endpoint: this.#endpoint, permission: `storage.${permission}`, commits };
  }
}

async function textOf(answer: WireAnswer, maxBytes: number, signal: AbortSignal | undefined): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer.chunks(signal)) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > maxBytes) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** An endpoint may have a path of its own; addresses go below it. */
function withSlash(base: URL): URL {
  const url = new URL(base);
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}
