/**
 * The log as a feed: what each commit changed, from a version on.
 *
 * Owns: which records may still be asked for, and how many go into one page. Knows nothing of HTTP. The worst that can
 * happen: a feed with a hole in it; so a page ends before the first record that is absent, and each record in it
 * continues the one before.
 */
import { AppError } from '../errors.ts';
import type { SyncContext } from './context.ts';
import { fetchRecord, type StoredRecord } from './log.ts';
import type { LogRecord } from './record.ts';

export interface FeedPage {
  /** Oldest first, without a gap; the first one follows the version that was asked for. */
  readonly records: readonly LogRecord[];
  /** Least version after which the feed can be read: the records up to it are dropped. */
  readonly oldest: number;
}

export interface FeedRequest {
  readonly after: number;
  /** Where the log ends. */
  readonly head: number;
  /** Most records. */
  readonly limit: number;
  readonly signal: AbortSignal | undefined;
}

/** Records of one page weigh no more than this, unless it is a single one. */
const maxPageBytes = 4 * 1024 * 1024;
const parallelReads = 8;
/** How long a look at the beginning of the log is believed: records are dropped a day after they were written. */
const oldestForMs = 600_000;

export class Feed {
  readonly #context: SyncContext;
  #oldest: { readonly version: number; readonly atMs: number } | null = null;

  constructor(context: SyncContext) {
    this.#context = context;
  }

  /** The records after `after`. None when it is at or beyond the head, or below the page's `oldest`. */
  async read(request: FeedRequest): Promise<FeedPage> {
    const records = await this.#fetch(request);
    // A record that should be there and is not was dropped: what was known of the beginning is out of date.
    const isMissing = records.length === 0 && request.after < request.head;
    if (isMissing) this.#oldest = null;
    const oldest = await this.#findOldest(request.head);
    if (isMissing && request.after >= oldest) throw beingDropped(request.after + 1);
    return { records: request.after < oldest ? [] : records, oldest };
  }

  async #fetch({ after, head, limit, signal }: FeedRequest): Promise<LogRecord[]> {
    const last = Math.min(head, after + limit);
    const records: LogRecord[] = [];
    let bytes = 0;
    for (let next = after + 1; next <= last; next += parallelReads) {
      signal?.throwIfAborted();
      for (const found of await this.#fetchSome(next, Math.min(parallelReads, last - next + 1))) {
        bytes += found?.bytes ?? 0;
        if (!found || (records.length > 0 && bytes > maxPageBytes)) return records;
        requireChain(records.at(-1), found.record);
        records.push(found.record);
      }
    }
    return records;
  }

  #fetchSome(first: number, count: number): Promise<(StoredRecord | null)[]> {
    return Promise.all(Array.from({ length: count }, (_, index) => fetchRecord(this.#context, first + index)));
  }

  /** Asks the store for its first record, seldom. */
  async #findOldest(head: number): Promise<number> {
    const { runtime, store, layout } = this.#context;
    const nowMs = runtime.monotonicMs();
    if (!this.#oldest || nowMs - this.#oldest.atMs > oldestForMs) {
      const { objects } = await store.list(layout.logPrefix, { limit: 10 });
      const first = objects.map(({ key }) => layout.recordVersion(key)).find((version) => version !== null);
      this.#oldest = { version: first === undefined ? head : first - 1, atMs: nowMs };
    }
    return this.#oldest.version;
  }
}

/** Records are dropped many at a time, and not all in one moment. */
function beingDropped(version: number): AppError {
  return new AppError('unavailable', `Record ${version} is gone while older ones are still listed.`, {
    retryAfterMs: 1000,
  });
}

function requireChain(before: LogRecord | undefined, record: LogRecord): void {
  if (!before || record.previous === before.id) return;
  throw new AppError('corrupt', `Record ${record.version} does not continue record ${before.version}.`);
}
