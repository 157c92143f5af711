/**
 * The store on S3, and on what speaks its protocol with conditional writes (Cloudflare R2, MinIO, …).
 *
 * Owns: which request does what the contract asks. Must not know what the objects mean, nor the environment.
 * The worst that can happen: a store that ignores `If-None-Match` lets two writers create one key. A driver cannot see
 * that in an answer: whoever opens a store that is not AWS has to try it first. Directory buckets are refused: they do
 * not list in order. https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
import { AppError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import { requireKey, requirePage, requirePrefix } from './keys.ts';
import type { Meter } from './meter.ts';
import { requireRange } from './range.ts';
import { Changing } from './s3/changing.ts';
import { createS3Clients, type S3ClientOptions, secretsOf } from './s3/client.ts';
import { Creating } from './s3/creating.ts';
import { Reading } from './s3/reading.ts';
import { Requests } from './s3/requests.ts';
import { Sweep } from './s3/sweep.ts';
import { throwIfAborted } from './signal.ts';
import type {
  Body,
  CreateOutcome,
  GetOptions,
  ListOptions,
  ListPage,
  ObjectInfo,
  OperationOptions,
  Store,
} from './store.ts';

export interface S3StoreOptions extends S3ClientOptions {
  readonly bucket: string;
  readonly runtime: Runtime;
  /** Told of every attempt, the SDK's repeated ones included. */
  readonly meter?: Meter;
  /** Streams that are larger go up in parts of this size; at least 5 MiB. Default 8 MiB. */
  readonly partBytes?: number;
  /** Parts that are sent, and held in memory, at once. Default 4. */
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
  return new S3Store(options);
}

const mebibyte = 1024 * 1024;
const defaultSizes = { partBytes: 8 * mebibyte, parallelParts: 4, largestCopyBytes: 256 * mebibyte };

class S3Store implements Store {
  readonly location: string;
  readonly #reading: Reading;
  readonly #creating: Creating;
  readonly #changing: Changing;

  constructor(options: S3StoreOptions) {
    const { bucket, region, endpoint, credentials, meter, runtime } = options;
    const location = `s3 ${bucket} (${endpoint === null ? region : new URL(endpoint).host})`;
    const sizes = { ...defaultSizes, ...options };
    const client = createS3Clients(options);
    const requests = new Requests({ client, location, secrets: secretsOf(credentials), meter });
    this.location = location;
    this.#reading = new Reading(requests, bucket);
    const sweep = new Sweep(requests, bucket, runtime);
    this.#creating = new Creating({ requests, reading: this.#reading, sweep, bucket, location, sizes, runtime });
    this.#changing = new Changing(requests, this.#reading, bucket, sizes);
  }

  async create(key: string, body: Body, { signal }: OperationOptions = {}): Promise<CreateOutcome> {
    requireKey(key);
    throwIfAborted(signal);
    return this.#creating.create(key, body, signal);
  }

  async get(key: string, { range, signal }: GetOptions = {}): Promise<Uint8Array | null> {
    requireKey(key);
    requireRange(range);
    const download = await this.#reading.open(key, range, signal);
    if (download === 'nothing') return new Uint8Array(0);
    return download && download.whole(signal);
  }

  async read(key: string, { range, signal }: GetOptions = {}): Promise<AsyncIterable<Uint8Array> | null> {
    requireKey(key);
    requireRange(range);
    const download = await this.#reading.open(key, range, signal);
    if (download === 'nothing') return noChunks();
    return download && download.chunks(signal);
  }

  async head(key: string, { signal }: OperationOptions = {}): Promise<ObjectInfo | null> {
    requireKey(key);
    return (await this.#reading.describe(key, signal))?.info ?? null;
  }

  async list(prefix: string, { signal, ...page }: ListOptions = {}): Promise<ListPage> {
    requirePrefix(prefix);
    const { limit } = requirePage(page);
    throwIfAborted(signal);
    return this.#reading.list(prefix, page.after, limit, signal);
  }

  async copy(from: string, to: string, { signal }: OperationOptions = {}): Promise<void> {
    requireKey(from);
    requireKey(to);
    const source = await this.#reading.describe(from, signal);
    if (!source) throw new AppError('not-found', `There is no object ${from} to copy.`);
    // S3 refuses to copy an object onto itself: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
    if (from !== to) await this.#changing.copy(source, to, signal);
  }

  async delete(keys: readonly string[], { signal }: OperationOptions = {}): Promise<void> {
    for (const key of keys) requireKey(key);
    throwIfAborted(signal);
    await this.#changing.delete(keys, signal);
  }
}

async function* noChunks(): AsyncGenerator<Uint8Array> {}
