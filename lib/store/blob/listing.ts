/**
 * Pages of keys. The API goes on from its own cursors alone, never after a key: for who pages through, the cursor that
 * came with the last page is kept; for anyone else all keys before are skipped, a thousand at a time.
 */
import { AppError, isAppError } from '../../errors.ts';
import type { PageRequest } from '../driver.ts';
import { compareKeys, isKey } from '../keys.ts';
import type { ListPage, ObjectInfo } from '../store.ts';
import type { BlobClient } from './client.ts';
import type { Signal } from '../signal.ts';

const mostCursors = 16;
const largestPage = 1000;

interface ListRequest extends PageRequest {
  readonly prefix: string;
  readonly signal: Signal;
}

export class Listing {
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

/** Neither has a blank. */
function placeOf(prefix: string, after: string): string {
  return `${prefix} ${after}`;
}

function requireNext(key: string, last: string, prefix: string): void {
  if (key.startsWith(prefix) && compareKeys(key, last) > 0) return;
  throw new AppError('corrupt', `Vercel Blob lists ${key} after ${last}, which is not the order of their bytes.`, {
    hint: 'Keys could be missed; this version of Eider cannot work on such a listing.',
  });
}
