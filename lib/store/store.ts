/** What Eider asks of the place where objects live; lib/testing/conformance.ts holds every driver and wrapper to it. */

/** Half-open byte range `[start, end)`: whole numbers, `0 <= start <= end`; any other is refused with `invalid`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * A body that is too large to hold in memory. `open` may be called many times and for any part, so that a driver can
 * retry and upload parts. If the iteration throws, the write fails with that error and no object becomes visible.
 */
export interface StreamBody {
  readonly size: number;
  open(range: ByteRange): AsyncIterable<Uint8Array>;
}

export type Body = Uint8Array | StreamBody;

export interface ObjectInfo {
  readonly key: string;
  readonly size: number;
  readonly modifiedAt: Date;
}

/** `exists` says that some object has the key already; it may be our own earlier attempt, so the caller reads it back. */
export type CreateOutcome = 'created' | 'exists';

export interface OperationOptions {
  /**
   * Aborts the operation: it ends with an `AppError`. A write that is aborted may still have taken effect: then the
   * error's kind is `indeterminate`; it is `unavailable` only where the store knows that nothing happened, as when the
   * signal was aborted before the call.
   */
  readonly signal?: AbortSignal;
}

export interface GetOptions extends OperationOptions {
  /** Only these bytes; `start` and `end` may lie past the object's end, beyond which there is nothing. */
  readonly range?: ByteRange;
}

export interface ListOptions extends OperationOptions {
  /** Only keys strictly greater than this one, in byte order. A key, or the beginning of one. */
  readonly after?: string;
  /** At most so many (default and maximum 1,000); a whole number from 1 on. */
  readonly limit?: number;
}

export interface ListPage {
  /** Ascending in byte order of the keys. */
  readonly objects: readonly ObjectInfo[];
  /** Whether more keys may follow the last of `objects` (then there is one); if so, ask again with `after` set to it. */
  readonly more: boolean;
}

/**
 * Guarantees of every store:
 *
 * 1. `create` is atomic and has one winner: of any number of concurrent calls for one absent key, in any number of
 *    processes, exactly one answers `created` and its bytes are the object's. All others answer `exists`.
 * 2. No reader ever sees part of an object: it is absent, or whole. Also after a crash of the writer.
 * 3. What `create` or `copy` acknowledged survives a crash of this process and machine (as far as the store is durable),
 *    and every later `get`, `head` and `list`, from anywhere, sees it.
 * 4. `null` (get, head) means that the store said that there is no such object. Every other failure throws an
 *    `AppError`: `unavailable`, `denied`, `invalid`, `corrupt`, or, for a write whose outcome is not known, `indeterminate`.
 * 5. Keys are `/`-separated segments of `[A-Za-z0-9._-]`, none empty, `.`, `..` or over 255 bytes; at most 900 bytes in
 *    all. Any other key is refused with `invalid` before anything is sent.
 * 6. Bytes handed out are plain `Uint8Array`s and the caller's own: what he does to them changes nothing here. A body
 *    handed in is not changed until the call ends, and is not needed after it.
 *
 * Some stores cannot hold both `a` and `a/b`. They refuse whatever touches the one that came second, and say neither
 * `exists` nor that it is absent.
 */
export interface Store {
  /** What an operator calls this store, without secrets: `directory /mnt/data`, `s3 my-bucket (eu-west-1)`. */
  readonly location: string;

  /** Creates the object if, and only if, the key is absent. */
  create(key: string, body: Body, options?: OperationOptions): Promise<CreateOutcome>;

  /** The whole object, or the part in `range`, in memory. */
  get(key: string, options?: GetOptions): Promise<Uint8Array | null>;

  /** Whether the object is there, and its size. Always the store's current word, never a cache's. */
  head(key: string, options?: OperationOptions): Promise<ObjectInfo | null>;

  /** One page of the objects whose keys start with `prefix` (a plain string prefix, not a folder). Not for the hot path. */
  list(prefix: string, options?: ListOptions): Promise<ListPage>;

  /**
   * Copies `from` over `to`, within the store where it can. The one operation that overwrites: readers of `to` see the
   * old object or the new one, whole. `not-found` if `from` is absent. Repeating it is harmless.
   */
  copy(from: string, to: string, options?: OperationOptions): Promise<void>;

  /** Removes the objects. A key that is absent already is no error. Repeating it is harmless. */
  delete(keys: readonly string[], options?: OperationOptions): Promise<void>;
}

export async function listAll(
  store: Pick<Store, 'list'>,
  prefix: string,
  options: OperationOptions = {},
): Promise<ObjectInfo[]> {
  const objects: ObjectInfo[] = [];
  for (let after: string | undefined; ;) {
    const page = await store.list(prefix, { ...options, ...(after === undefined ? {} : { after }) });
    objects.push(...page.objects);
    after = page.objects.at(-1)?.key;
    if (!page.more || after === undefined) return objects;
  }
}
