/**
 * A write is answered once it has succeeded on the draft and is durable in a fallback's store. If storing one fails,
 * the draft is discarded.
 */
import type { Catalog } from '../../catalog/catalog.ts';
import { AppError, isAppError } from '../../errors.ts';
import type { Runtime } from '../../runtime.ts';
import { withinTime } from '../../store/time-limit.ts';
import type { Turn } from '../../sync/turn.ts';
import type { PlainValue } from '../../values.ts';
import type { Work } from '../database.ts';
import type { Draft } from '../duckdb/local-copy.ts';
import type { Base } from './base.ts';
import { type Commands, findSettled } from './drain.ts';
import type { BackendLink } from './link.ts';
import type { PendingLog } from './pending-log.ts';
import type { PendingWrite } from './pending-write.ts';

export interface StandbyOptions {
  readonly base: Base;
  readonly pending: PendingLog;
  readonly runtime: Runtime;
  readonly commands: Commands;
  /** Everything that touches the draft takes it; so does draining. */
  readonly turn: Turn;
}

export interface KeptRead<T> {
  readonly value: T;
  readonly link: BackendLink;
}

interface Queued {
  readonly work: Work<unknown>;
  readonly command: PlainValue;
  readonly resolve: (kept: KeptRead<never>) => void;
  readonly reject: (error: unknown) => void;
}

/** A query on the draft keeps all others waiting: it gets less time than one on a replica. In ms. */
const draftReadMs = 5000;
const mostTogether = 32;

export class Standby {
  readonly base: Base;
  readonly #options: StandbyOptions;
  #draft: Draft | null = null;
  #applied = new Set<string>();
  #newest = '';
  /** Those that the draft could not take: the primary decides on them. */
  readonly #unfit = new Set<string>();
  #edition = -1;
  #queue: Queued[] = [];
  isClosed = false;

  constructor(options: StandbyOptions) {
    this.base = options.base;
    this.#options = options;
  }

  async read<T>(work: Work<T>, signal?: AbortSignal): Promise<T> {
    const { pending, runtime, turn } = this.#options;
    await pending.refresh();
    const asCopy = onCopy(work);
    if (pending.size === 0) return this.base.copy.read(asCopy, signal).catch(this.throwUnknown);
    return turn.take(async () => {
      this.#requireOpen();
      const draft = await this.#upToDate();
      // Not the client's signal: an interrupted query takes the draft with it.
      return withinTime(runtime, draftReadMs, (late) => draft.read(asCopy, late)).catch(this.throwUnknown);
    });
  }

  /** Pending writes change rows alone. */
  catalog(): Promise<Catalog> {
    return this.base.copy.read(onCopy((_queries, { catalog }) => Promise.resolve(catalog)));
  }

  async write<T>(work: Work<T>, command: PlainValue): Promise<KeptRead<T>> {
    const { pending, turn } = this.#options;
    await pending.refresh();
    return new Promise((resolve, reject) => {
      this.#queue.push({ work, command, resolve: resolve, reject });
      void turn.take(() => this.#settleQueue());
    });
  }

  async #settleQueue(): Promise<void> {
    const together = this.#queue.splice(0, mostTogether);
    try {
      this.#requireOpen();
      await this.#settle(together);
    } catch (error) {
      for (const { reject } of together) reject(error);
    }
  }

  async #settle(together: readonly Queued[]): Promise<void> {
    const tried: { readonly queued: Queued; readonly write: PendingWrite; readonly value: unknown }[] = [];
    for (const queued of together) {
      try {
        this.#options.pending.requireRoom();
        const draft = await this.#upToDate(tried.map(({ write }) => write));
        const value = await draft.write(onCopy(queued.work));
        const write = this.#options.pending.draw(this.#options.commands.fix(queued.command, value));
        this.#note(write);
        tried.push({ queued, write, value });
      } catch (error) {
        queued.reject(this.#clientError(error, true));
      }
    }
    const kept = await Promise.allSettled(tried.map(({ write }) => this.#options.pending.keep(write)));
    for (const [index, outcome] of kept.entries()) {
      const { queued, value } = tried[index]!;
      if (outcome.status === 'fulfilled') queued.resolve({ value: value as never, link: outcome.value });
      else queued.reject(outcome.reason);
    }
    if (kept.some(({ status }) => status === 'rejected')) await this.forgetDraft();
  }

  /** A table that the copy lacks may exist on the primary; so may a row, if the copy was never the primary's. */
  #clientError(error: unknown, isWrite: boolean): unknown {
    const mayBeThere =
      isAppError(error, 'not-found', 'invalid') && (error.sqlState === '42P01' || (isWrite && !this.base.isPrimarys));
    if (!mayBeThere) return error;
    return new AppError(
      'unavailable',
      'The database is unavailable, and its standby does not have what was asked for.',
      {
        cause: error,
        retryAfterMs: 5000,
      },
    );
  }

  throwUnknown = (error: unknown): never => {
    throw this.#clientError(error, false);
  };

  /** The draft with all pending writes in it; `unkept` are those that are not in the log yet. */
  async #upToDate(unlogged: readonly PendingWrite[] = []): Promise<Draft> {
    const { pending } = this.#options;
    for (;;) {
      const edition = pending.edition;
      if (this.#draft?.isSound && this.#edition === edition) return this.#draft;
      const all = new Map([...pending.writes, ...unlogged].map((write) => [write.id, write]));
      const missing = [...all.values()].filter(({ id }) => !this.#applied.has(id) && !this.#unfit.has(id));
      if (!this.#draft?.isSound || missing.some(({ id }) => id < this.#newest)) {
        await this.forgetDraft();
        this.#draft = await this.base.copy.openDraft();
        continue;
      }
      if (await this.#apply(this.#draft, missing)) this.#edition = edition;
    }
  }

  async #apply(draft: Draft, writes: readonly PendingWrite[]): Promise<boolean> {
    const settled = await this.#settledIn(draft, writes);
    for (const write of writes) {
      if (settled.has(write.id)) continue;
      try {
        await draft.write((queries, scope) => this.#options.commands.run(queries, write.command, scope));
      } catch {
        this.#unfit.add(write.id);
        if (!draft.isSound) return false;
      }
      this.#note(write);
    }
    return true;
  }

  /** A copy of the primary may have some of them: an earlier drain was broken off. */
  async #settledIn(draft: Draft, writes: readonly PendingWrite[]): Promise<ReadonlySet<string>> {
    if (!this.base.sharesVersions || writes.length === 0) return new Set();
    return draft.read((queries) =>
      findSettled(
        queries,
        writes.map(({ id }) => id),
      ),
    );
  }

  #note({ id }: PendingWrite): void {
    this.#applied.add(id);
    if (id > this.#newest) this.#newest = id;
  }

  #requireOpen(): void {
    if (this.isClosed) throw new AppError('unavailable', 'The standby has ended.', { retryAfterMs: 1000 });
  }

  /** Before anything moves the state below the draft. */
  async forgetDraft(): Promise<void> {
    const draft = this.#draft;
    this.#draft = null;
    this.#applied = new Set();
    this.#newest = '';
    this.#edition = -1;
    await draft?.end();
  }

  /** What waits for its turn is refused with `unavailable` and does not run. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.forgetDraft();
    await this.base.close();
  }
}

/** The work, which sees that its catalog is that of a copy. */
function onCopy<T>(work: Work<T>): Work<T> {
  return (queries, scope) =>
    work(queries, {
      run: (...statement) => scope.run(...statement),
      get catalog() {
        return { ...scope.catalog, isCopy: true as const };
      },
    });
}
