/** The store on Vercel Blob. The SDK reads one variable by itself: VERCEL_BLOB_RETRIES, how often it repeats a request. */
import type { Runtime } from '../runtime.ts';
import { BlobClient } from './blob/client.ts';
import { type BlobCredentials, storeIdOf } from './blob/credentials.ts';
import type { BlobAccess } from './blob/errors.ts';
import { Listing } from './blob/listing.ts';
import { Reading } from './blob/reading.ts';
import { type Driver, inBatches, type PageRequest, storeOf } from './driver.ts';
import type { Meter } from './usage.ts';
import { sendParts } from './parts.ts';
import type { Body, ByteRange, CreateOutcome, ObjectInfo, Store, StreamBody } from './store.ts';
import type { Signal } from './signal.ts';

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
  readonly #reading: Reading;
  readonly #listing: Listing;

  constructor({ credentials, partBytes = defaultPartBytes, ...options }: BlobStoreOptions) {
    const { access = 'private', runtime, meter = () => undefined, patienceMs = 15_000 } = options;
    this.location = `vercel blob ${storeIdOf(credentials)}`;
    this.partBytes = partBytes;
    this.#client = new BlobClient({ credentials, location: this.location, access, runtime, meter, patienceMs });
    this.#reading = new Reading(this.#client);
    this.#listing = new Listing(this.#client);
  }

  create(key: string, body: Body, signal: Signal): Promise<CreateOutcome> {
    return body instanceof Uint8Array ? this.#client.put(key, body, signal) : this.#createInParts(key, body, signal);
  }

  /**
   * Nothing is visible until the upload is completed. The API has no call to abort one: parts of a failed upload stay
   * with Vercel until it drops them. https://vercel.com/docs/vercel-blob/using-blob-sdk#multipart-uploads
   */
  async #createInParts(key: string, body: StreamBody, signal: Signal): Promise<CreateOutcome> {
    // A large body is not sent in vain.
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
