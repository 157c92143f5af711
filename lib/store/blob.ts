import { AppError, isAppError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import { BlobClient } from './blob/client.ts';
import { type BlobCredentials, storeIdOf } from './blob/credentials.ts';
import type { BlobAccess } from './blob/errors.ts';
import { BlobReading } from './blob/reading.ts';
import { type Driver, inBatches, type PageRequest, storeOf } from './driver.ts';
import { compareKeys, isKey } from './keys.ts';
import { sendParts } from './parts.ts';
import type { Signal } from './signal.ts';
import type { Body, ByteRange, CreateOutcome, ListPage, ObjectInfo, Store, StreamBody } from './store.ts';
import type { Meter } from './usage.ts';

export interface BlobStoreOptions {
  readonly credentials: BlobCredentials;
  /** As the store was created. Of a public one, anyone who knows a URL can read. Default `private`. */
  readonly access?: BlobAccess;
  readonly runtime: Runtime;
  /** Called once for every request that left: what the SDK repeats by itself cannot be seen. */
  readonly meter?: Meter;
  /** Streams larger than this are sent in parts of this size; at least 5 MiB on Vercel. Default 8 MiB. */
  readonly partBytes?: number;
  /** How long a request may take, with all its repetitions; one with a body longer, by its size. Default 15,000 ms. */
  readonly patienceMs?: number;
}

export function createBlobStore(options: BlobStoreOptions): Store {
  return storeOf(new BlobDriver(options));
}

const defaultPartBytes = 8 * 1024 * 1024;
const keysPerDelete = 200;
/** Parts on their way at once. undici copies what it sends, so each takes its size in memory twice. */
const parallelParts = 3;

class BlobDriver implements Driver {
  readonly location: string;
  readonly partBytes: number;
  readonly #client: BlobClient;
  readonly #reading: BlobReading;
  readonly #listing: Listing;

  constructor({ credentials, partBytes = defaultPartBytes, ...options }: BlobStoreOptions) {
    const { access = 'private', runtime, meter = () => undefined, patienceMs = 15_000 } = options;
    this.location = `vercel blob ${storeIdOf(credentials)}`;
    this.partBytes = partBytes;
    this.#client = new BlobClient({ credentials, location: this.location, access, runtime, meter, patienceMs });
    this.#reading = new BlobReading(this.#client);
    this.#listing = new Listing(this.#client);
  }

  create(key: string, body: Body, signal: Signal): Promise<CreateOutcome> {
    return body instanceof Uint8Array ? this.#client.put(key, body, signal) : this.#createInParts(key, body, signal);
  }

  /**
   * The API cannot abort an upload; Vercel drops its parts.
   * https://vercel.com/docs/vercel-blob/using-blob-sdk#multipart-uploads
   */
  async #createInParts(key: string, body: StreamBody, signal: Signal): Promise<CreateOutcome> {
    if (await this.#client.head(key, signal)) return 'exists';
    const upload = await this.#client.beginUpload(key, signal);
    if (!upload) return 'exists';
    const sizes = { size: body.size, partBytes: this.partBytes, parallel: parallelParts };
    const parts = await sendParts({ ...sizes, signal }, async (part) =>
      this.#client.uploadPart(upload, part.number, await part.read(body), part.signal),
    );
    return this.#client.completeUpload(upload, parts, signal);
  }

  get(key: string, range: ByteRange | undefined, signal: Signal): Promise<Uint8Array | null> {
    return this.#reading.get(key, range, signal);
  }

  async head(key: string, signal: Signal): Promise<ObjectInfo | null> {
    const info = await this.#client.head(key, signal);
    return info && { key, size: info.size, modifiedAt: info.modifiedAt };
  }

  list(prefix: string, page: PageRequest, signal: Signal) {
    return this.#listing.page({ prefix, ...page, signal });
  }

  copy(from: string, to: string, signal: Signal): Promise<boolean> {
    return this.#client.copy(from, to, signal);
  }

  async delete(keys: readonly string[], signal: Signal): Promise<void> {
    await inBatches(keys, keysPerDelete, signal, (batch) => this.#client.delete(batch, signal));
  }
}

const mostCursors = 16;
const largestPage = 1000;

interface ListRequest extends PageRequest {
  readonly prefix: string;
  readonly signal: Signal;
}

/**
 * The API continues from its own cursors only, not from a key: those of the last pages are kept, otherwise keys are
 * skipped.
 */
class Listing {
  readonly #client: BlobClient;
  /** By prefix and last key: where the service goes on after that key. The oldest comes first. */
  readonly #cursors = new Map<string, string>();

  constructor(client: BlobClient) {
    this.#client = client;
  }

  async page(request: ListRequest): Promise<ListPage> {
    const { prefix, after } = request;
    const cursor = after === undefined ? undefined : this.#cursors.get(placeOf(prefix, after));
    if (cursor === undefined) return this.#walk(request, null);
    try {
      return await this.#walk(request, cursor);
    } catch (error) {
      // How long a cursor lives is not documented.
      if (!isAppError(error, 'invalid')) throw error;
      this.#cursors.delete(placeOf(prefix, after!));
      return this.#walk(request, null);
    }
  }

  async #walk({ prefix, after, limit, isAfter, signal }: ListRequest, start: string | null): Promise<ListPage> {
    // Keys before `after` are skipped in the largest pages; from there on no more is asked for than is wanted.
    const skips = start === null && after !== undefined && compareKeys(after, prefix) >= 0;
    const found: ObjectInfo[] = [];
    let last = '';
    let cursor = start;
    do {
      const size = skips && found.length === 0 ? largestPage : limit - found.length;
      const page = await this.#client.list(prefix, cursor, size, signal);
      for (const info of page.objects) {
        requireNext(info.key, last, prefix);
        last = info.key;
        if (isKey(info.key) && isAfter(info.key)) found.push(info);
      }
      cursor = page.cursor;
    } while (cursor !== null && found.length < limit);
    if (cursor !== null && found.length === limit && found.at(-1)!.key === last) this.#remember(prefix, last, cursor);
    return { objects: found.slice(0, limit), more: found.length > limit || cursor !== null };
  }

  #remember(prefix: string, last: string, cursor: string): void {
    const place = placeOf(prefix, last);
    this.#cursors.delete(place);
    this.#cursors.set(place, cursor);
    if (this.#cursors.size > mostCursors) this.#cursors.delete(this.#cursors.keys().next().value!);
  }
}

function placeOf(prefix: string, after: string): string {
  return `${prefix} ${after}`;
}

function requireNext(key: string, last: string, prefix: string): void {
  if (key.startsWith(prefix) && compareKeys(key, last) > 0) return;
  throw new AppError('corrupt', `Vercel Blob lists ${key} after ${last}, which is not the order of their bytes.`, {
    hint: 'Keys could be missed, so this version of Eider cannot use the listing.',
  });
}
