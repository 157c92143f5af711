import * as blob from '@vercel/blob';
import { AppError } from '../../errors.ts';
import type { Runtime } from '../../runtime.ts';
import { interruptible } from '../driver/interruption.ts';
import type { Signal } from '../signal.ts';
import type { CreateOutcome, ObjectInfo } from '../store.ts';
import type { Meter, RequestClass } from '../usage.ts';
import {
  type BlobCredentials,
  infoOf,
  isText,
  notUnderstood,
  requireKeyKept,
  sdkCredentials,
  type SdkCredentials,
} from './credentials.ts';
import {
  type BlobAccess,
  type FailedBlobRequest,
  mapBlobError,
  mayMeanExists,
  requireAccess,
  saysAlreadyExists,
  saysNotFound,
  wasNeverSent,
} from './errors.ts';

export interface BlobClientOptions {
  readonly credentials: BlobCredentials;
  readonly location: string;
  readonly access: BlobAccess;
  readonly runtime: Runtime;
  readonly meter: Meter;
  /** How long a request that carries no body may take, with all that the SDK does to repeat it. */
  readonly timeoutMs: number;
}

type Sdk = SdkCredentials & { readonly abortSignal: AbortSignal };

interface Request {
  readonly name: string;
  readonly class: RequestClass;
  /** Parts of an upload that is not complete change nothing that others see. */
  readonly changes?: boolean;
  readonly bytesUp?: number;
  readonly longestMs?: number;
  readonly signal: Signal;
}

export interface BlobObject extends ObjectInfo {
  readonly etag: string;
}

export interface BlobUpload {
  readonly pathname: string;
  readonly uploadId: string;
  readonly key: string;
}

export interface BlobPart {
  readonly etag: string;
  readonly partNumber: number;
}

/** The SDK waits at least a second before it repeats (async-retry: `minTimeout`), so what took less was sent once. */
const surelySentOnceMs = 900;
const slowestBytesPerMs = 256;
const contentType = 'application/octet-stream';

export class BlobClient {
  readonly #options: BlobClientOptions;

  constructor(options: BlobClientOptions) {
    this.#options = options;
  }

  get access(): BlobAccess {
    return this.#options.access;
  }

  async head(key: string, signal: Signal): Promise<BlobObject | null> {
    const found = await this.#request({ name: 'head', class: 'read', signal }, (sdk) =>
      blob.head(key, sdk).catch(nullIf(saysNotFound)),
    );
    if (!found) return null;
    requireAccess(found.url, this.#failed('head'));
    return { ...infoOf(found), etag: found.etag };
  }

  async put(key: string, bytes: Uint8Array, signal: Signal): Promise<CreateOutcome> {
    const request = { name: 'put', class: 'write', bytesUp: bytes.byteLength, signal } as const;
    return this.#create(key, request, (sdk) => blob.put(key, viewOf(bytes), { ...sdk, ...this.#creating() }));
  }

  async beginUpload(pathname: string, signal: Signal): Promise<BlobUpload | null> {
    const ids = await this.#request({ name: 'createMultipartUpload', class: 'write', signal }, (sdk) =>
      blob.createMultipartUpload(pathname, { ...sdk, ...this.#creating() }).catch(nullIf(saysAlreadyExists)),
    );
    if (ids && !(isText(ids.uploadId) && isText(ids.key))) throw notUnderstood('it names no upload');
    return ids && { pathname, ...ids };
  }

  async uploadPart(upload: BlobUpload, partNumber: number, bytes: Uint8Array, signal: Signal): Promise<BlobPart> {
    const { pathname, ...ids } = upload;
    const request = { name: 'uploadPart', class: 'write', bytesUp: bytes.byteLength, signal } as const;
    const part = await this.#request(request, (sdk) =>
      blob.uploadPart(pathname, viewOf(bytes), { ...sdk, ...this.#creating(), ...ids, partNumber }),
    );
    if (!isText(part.etag)) throw notUnderstood('it has no tag of the part');
    return part;
  }

  async completeUpload(upload: BlobUpload, parts: readonly BlobPart[], signal: Signal): Promise<CreateOutcome> {
    const { pathname, ...ids } = upload;
    const longestMs = 4 * this.#options.timeoutMs;
    return this.#create(pathname, { name: 'completeMultipartUpload', class: 'write', longestMs, signal }, (sdk) =>
      blob.completeMultipartUpload(pathname, [...parts], { ...sdk, ...this.#creating(), ...ids }),
    );
  }

  async copy(from: string, to: string, signal: Signal): Promise<boolean> {
    const longestMs = 4 * this.#options.timeoutMs;
    const request = { name: 'copy', class: 'write', changes: true, longestMs, signal } as const;
    // A minute is the least: https://vercel.com/docs/vercel-blob/using-blob-sdk#copy-a-blob
    const options = { ...this.#storing(), allowOverwrite: true, cacheControlMaxAge: 60 };
    const copied = await this.#request(request, (sdk) =>
      blob.copy(from, to, { ...sdk, ...options }).catch(nullIf(saysNotFound)),
    );
    if (!copied) return false;
    requireKeyKept(to, copied.pathname);
    return true;
  }

  async delete(keys: readonly string[], signal: Signal): Promise<void> {
    await this.#request({ name: 'del', class: 'free', changes: true, signal }, (sdk) => blob.del([...keys], sdk));
  }

  async list(prefix: string, cursor: string | null, limit: number, signal: Signal) {
    const from = cursor === null ? {} : { cursor };
    const page = await this.#request({ name: 'list', class: 'write', signal }, (sdk) =>
      blob.list({ ...sdk, prefix, limit, ...from }),
    );
    if (page.blobs[0]) requireAccess(page.blobs[0].url, this.#failed('list'));
    if (page.hasMore && !page.cursor) throw notUnderstood('more objects follow, and it does not say where');
    return { objects: page.blobs.map(infoOf), cursor: page.hasMore ? page.cursor! : null };
  }

  /**
   * What `get` of the SDK answers: `cache=0` asks a private store past the CDN, whose copy of an overwritten object may be
   * a minute old. https://vercel.com/changelog/vercel-blob-now-supports-consistent-reads-on-private-storage
   * The bytes are the caller's to read and to meter. Failures are thrown as the SDK's own.
   */
  async get(key: string, headers: Record<string, string>, signal: Signal): Promise<blob.GetBlobResult | null> {
    const sdk = await sdkCredentials(this.#options.credentials);
    return this.patiently(signal, (abortSignal) =>
      blob.get(key, { ...sdk, abortSignal, access: this.access, useCache: false, headers }),
    );
  }

  async patiently<T>(signal: Signal, work: (signal: AbortSignal) => Promise<T>, ms?: number): Promise<T> {
    const { runtime, timeoutMs } = this.#options;
    return interruptible({ signal, limit: { runtime, ms: ms ?? timeoutMs } }, work);
  }

  meterGet(bytesDown: number): void {
    this.#options.meter({ name: 'get', class: 'read', bytesUp: 0, bytesDown });
  }

  readFailed(error: unknown): AppError {
    return mapBlobError(error, this.#failed('get'));
  }

  #storing() {
    return { access: this.access, addRandomSuffix: false, contentType } as const;
  }

  #creating() {
    return { ...this.#storing(), allowOverwrite: false } as const;
  }

  #failed(name: string, changes = false, repeated = false): FailedBlobRequest {
    const { location, access, credentials } = this.#options;
    return { location, name, changes, repeated, access, secrets: 'token' in credentials ? [credentials.token] : [] };
  }

  /** One that may find the object there: by the service's own words, or by a look when its words are unclear. */
  async #create(
    key: string,
    request: Request,
    work: (sdk: Sdk) => Promise<{ readonly pathname: string }>,
  ): Promise<CreateOutcome> {
    let isUnclear = false;
    try {
      const stored = await this.#request({ ...request, changes: true }, (sdk) =>
        work(sdk).catch((error: unknown) => {
          isUnclear = mayMeanExists(error);
          return nullIf(saysAlreadyExists)(error);
        }),
      );
      if (!stored) return 'exists';
      requireKeyKept(key, stored.pathname);
      return 'created';
    } catch (error) {
      if (isUnclear && (await this.head(key, request.signal).catch(() => null))) return 'exists';
      throw error;
    }
  }

  async #request<T>(request: Request, work: (sdk: Sdk) => Promise<T>): Promise<T> {
    const { runtime, credentials, timeoutMs } = this.#options;
    const { signal, name, bytesUp = 0, changes = false } = request;
    const longestMs = (request.longestMs ?? timeoutMs) + bytesUp / slowestBytesPerMs;
    const sdk = await sdkCredentials(credentials);
    const beganMs = runtime.monotonicMs();
    const count = (): void => this.#options.meter({ name, class: request.class, bytesUp, bytesDown: 0 });
    try {
      const answer = await this.patiently(signal, (abortSignal) => work({ ...sdk, abortSignal }), longestMs);
      count();
      return answer;
    } catch (error) {
      if (!(error instanceof AppError) && !wasNeverSent(error)) count();
      const repeated = runtime.monotonicMs() - beganMs > surelySentOnceMs;
      throw mapBlobError(error, this.#failed(name, changes, repeated));
    }
  }
}

function nullIf(isExpected: (error: unknown) => boolean): (error: unknown) => null {
  return (error) => {
    if (isExpected(error)) return null;
    throw error;
  };
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
