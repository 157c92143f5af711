/** The log as a feed: what each commit changed, from a version on. */
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
    const { records, gap } = await this.#fetch(request);
    // An expected record is absent, so it was dropped: the known beginning is out of date.
    if (gap !== null) await this.#learnOldest(gap, request.head);
    const oldest = await this.#findOldest(request.head);
    if (gap !== null && request.after >= oldest) throw beingDropped(request.after + 1);
    return { records: request.after < oldest ? [] : records, oldest };
  }

  /** One page; and the first version, up to the one after it, whose record is absent or does not continue the one before. */
  async #fetch({ after, head, limit, signal }: FeedRequest): Promise<{ records: LogRecord[]; gap: Gap | null }> {
    const last = Math.min(head, after + limit + 1);
    const records: LogRecord[] = [];
    let bytes = 0;
    for (let next = after + 1; next <= last; next += parallelReads) {
      signal?.throwIfAborted();
      const some = await this.#fetchSome(next, Math.min(parallelReads, last - next + 1));
      for (const [index, found] of some.entries()) {
        if (!found) return { records: [], gap: { version: next + index, isAbsent: true } };
        const before = records.at(-1);
        if (before && found.record.previous !== before.id)
          return { records: [], gap: { version: next + index, isAbsent: false } };
        bytes += found.bytes;
        if (records.length === limit || (before && bytes > maxPageBytes)) return { records, gap: null };
        records.push(found.record);
      }
    }
    return { records, gap: null };
  }

  #fetchSome(first: number, count: number): Promise<(StoredRecord | null)[]> {
    return Promise.all(Array.from({ length: count }, (_, index) => fetchRecord(this.#context, first + index)));
  }

  /** The feed begins where a gap ends. */
  async #learnOldest({ version, isAbsent }: Gap, head: number): Promise<void> {
    const after = this.#context.layout.recordKey(version);
    const oldest = isAbsent ? await this.#firstListed(head, { after }) : version - 1;
    this.#oldest = { version: oldest, atMs: this.#context.runtime.monotonicMs() };
  }

  /** Asks the store for its first record, seldom. */
  async #findOldest(head: number): Promise<number> {
    const nowMs = this.#context.runtime.monotonicMs();
    if (!this.#oldest || nowMs - this.#oldest.atMs > oldestForMs)
      this.#oldest = { version: await this.#firstListed(head), atMs: nowMs };
    return this.#oldest.version;
  }

  /** The version before the first record that the store lists. */
  async #firstListed(head: number, from: { readonly after?: string } = {}): Promise<number> {
    const { store, layout } = this.#context;
    const { objects } = await store.list(layout.logPrefix, { limit: 10, ...from });
    const first = objects.map(({ key }) => layout.recordVersion(key)).find((version) => version !== null);
    return first === undefined ? head : first - 1;
  }
}

/** A version whose record is absent or does not continue the one before it. */
interface Gap {
  readonly version: number;
  readonly isAbsent: boolean;
}

/** Records are dropped many at a time, and not all in one moment. */
function beingDropped(version: number): AppError {
  return new AppError('unavailable', `Record ${version} is missing although older ones are still listed.`, {
    retryAfterMs: 1000,
  });
}
