/**
 * The store on a bucket of Google Cloud Storage.
 *
 * Owns: the contract's operations as requests of the JSON API. Google orders everything: its lists and reads are
 * strongly consistent (https://cloud.google.com/storage/docs/consistency), and `ifGenerationMatch=0` creates for one
 * only (https://cloud.google.com/storage/docs/request-preconditions). Tries again neither reads nor whole writes; who
 * wants that wraps it. Must not know what the objects mean. The worst that can happen: 'absent' or 'created' said by
 * something that is not the bucket; so each answer has to look like the API's.
 */
import { AppError, isAppError } from '../errors.ts';
import type { GcsCredentials } from './gcs/authorization.ts';
import { type Call, Client } from './gcs/client.ts';
import { chunksOf, openMedia, wholeOf } from './gcs/media.ts';
import { methods } from './gcs/methods.ts';
import { infoOf, pageOf } from './gcs/objects.ts';
import { Uploads } from './gcs/uploads.ts';
import { isKey, requireKey, requirePage, requirePrefix } from './keys.ts';
import type { Meter } from './meter.ts';
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

export type { GcsCredentials } from './gcs/authorization.ts';

export interface GcsStoreOptions {
  readonly bucket: string;
  /** Base URL of another server of the JSON API, such as an emulator; null for Google's. */
  readonly endpoint: string | null;
  readonly credentials: GcsCredentials;
  /** Only for credentials that do not name their project. */
  readonly projectId?: string | undefined;
  readonly meter?: Meter | undefined;
  /** Streams larger than this are sent in parts of this size; a multiple of 256 KiB. Default 8 MiB. */
  readonly partBytes?: number | undefined;
  /** A connection on which nothing moves for so long is given up. Default 30 s. */
  readonly idleMs?: number | undefined;
}

export function createGcsStore(options: GcsStoreOptions): Store {
  return new GcsStore(options);
}

/** Deletes at once: there is no request that deletes many. */
const deleteWidth = 16;

class GcsStore implements Store {
  readonly location: string;
  readonly #client: Client;
  readonly #uploads: Uploads;

  constructor({ partBytes = 8 * 1024 * 1024, idleMs = 30_000, meter = () => {}, ...options }: GcsStoreOptions) {
    this.#client = new Client({ ...options, meter, idleMs });
    this.#uploads = new Uploads(this.#client, partBytes);
    this.location = `gcs ${options.bucket}`;
  }

  async create(key: string, body: Body, { signal }: OperationOptions = {}): Promise<CreateOutcome> {
    requireKey(key);
    throwIfAborted(signal);
    return this.#uploads.create(key, body, signal);
  }

  async get(key: string, options: GetOptions = {}): Promise<Uint8Array | null> {
    const { range, signal } = options;
    requireKey(key);
    requireRange(range);
    throwIfAborted(signal);
    // No range of HTTP is empty.
    if (range && range.start === range.end) return (await this.head(key, options)) && new Uint8Array(0);
    const media = await openMedia(this.#client, key, range, signal);
    return media && wholeOf(media);
  }

  async read(key: string, options: GetOptions = {}): Promise<AsyncIterable<Uint8Array> | null> {
    const { range, signal } = options;
    requireKey(key);
    requireRange(range);
    throwIfAborted(signal);
    if (range && range.start === range.end) return (await this.head(key, options)) && nothing();
    const media = await openMedia(this.#client, key, range, signal);
    return media && chunksOf(media);
  }

  async head(key: string, { signal }: OperationOptions = {}): Promise<ObjectInfo | null> {
    requireKey(key);
    throwIfAborted(signal);
    const call: Call = {
      ...methods.get,
      signal,
      path: this.#client.objectsPath(key),
      query: { fields: 'name,size,timeCreated' },
    };
    const answer = await this.#client.find(call);
    if (!answer) return null;
    const info = infoOf(await this.#client.json(answer, call));
    if (info?.key !== key) throw this.#client.notUnderstood(call);
    return info;
  }

  /** A page of Google's may be short, or even empty, though more follow; then the next ones are asked for. */
  async list(prefix: string, { signal, ...options }: ListOptions = {}): Promise<ListPage> {
    requirePrefix(prefix);
    const { limit, isAfter } = requirePage(options);
    throwIfAborted(signal);
    const objects: ObjectInfo[] = [];
    let pageToken: string | null = null;
    do {
      const page = await this.#page(prefix, options.after, limit - objects.length, pageToken, signal);
      // Other programs may keep objects beside ours that no key of ours can name, such as the console's folders.
      objects.push(...page.objects.filter(({ key }) => isKey(key) && isAfter(key)));
      pageToken = page.nextPageToken;
    } while (pageToken !== null && objects.length < limit);
    return { objects, more: pageToken !== null };
  }

  async copy(from: string, to: string, { signal }: OperationOptions = {}): Promise<void> {
    requireKey(from);
    requireKey(to);
    throwIfAborted(signal);
    let token: string | null = null;
    do {
      throwIfAborted(signal);
      token = await this.#rewrite(from, to, token, signal);
    } while (token !== null);
  }

  async delete(keys: readonly string[], { signal }: OperationOptions = {}): Promise<void> {
    for (const key of keys) requireKey(key);
    throwIfAborted(signal);
    const left = [...new Set(keys)];
    const failures: unknown[] = [];
    let removed = 0;
    const worker = async (): Promise<void> => {
      for (let key = left.pop(); key !== undefined && failures.length === 0; key = left.pop()) {
        if (await this.#remove(key, signal)) removed++;
      }
    };
    const workers = Array.from({ length: deleteWidth }, () => worker().catch((error: unknown) => failures.push(error)));
    await Promise.all(workers);
    if (failures.length > 0) throw halfway(failures, removed > 0);
  }

  async #page(
    prefix: string,
    after: string | undefined,
    limit: number,
    pageToken: string | null,
    signal?: AbortSignal,
  ) {
    const call: Call = {
      ...methods.list,
      signal,
      path: this.#client.objectsPath(),
      query: {
        maxResults: String(limit),
        fields: 'kind,nextPageToken,items(name,size,timeCreated)',
        ...(prefix === '' ? {} : { prefix }),
        // Begins at this name, itself included; no character of a key comes before `-`, so this is the next one.
        ...(after === undefined ? {} : { startOffset: `${after}!` }),
        ...(pageToken === null ? {} : { pageToken }),
      },
    };
    const page = pageOf(await this.#client.json(await this.#client.demand(call), call));
    if (!page) throw this.#client.notUnderstood(call);
    return page;
  }

  /** One step of a copy within Google; a token when there are more. Nothing is visible before the last. */
  async #rewrite(from: string, to: string, token: string | null, signal?: AbortSignal): Promise<string | null> {
    const call: Call = {
      ...methods.rewrite,
      signal,
      path: `${this.#client.objectsPath(from)}/rewriteTo/b/${encodeURIComponent(this.#client.bucket)}/o/${encodeURIComponent(to)}`,
      query: { fields: 'kind,done,rewriteToken', ...(token === null ? {} : { rewriteToken: token }) },
      commits: true,
    };
    const answer = await this.#client.find(call);
    if (!answer) throw new AppError('not-found', `There is no object ${from} to copy.`);
    const step = await this.#client.json(answer, call);
    if (Reflect.get(step, 'done') === true) return null;
    const next: unknown = Reflect.get(step, 'rewriteToken');
    if (typeof next !== 'string') throw this.#client.notUnderstood(call);
    return next;
  }

  /** False when it was absent already. */
  async #remove(key: string, signal: AbortSignal | undefined): Promise<boolean> {
    throwIfAborted(signal);
    const call: Call = {
      ...methods.delete,
      signal,
      path: this.#client.objectsPath(key),
      commits: true,
    };
    const answer = await this.#client.find(call);
    if (answer) await this.#client.finish(answer);
    return answer !== null;
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** What to say of several deletes of which some failed: `unavailable` only if nothing happened. */
function halfway(failures: readonly unknown[], removedAny: boolean): unknown {
  const unknown = failures.find((error) => !isAppError(error) || error.kind === 'indeterminate');
  const [first] = failures;
  if (unknown !== undefined || !removedAny || !isAppError(first, 'unavailable')) return unknown ?? first;
  return new AppError('indeterminate', 'The operation failed halfway; some objects are gone, and some may not be.', {
    cause: first,
    ...(first.hint === undefined ? {} : { hint: first.hint }),
  });
}
