/**
 * The store on Vercel Blob.
 *
 * Owns: how the contract is kept with the requests that Blob has. Must not know what the objects mean, nor the
 * environment (the SDK reads some of it: VERCEL_BLOB_RETRIES says how often it repeats a request).
 * The worst that can happen: 'absent' said of what is there, since a cache, a wrong store and a wrong access all look like
 * that; so only the API's own 'not found' counts.
 */
import { AppError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import { BlobClient } from './blob/client.ts';
import { type BlobCredentials, storeIdOf } from './blob/credentials.ts';
import { Download } from './blob/download.ts';
import type { BlobAccess } from './blob/errors.ts';
import { Listing } from './blob/listing.ts';
import { createInParts } from './blob/parts.ts';
import { requireKey, requirePage, requirePrefix } from './keys.ts';
import type { Meter } from './meter.ts';
import { readBody } from './parts.ts';
import { requireRange } from './range.ts';
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

export interface BlobStoreOptions {
  readonly credentials: BlobCredentials;
  /** As the store was born. Of a public one, anyone who knows a URL can read. Default `private`. */
  readonly access?: BlobAccess;
  readonly runtime: Runtime;
  /** Is told of every request that left, once: what the SDK repeats by itself cannot be seen. */
  readonly meter?: Meter;
  /** Streams larger than this are sent in parts of this size; at least 5 MiB on Vercel. Default 8 MiB. */
  readonly partBytes?: number;
  /** How long a request may take, with all its repetitions; one with a body longer, by its size. Default 15,000 ms. */
  readonly patienceMs?: number;
}

export function createBlobStore(options: BlobStoreOptions): Store {
  return new BlobStore(options);
}

const defaultPartBytes = 8 * 1024 * 1024;
const keysPerDelete = 200;

class BlobStore implements Store {
  readonly location: string;
  readonly #client: BlobClient;
  readonly #download: Download;
  readonly #listing: Listing;
  readonly #partBytes: number;

  constructor({ credentials, partBytes = defaultPartBytes, ...options }: BlobStoreOptions) {
    this.location = `vercel blob ${storeIdOf(credentials)}`;
    this.#client = new BlobClient({
      credentials,
      access: options.access ?? 'private',
      runtime: options.runtime,
      meter: options.meter ?? (() => undefined),
      patienceMs: options.patienceMs ?? 15_000,
    });
    this.#download = new Download(this.#client);
    this.#listing = new Listing(this.#client);
    this.#partBytes = partBytes;
  }

  async create(key: string, body: Body, { signal }: OperationOptions = {}): Promise<CreateOutcome> {
    requireKey(key);
    throwIfAborted(signal);
    if (body instanceof Uint8Array) return this.#client.put(key, body, signal);
    if (body.size > this.#partBytes) {
      return createInParts(this.#client, key, body, { partBytes: this.#partBytes, signal });
    }
    return this.#client.put(key, await readBody(body, signal), signal);
  }

  async get(key: string, { range, signal }: GetOptions = {}): Promise<Uint8Array | null> {
    requireKey(key);
    requireRange(range);
    throwIfAborted(signal);
    const bytes = await this.#download.tryGet(key, range, signal);
    return bytes ?? this.#download.get(key, range, signal);
  }

  async read(key: string, { range, signal }: GetOptions = {}): Promise<AsyncIterable<Uint8Array> | null> {
    requireKey(key);
    requireRange(range);
    throwIfAborted(signal);
    const info = await this.#client.head(key, signal);
    return info && this.#download.read(info, range, signal);
  }

  async head(key: string, { signal }: OperationOptions = {}): Promise<ObjectInfo | null> {
    requireKey(key);
    throwIfAborted(signal);
    const info = await this.#client.head(key, signal);
    return info && { key, size: info.size, modifiedAt: info.modifiedAt };
  }

  async list(prefix: string, { signal, ...page }: ListOptions = {}): Promise<ListPage> {
    requirePrefix(prefix);
    const { limit } = requirePage(page);
    throwIfAborted(signal);
    return this.#listing.page({ prefix, after: page.after, limit, signal });
  }

  async copy(from: string, to: string, { signal }: OperationOptions = {}): Promise<void> {
    requireKey(from);
    requireKey(to);
    throwIfAborted(signal);
    // Onto itself there is nothing to do, and storage services differ about it.
    const found = from === to ? await this.#client.head(from, signal) : await this.#client.copy(from, to, signal);
    if (!found) throw new AppError('not-found', `There is no object ${from} to copy.`);
  }

  async delete(keys: readonly string[], { signal }: OperationOptions = {}): Promise<void> {
    for (const key of keys) requireKey(key);
    throwIfAborted(signal);
    const distinct = [...new Set(keys)];
    for (let index = 0; index < distinct.length; index += keysPerDelete) {
      try {
        await this.#client.delete(distinct.slice(index, index + keysPerDelete), signal);
      } catch (error) {
        throw index === 0 ? error : halfway(error);
      }
    }
  }
}

function halfway(cause: unknown): AppError {
  return new AppError('indeterminate', 'Some of the objects are gone, and others may not be.', {
    cause,
    hint: 'Delete them again; that is harmless.',
  });
}
