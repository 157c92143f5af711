/**
 * Lists and reads are strongly consistent (https://cloud.google.com/storage/docs/consistency); `ifGenerationMatch=0`
 * creates once (https://cloud.google.com/storage/docs/request-preconditions).
 */
import { isAppError } from '../errors.ts';
import { deletedHalfway, type Driver, type PageRequest, storeOf } from './driver.ts';
import { expectedBytes, rangeHeader } from './driver/bytes.ts';
import type { GcsCredentials } from './gcs/authorization.ts';
import { type GcsCall, Client, methods } from './gcs/client.ts';
import { field, infoOf, pageOf, GcsRefusal, textOf } from './gcs/errors.ts';
import { requirePartBytes, upload, uploadInParts } from './gcs/session.ts';
import { isKey } from './keys.ts';
import type { Meter } from './usage.ts';
import { type Signal, throwIfAborted } from './signal.ts';
import type { Body, ByteRange, CreateOutcome, ListPage, ObjectInfo, Store } from './store.ts';

export type { GcsCredentials } from './gcs/authorization.ts';

export interface GcsStoreOptions {
  readonly bucket: string;
  /** Base URL of another server of the JSON API, such as an emulator; null for Google's. */
  readonly endpoint: string | null;
  readonly credentials: GcsCredentials;
  readonly meter?: Meter | undefined;
  /** Streams larger than this are sent in parts of this size; a multiple of 256 KiB. Default 8 MiB. */
  readonly partBytes?: number | undefined;
  /** A connection on which nothing moves for so long is closed. Default 30 s. */
  readonly idleMs?: number | undefined;
}

export function createGcsStore(options: GcsStoreOptions): Store {
  return storeOf(new GcsDriver(options));
}

/** Deletes at once: there is no request that deletes many. */
const deleteWidth = 16;

class GcsDriver implements Driver {
  readonly location: string;
  readonly partBytes: number;
  readonly #client: Client;

  constructor({ partBytes = 8 * 1024 * 1024, idleMs = 30_000, meter = () => {}, ...options }: GcsStoreOptions) {
    this.location = `gcs ${options.bucket}`;
    this.partBytes = partBytes;
    this.#client = new Client({ ...options, location: this.location, meter, idleMs });
    requirePartBytes(partBytes);
  }

  create(key: string, body: Body, signal: Signal): Promise<CreateOutcome> {
    return body instanceof Uint8Array
      ? upload(this.#client, key, body, signal)
      : uploadInParts(this.#client, key, body, { partBytes: this.partBytes, signal });
  }

  async get(key: string, range: ByteRange | undefined, signal: Signal): Promise<Uint8Array | null> {
    const headers = range ? { range: rangeHeader(range) } : {};
    const query = { alt: 'media' };
    const call: GcsCall = { ...methods.get, signal, path: this.#client.objectsPath(key), query, headers };
    const answer = await this.#client.ask(call);
    if (answer instanceof GcsRefusal) {
      if (answer.status === 416 && range) return new Uint8Array(0);
      if (await this.#client.isAbsence(answer, signal)) return null;
      throw this.#client.explain(answer, call);
    }
    const { body, header } = answer;
    const contentRange = header('content-range');
    const expected = expectedBytes({ contentRange, contentLength: body.byteLength }, range);
    // Google honours ranges: a whole body is believed only if it is no longer than what was asked for.
    if (expected?.skip === 0 && expected.length === body.byteLength) return body;
    throw this.#client.notUnderstood(call);
  }

  async head(key: string, signal: Signal): Promise<ObjectInfo | null> {
    const query = { fields: 'name,size,timeCreated' };
    const call: GcsCall = { ...methods.get, signal, path: this.#client.objectsPath(key), query };
    const answer = await this.#client.find(call);
    if (!answer) return null;
    const info = infoOf(this.#client.json(answer, call));
    if (info?.key !== key) throw this.#client.notUnderstood(call);
    return info;
  }

  /** A page of Google's may be short, or even empty, though more follow; then the next ones are asked for. */
  async list(prefix: string, { after, limit, isAfter }: PageRequest, signal: Signal): Promise<ListPage> {
    const objects: ObjectInfo[] = [];
    let pageToken: string | null = null;
    do {
      const query: Record<string, string> = {
        maxResults: String(limit - objects.length),
        fields: 'kind,nextPageToken,items(name,size,timeCreated)',
        ...(prefix === '' ? {} : { prefix }),
        // Begins at this name, itself included; no character of a key comes before `-`, so this is the next one.
        ...(after === undefined ? {} : { startOffset: `${after}!` }),
        ...(pageToken === null ? {} : { pageToken }),
      };
      const call: GcsCall = { ...methods.list, signal, path: this.#client.objectsPath(), query };
      const page = pageOf(this.#client.json(await this.#client.demand(call), call));
      if (!page) throw this.#client.notUnderstood(call);
      // Other programs may keep objects beside ours that no key of ours can name, such as the console's folders.
      objects.push(...page.objects.filter(({ key }) => isKey(key) && isAfter(key)));
      pageToken = page.nextPageToken;
    } while (pageToken !== null && objects.length < limit);
    return { objects, more: pageToken !== null };
  }

  async copy(from: string, to: string, signal: Signal): Promise<boolean> {
    const path = this.#client.rewritePath(from, to);
    for (let token: string | null = null; ;) {
      throwIfAborted(signal);
      const query: Record<string, string> = {
        fields: 'kind,done,rewriteToken',
        ...(token === null ? {} : { rewriteToken: token }),
      };
      const call: GcsCall = { ...methods.rewrite, signal, path, query, commits: true };
      const answer = await this.#client.find(call);
      if (!answer) return false;
      const step = this.#client.json(answer, call);
      if (field(step, 'done') === true) return true;
      token = textOf(field(step, 'rewriteToken'));
      if (token === null) throw this.#client.notUnderstood(call);
    }
  }

  async delete(keys: readonly string[], signal: Signal): Promise<void> {
    const left = [...keys];
    const failures: unknown[] = [];
    let removed = 0;
    const worker = async (): Promise<void> => {
      for (let key = left.pop(); key !== undefined && failures.length === 0; key = left.pop()) {
        throwIfAborted(signal);
        const call: GcsCall = { ...methods.delete, signal, path: this.#client.objectsPath(key), commits: true };
        if (await this.#client.find(call)) removed++;
      }
    };
    const workers = Array.from({ length: deleteWidth }, () => worker().catch((error: unknown) => failures.push(error)));
    await Promise.all(workers);
    if (failures.length > 0) throw worst(failures, removed > 0);
  }
}

/** `unavailable` only if nothing happened. */
function worst(failures: readonly unknown[], removedAny: boolean): unknown {
  const [first] = failures;
  const unknown = failures.find((error) => !isAppError(error) || error.kind === 'indeterminate');
  if (unknown !== undefined) return unknown;
  return removedAny && isAppError(first, 'unavailable') ? deletedHalfway(first) : first;
}
