/**
 * S3, and stores with its protocol and conditional writes (R2, MinIO). One that ignores `If-None-Match` is not noticed
 * here: see lib/sync/conditions.ts. https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
import { createHash } from 'node:crypto';
import { CopyObjectCommand, DeleteObjectsCommand, PutObjectCommand, type _Error as KeyError } from '@aws-sdk/client-s3';
import { AppError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import { type Driver, inBatches, type PageRequest, storeOf } from './driver.ts';
import type { Meter } from './usage.ts';
import { createS3Clients, type S3ClientOptions, secretsOf } from './s3/client.ts';
import { type DescribedObject, Objects } from './s3/objects.ts';
import { isRefusal, type S3Refusal, Requests } from './s3/requests.ts';
import { S3Uploads, type UploadSizes } from './s3/upload.ts';
import { throwIfAborted, type Signal } from './signal.ts';
import type { Body, ByteRange, CreateOutcome, Store } from './store.ts';

export interface S3StoreOptions extends S3ClientOptions {
  readonly bucket: string;
  readonly runtime: Runtime;
  /** Called for every attempt, the SDK's repeated ones included. */
  readonly meter?: Meter;
  /** Streams that are larger go up in parts of this size; at least 5 MiB. Default 8 MiB. */
  readonly partBytes?: number;
  readonly parallelParts?: number;
  /** Larger objects are copied in parts; at most 5 GiB. Default 256 MiB. */
  readonly largestCopyBytes?: number;
}

export function createS3Store(options: S3StoreOptions): Store {
  if (options.bucket.endsWith('--x-s3')) {
    throw new AppError('invalid', `${options.bucket} is a directory bucket, which does not list objects in order.`, {
      hint: 'Name a general purpose bucket in S3_BUCKET.',
    });
  }
  return storeOf(new S3Driver(options));
}

const mebibyte = 1024 * 1024;
const defaultSizes = { partBytes: 8 * mebibyte, parallelParts: 4, largestCopyBytes: 256 * mebibyte };

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
const mostKeys = 1000;
const mostConflicts = 5;

class S3Driver implements Driver {
  readonly location: string;
  readonly partBytes: number;
  readonly #sizes: UploadSizes;
  readonly #requests: Requests;
  readonly #objects: Objects;
  readonly #uploads: S3Uploads;
  readonly #runtime: Runtime;

  constructor(options: S3StoreOptions) {
    const { bucket, region, endpoint, credentials, meter, runtime } = options;
    const location = `s3 ${bucket} (${endpoint === null ? region : new URL(endpoint).host})`;
    const client = createS3Clients(options);
    this.location = location;
    this.#sizes = { ...defaultSizes, ...options };
    this.partBytes = this.#sizes.partBytes;
    this.#requests = new Requests({ bucket, client, location, secrets: secretsOf(credentials), meter, runtime });
    this.#objects = new Objects(this.#requests);
    this.#uploads = new S3Uploads(this.#requests, this.#sizes, runtime);
    this.#runtime = runtime;
  }

  async create(key: string, body: Body, signal: Signal): Promise<CreateOutcome> {
    // Bytes in memory are one request, whatever their number: no record of the log depends on a store that heeds the
    // condition when it completes parts.
    if (body instanceof Uint8Array) return this.#settle(key, () => this.#put(key, body, signal), signal);
    if (await this.#objects.describe(key, signal)) return 'exists';
    await this.#uploads.sweep(key, signal);
    return this.#settle(key, () => this.#uploads.create(key, body, signal), signal);
  }

  async #put(Key: string, Body: Uint8Array, signal: Signal): Promise<S3Refusal | null> {
    const command = new PutObjectCommand({ Bucket: this.#requests.bucket, Key, Body, IfNoneMatch: '*' });
    const expect = ['PreconditionFailed', 'ConditionalRequestConflict'];
    const answer = await this.#requests.ask('PutObject', command, { signal, expect });
    return isRefusal(answer) ? answer : null;
  }

  /**
   * Makes attempts until one is decided. 409 says that the key was being written or deleted at that moment: whether it
   * is taken now, only a look tells. So does an upload that is gone after an attempt to complete it.
   * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
   */
  async #settle(key: string, attempt: () => Promise<S3Refusal | null>, signal?: AbortSignal): Promise<CreateOutcome> {
    let unsure = false;
    for (let conflicts = 0; conflicts < mostConflicts; conflicts++) {
      try {
        const refusal = await attempt();
        if (!refusal) return 'created';
        if (refusal.refused === 'PreconditionFailed') return 'exists';
        unsure ||= refusal.unsure;
        if (await this.#objects.describe(key, signal)) return 'exists';
        await this.#pause(conflicts, signal);
      } catch (error) {
        throw unsure ? this.#undecided('indeterminate', key, error) : error;
      }
    }
    throw this.#undecided(unsure ? 'indeterminate' : 'unavailable', key);
  }

  async #pause(conflicts: number, signal: Signal): Promise<void> {
    const runtime = this.#runtime;
    await runtime.sleep(20 * 2 ** conflicts * (0.5 + runtime.random()), signal).catch(() => undefined);
    throwIfAborted(signal);
  }

  #undecided(kind: 'indeterminate' | 'unavailable', key: string, cause?: unknown): AppError {
    const outcome = kind === 'indeterminate' ? 'whether it was created is not known' : 'nothing was created';
    const message = `${this.location}: others were writing ${key} at the same time; ${outcome}.`;
    return new AppError(kind, message, { cause, hint: 'Try again.' });
  }

  get(key: string, range: ByteRange | undefined, signal: Signal) {
    return this.#objects.get(key, range, signal);
  }

  async head(key: string, signal: Signal) {
    const found = await this.#objects.describe(key, signal);
    return found && { key, size: found.size, modifiedAt: found.modifiedAt };
  }

  list(prefix: string, { after, limit }: PageRequest, signal: Signal) {
    return this.#objects.list(prefix, after, limit, signal);
  }

  async copy(from: string, to: string, signal: Signal): Promise<boolean> {
    const source = await this.#objects.describe(from, signal);
    if (!source) return false;
    if (source.size > this.#sizes.largestCopyBytes) {
      await this.#uploads.copy(source, to, signal, () => this.#requireSame(source, signal));
      return true;
    }
    const Bucket = this.#requests.bucket;
    const command = new CopyObjectCommand({ Bucket, Key: to, CopySource: `${Bucket}/${from}` });
    return !isRefusal(await this.#requests.ask('CopyObject', command, { signal, expect: ['NoSuchKey'] }));
  }

  /** Parts of two objects are none. Not every store has a condition for this. */
  async #requireSame({ key, etag }: DescribedObject, signal: Signal): Promise<void> {
    if ((await this.#objects.describe(key, signal))?.etag === etag) return;
    throw new AppError('unavailable', `${key} changed while it was copied; nothing was changed.`);
  }

  async delete(keys: readonly string[], signal: Signal): Promise<void> {
    await inBatches(keys, mostKeys, signal, async (batch) => {
      const Delete = { Objects: batch.map((Key) => ({ Key })), Quiet: true };
      const command = new DeleteObjectsCommand({ Bucket: this.#requests.bucket, Delete });
      addMd5(command);
      const { Errors = [] } = await this.#requests.send('DeleteObjects', command, signal);
      const failed = Errors.filter(({ Code }) => Code !== 'NoSuchKey');
      if (failed[0]) throw this.#keyError(failed[0], failed.length, batch.length);
    });
  }

  #keyError({ Key, Code, Message }: KeyError, failed: number, asked: number): AppError {
    const httpStatusCode = Code === 'AccessDenied' ? 403 : 500;
    const error = Object.assign(new Error(Message ?? 'no reason was given'), { Code, $metadata: { httpStatusCode } });
    const { kind, message, cause, hint } = this.#requests.mapAnswered('DeleteObjects', error);
    const text = `${message} ${failed} of ${asked} objects were not deleted, among them ${Key}.`;
    return new AppError(kind, text, { cause, ...(hint ? { hint } : {}) });
  }
}

/** Older stores know no other checksum of this request, which must have one; AWS takes both. */
function addMd5(command: DeleteObjectsCommand): void {
  command.middlewareStack.add(
    (next) => (args) => {
      const { headers, body } = args.request as { headers: Record<string, string>; body: string | Uint8Array };
      headers['content-md5'] = createHash('md5').update(body).digest('base64');
      return next(args);
    },
    { step: 'build', priority: 'low', name: 'eiderMd5' },
  );
}
