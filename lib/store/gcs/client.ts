/**
 * Speaks HTTP itself: the SDK's own verbs have no time limit and no signal, and end each other's connections
 * (docs/decisions/2026-11-24-gcs-wire.md).
 */
import type { AppError } from '../../errors.ts';
import type { Signal } from '../signal.ts';
import type { Meter, RequestClass } from '../usage.ts';
import { Authorization, type GcsCredentials, type Grant } from './authorization.ts';
import {
  type GcsAttempt,
  explainForeign,
  explainLost,
  explainRefusal,
  field,
  parseJson,
  GcsRefusal,
} from './errors.ts';
import { Lost, Wire, type WireAnswer, type WireRequest } from './wire.ts';

interface ClientOptions {
  readonly bucket: string;
  readonly location: string;
  readonly endpoint: string | null;
  readonly credentials: GcsCredentials;
  readonly meter: Meter;
  readonly idleMs: number;
}

export interface GcsCall extends Method {
  /** Below the endpoint, or a whole URL that the API gave. */
  readonly path: string | URL;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal?: Signal;
  readonly idleMs?: number;
  /** Whether something visible may have changed when no answer comes. */
  readonly commits?: boolean;
}

export class Client {
  readonly #options: ClientOptions;
  readonly #base: URL;
  readonly #authorization: Authorization;
  readonly #wire: Wire;

  constructor(options: ClientOptions) {
    this.#options = options;
    // An endpoint may have a path of its own; addresses go below it.
    this.#base = new URL((options.endpoint ?? 'https://storage.googleapis.com').replace(/(?<!\/)\/*$/, '/'));
    this.#authorization = new Authorization(options.credentials);
    this.#wire = new Wire(options);
  }

  objectsPath(key?: string): string {
    const objects = `storage/v1/b/${encodeURIComponent(this.#options.bucket)}/o`;
    return key === undefined ? objects : `${objects}/${encodeURIComponent(key)}`;
  }

  get uploadPath(): string {
    return `upload/${this.objectsPath()}`;
  }

  rewritePath(from: string, to: string): string {
    const { bucket } = this.#options;
    return `${this.objectsPath(from)}/rewriteTo/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(to)}`;
  }

  /** A success (2xx, or 308 of an upload that goes on), or a refusal. @throws AppError when there is no answer. */
  async ask(call: GcsCall): Promise<WireAnswer | GcsRefusal> {
    const grant = await this.#authorization.grant(call.signal);
    const first = await this.#send(call, grant);
    const refusedToken = first instanceof GcsRefusal && first.status === 401 && this.#authorization.renew(grant);
    return refusedToken ? this.#send(call, await this.#authorization.grant(call.signal)) : first;
  }

  async demand(call: GcsCall): Promise<WireAnswer> {
    const answer = await this.ask(call);
    if (answer instanceof GcsRefusal) throw this.explain(answer, call);
    return answer;
  }

  async find(call: GcsCall): Promise<WireAnswer | null> {
    const answer = await this.ask(call);
    if (!(answer instanceof GcsRefusal)) return answer;
    if (await this.isAbsence(answer, call.signal)) return null;
    throw this.explain(answer, call);
  }

  /**
   * Whether a refusal says that there is no such object. Emulators have texts of their own: of them a 404 means absence
   * when it is no web page and the bucket can be listed.
   */
  async isAbsence(refusal: GcsRefusal, signal: Signal): Promise<boolean> {
    if (refusal.isMissingObject) return true;
    const mayBeIt = refusal.status === 404 && !refusal.isPage && !refusal.isMissingBucket;
    return this.#options.endpoint !== null && mayBeIt && this.#isBucketThere(signal);
  }

  async #isBucketThere(signal: Signal): Promise<boolean> {
    const query = { maxResults: '1', fields: 'kind' };
    const call: GcsCall = { ...methods.list, path: this.objectsPath(), query, signal };
    const answer = await this.ask(call);
    return !(answer instanceof GcsRefusal) && field(this.json(answer, call), 'kind') === 'storage#objects';
  }

  explain(refusal: GcsRefusal, call: GcsCall): AppError {
    return explainRefusal(refusal, this.#attempt(call));
  }

  notUnderstood(call: GcsCall, isPage = false): AppError {
    return explainForeign(this.#attempt(call), isPage);
  }

  json({ body }: WireAnswer, call: GcsCall): object {
    const text = new TextDecoder().decode(body);
    const value = parseJson(text);
    if (typeof value === 'object' && value !== null) return value;
    throw this.notUnderstood(call, /^\s*</.test(text));
  }

  async #send(call: GcsCall, grant: Grant): Promise<WireAnswer | GcsRefusal> {
    try {
      const answer = await this.#wire.send(this.#request(call, grant));
      return answer.isSuccess ? answer : new GcsRefusal(answer);
    } catch (error) {
      throw error instanceof Lost ? explainLost(error, this.#attempt(call)) : error;
    }
  }

  #request({ name, path, query, headers, ...call }: GcsCall, grant: Grant): WireRequest {
    const url = path instanceof URL ? path : new URL(path, this.#base);
    for (const [parameter, value] of Object.entries(query ?? {})) url.searchParams.set(parameter, value);
    // An upload's own address needs no token; elsewhere none is sent.
    const authorization = url.origin === this.#base.origin ? grant.headers : {};
    return { ...call, name: `storage.${name}`, url, headers: { 'user-agent': 'eider', ...headers, ...authorization } };
  }

  #attempt({ name, permission, commits = false }: GcsCall): GcsAttempt {
    return { location: this.#options.location, name, permission: `storage.${permission}`, unsure: commits };
  }
}

interface Method {
  readonly name: string;
  readonly class: RequestClass;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly permission: string;
}

/**
 * https://cloud.google.com/storage/pricing#operations-by-class,
 * https://cloud.google.com/storage/docs/access-control/iam-json
 */
export const methods = {
  get: { name: 'objects.get', class: 'read', method: 'GET', permission: 'objects.get' },
  list: { name: 'objects.list', class: 'write', method: 'GET', permission: 'objects.list' },
  insert: { name: 'objects.insert', class: 'write', method: 'POST', permission: 'objects.create' },
  /** A part of an upload, or a question about it: the upload is billed as one request, its start. */
  insertPart: { name: 'objects.insert', class: 'free', method: 'PUT', permission: 'objects.create' },
  cancelInsert: { name: 'objects.insert', class: 'free', method: 'DELETE', permission: 'objects.create' },
  rewrite: { name: 'objects.rewrite', class: 'write', method: 'POST', permission: 'objects.create' },
  delete: { name: 'objects.delete', class: 'free', method: 'DELETE', permission: 'objects.delete' },
} as const satisfies Readonly<Record<string, Method>>;
