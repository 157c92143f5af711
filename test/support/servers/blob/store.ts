/** One Blob store in memory: objects, unfinished uploads, and the CDN's copies of what was replaced. */
import { createHash, randomBytes } from 'node:crypto';

export interface StoredBlob {
  readonly pathname: string;
  readonly bytes: Buffer;
  readonly contentType: string;
  readonly cacheControl: string;
  readonly etag: string;
  readonly uploadedAt: Date;
}

export interface UploadedPart {
  readonly bytes: Buffer;
  readonly etag: string;
}

interface Upload {
  readonly pathname: string;
  readonly parts: Map<number, UploadedPart>;
}

export interface TestBlobStoreOptions {
  readonly id: string;
  readonly access: 'private' | 'public';
  readonly now: () => number;
}

/** What the service does to every request that concerns the store. */
export type StoreMood =
  | { readonly kind: 'well' }
  | { readonly kind: 'suspended' }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'unavailable' }
  | { readonly kind: 'rate-limited'; readonly retryAfterSeconds?: number }
  | { readonly kind: 'token-expired' }
  | { readonly kind: 'environment-not-allowed' }
  /** Refuses in a way of its own. */
  | { readonly kind: 'refusing'; readonly status: number; readonly code: string; readonly message: string };

export class TestBlobStore {
  readonly id: string;
  readonly access: 'private' | 'public';
  readonly token: string;
  /** Tokens of projects that are connected to this store. */
  readonly oidcTokens = new Set<string>();
  mood: StoreMood = { kind: 'well' };
  /** How long the CDN may go on serving what was replaced or deleted. */
  staleMs = 60_000;
  /** Whether the CDN compresses for those who do not ask for identity; their tags are weak then. */
  compresses = true;
  /** Whether its tags are weak for everybody. */
  weakensTags = false;
  /** Whether the beginning of an upload is refused when the object is there. The end always is. */
  refusesUploadsEarly = false;
  /** The smallest part but the last. */
  leastPartBytes = 5 * 1024 * 1024;
  readonly #now: () => number;
  readonly #objects = new Map<string, StoredBlob>();
  readonly #uploads = new Map<string, Upload>();
  readonly #replaced = new Map<string, { readonly blob: StoredBlob; readonly untilMs: number }>();
  #versions = 0;

  constructor({ id, access, now }: TestBlobStoreOptions) {
    this.id = id;
    this.access = access;
    this.token = `vercel_blob_rw_${id}_${randomBytes(12).toString('hex')}`;
    this.#now = now;
  }

  get host(): string {
    return `${this.id.toLowerCase()}.${this.access}.blob.vercel-storage.com`;
  }

  get unfinishedUploads(): number {
    return this.#uploads.size;
  }

  find(pathname: string): StoredBlob | null {
    return this.#objects.get(pathname) ?? null;
  }

  /** What the CDN holds: for a while, the worst that it may. */
  findCached(pathname: string): StoredBlob | null {
    const replaced = this.#replaced.get(pathname);
    return replaced && this.#now() < replaced.untilMs ? replaced.blob : this.find(pathname);
  }

  keep(pathname: string, bytes: Buffer, { contentType, maxAge }: { contentType: string; maxAge: number }): StoredBlob {
    this.#replace(pathname);
    const hash = createHash('md5').update(bytes).update(`${this.#versions++}`);
    const stored: StoredBlob = {
      pathname,
      bytes,
      contentType,
      cacheControl: `${this.access}, max-age=${maxAge}`,
      etag: `"${hash.digest('hex')}"`,
      uploadedAt: new Date(this.#now()),
    };
    this.#objects.set(pathname, stored);
    return stored;
  }

  delete(pathname: string): void {
    this.#replace(pathname);
    this.#objects.delete(pathname);
  }

  /** All objects whose names begin so, in the order of their bytes. */
  list(prefix: string): StoredBlob[] {
    const found = [...this.#objects.values()].filter(({ pathname }) => pathname.startsWith(prefix));
    return found.toSorted((a, b) => Buffer.compare(Buffer.from(a.pathname), Buffer.from(b.pathname)));
  }

  beginUpload(pathname: string): { readonly uploadId: string; readonly key: string } {
    const uploadId = randomBytes(8).toString('hex');
    this.#uploads.set(uploadId, { pathname, parts: new Map() });
    return { uploadId, key: `${this.id}/ä/${pathname}` };
  }

  findUpload(uploadId: string, key: string, pathname: string): Upload | null {
    const upload = this.#uploads.get(uploadId);
    return upload?.pathname === pathname && key === `${this.id}/ä/${pathname}` ? upload : null;
  }

  endUpload(uploadId: string): void {
    this.#uploads.delete(uploadId);
  }

  #replace(pathname: string): void {
    const blob = this.#objects.get(pathname);
    const replaced = this.#replaced.get(pathname);
    if (!blob || (replaced && this.#now() < replaced.untilMs)) return;
    this.#replaced.set(pathname, { blob, untilMs: this.#now() + this.staleMs });
  }
}
