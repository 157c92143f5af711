/**
 * Serves from the primary again only when the pending writes of this process and this machine have been run on it, so
 * that clients read their own writes.
 */
import { AppError } from '../../errors.ts';
import type { Runtime } from '../../runtime.ts';
import { Turn } from '../../sync/turn.ts';
import { Warnings } from '../../sync/warnings.ts';
import type { EngineName } from '../../values.ts';
import {
  type Answer,
  ClosedError,
  type Database,
  type DatabaseStatus,
  type ReadOptions,
  type StrandedWrites,
  type SyncReport,
  type Uploads,
  type WaitingWrites,
  type Work,
  type WriteOptions,
} from '../database.ts';
import { CurrentStandby } from './current-standby.ts';
import type { Commands } from './drain.ts';
import { identityOf, type BackendLink, type LinkDatabase } from './link.ts';
import type { Notice, OutageMemory } from './outage.ts';
import { PendingLog } from './pending-log.ts';
import { Recovery } from './recovery.ts';
import type { Standby } from './standby.ts';
import { StandbyAnswers } from './standby-answers.ts';
import { type WatchedCall, plainCall, readCall, uploadsThrough, Watch, writeCall } from './watch.ts';

export interface FallbackOptions {
  readonly primary: BackendLink;
  readonly fallbacks: readonly BackendLink[];
  readonly runtime: Runtime;
  readonly memory: OutageMemory;
  readonly commands: Commands;
  readonly writes: 'accept' | 'reject';
  readonly notice?: (notice: Notice) => void;
}

/** Opens the primary, or a standby while it is unavailable. @throws AppError the primary's error when neither opens */
export async function openFallbackDatabase(options: FallbackOptions): Promise<Database> {
  const database = new FallbackDatabase(options);
  try {
    await database.start();
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

class FallbackDatabase implements Database {
  readonly #options: FallbackOptions;
  readonly #watch: Watch;
  readonly #pending: PendingLog;
  readonly #turn = new Turn();
  readonly #warnings: Warnings;
  readonly #recovery: Recovery;
  readonly #standby: CurrentStandby;
  readonly #answers: StandbyAnswers;
  #primary: LinkDatabase | null = null;
  #opening: Promise<LinkDatabase> | null = null;
  #closed = false;

  constructor(options: FallbackOptions) {
    const { primary, fallbacks, runtime } = options;
    this.#options = options;
    this.#warnings = new Warnings(runtime);
    const warn = this.#warnings.note;
    this.#watch = new Watch(options);
    const { address, formerAddress } = primary;
    this.#pending = new PendingLog({
      fallbacks,
      target: { address, formerAddress, database: null },
      runtime,
      warn,
      primary,
    });
    this.#standby = new CurrentStandby({
      ...options,
      pending: this.#pending,
      turn: this.#turn,
      warn,
      outage: () => this.#watch.outage,
      openPrimary: () => this.#primary,
    });
    this.#recovery = new Recovery({
      runtime,
      commands: options.commands,
      watch: this.#watch,
      pending: this.#pending,
      turn: this.#turn,
      openPrimary: () => this.#openPrimary(),
      standby: () => this.#standby.opened(),
      closeStandby: () => this.#standby.close(),
      warn,
    });
    this.#answers = new StandbyAnswers({
      ...options,
      pending: this.#pending,
      outage: () => this.#watch.outage,
      warnings: () => this.#warnings.list(),
      noteWrite: () => this.#recovery.noteWrite(),
    });
  }

  get engine(): EngineName {
    return this.#primary?.engine ?? (this.#options.primary.place ? 'duckdb' : 'postgres');
  }

  async start(): Promise<void> {
    await this.#watch.recall();
    if (this.#watch.outage) return;
    const opened = await this.#watch.attempt(plainCall(() => this.#openPrimary()));
    if (opened.kind === 'away') return this.#requireReachedAtStart();
    // A folder is recognised by its identity at the first look; after an unmount, another folder is there.
    if (this.#options.primary.mayHavePending) await this.#watch.ping().catch(() => undefined);
    await this.#pending.refreshCheap();
    if (this.#pending.size > 0) await this.#recovery.drainAtStart();
  }

  #openPrimary(): Promise<LinkDatabase> {
    if (this.#primary) return Promise.resolve(this.#primary);
    this.#opening ??= this.#openOnce().finally(() => (this.#opening = null));
    return this.#opening;
  }

  async #openOnce(): Promise<LinkDatabase> {
    const database = await this.#options.primary.open();
    try {
      if (!this.#closed) this.#pending.recognise(await identityOf(database));
    } catch (error) {
      await database.close();
      throw error;
    }
    if (this.#closed) await database.close();
    return (this.#primary = database);
  }

  async read<T>(work: Work<T>, options: ReadOptions = {}): Promise<Answer<T>> {
    return this.#serve(
      (primary) => readCall(primary, work, options),
      (standby) => this.#answers.read(standby, work, options),
    );
  }

  async write<T>(work: Work<T>, options: WriteOptions = {}): Promise<Answer<T>> {
    return this.#serve(
      (primary) => writeCall(primary, work, options),
      (standby) => this.#answers.write(standby, work, options),
    );
  }

  catalog: Database['catalog'] = (options) =>
    this.#serve(
      (primary) => plainCall(() => primary.catalog(options)),
      (standby) => standby.catalog(),
    );

  async #serve<T>(
    call: (primary: LinkDatabase) => WatchedCall<T>,
    onStandby: (standby: Standby) => Promise<T>,
  ): Promise<T> {
    for (let isFirst = true; ; isFirst = false) {
      const answered = await this.#onPrimary(call);
      if (answered) return answered;
      const standby = await this.#openStandby();
      this.#requireOwn(standby);
      try {
        return await onStandby(standby);
      } catch (error) {
        // The primary came back while this waited for its turn.
        if (!standby.isClosed || !isFirst) throw error;
      }
    }
  }

  #requireReachedAtStart(): void {
    try {
      this.#requireReached();
    } catch (error) {
      throw error instanceof AppError ? new ClosedError(error, () => this.#waiting()) : error;
    }
  }

  async #waiting(): Promise<WaitingWrites> {
    await this.#pending.refresh();
    return { pendingWrites: this.#pending.size, strandedWrites: await this.#pending.listStranded() };
  }

  /** A database that this process never reached and may not use is closed: it is unknown which data were meant. */
  #requireReached(): void {
    if (this.#watch.outage?.isRefused && !this.#primary) throw this.#watch.outage.error;
  }

  /** While the primary refuses this server, only its own data are read, never a fallback's. */
  #requireOwn({ base }: Standby): void {
    const { outage } = this.#watch;
    if (outage?.isRefused && !base.isPrimarys) throw outage.error;
  }

  queryAll: Database['queryAll'] = (requests, options) =>
    this.#serve(
      (primary) => plainCall(() => primary.queryAll(requests, options)),
      (standby) => this.#answers.queryAll(standby, requests, options),
    );

  query: Database['query'] = async (request, options) => {
    const answer = await this.queryAll([request], options);
    return { ...answer, value: answer.value[0]! };
  };

  exportTo: Database['exportTo'] = (...given) =>
    this.#onlyPrimary(
      (primary) => primary.exportTo(...given),
      'The database is unavailable, and its standby cannot export the whole database.',
    );

  changes: Database['changes'] = (request) =>
    this.#onlyPrimary(
      (primary) => primary.changes(request),
      'The database is unavailable, and its standby has no change feed.',
    );

  readonly uploads: Uploads = uploadsThrough((work) =>
    this.#onlyPrimary(
      ({ uploads }) => work(uploads),
      'The database is unavailable, and its standby takes no uploads in parts.',
    ),
  );

  async #onlyPrimary<T>(run: (primary: LinkDatabase) => Promise<T>, away: string): Promise<T> {
    const answered = await this.#onPrimary((primary) => plainCall(async () => ({ value: await run(primary) })));
    if (answered) return answered.value;
    throw this.#answers.away(away);
  }

  async #onPrimary<T>(call: (primary: LinkDatabase) => WatchedCall<T>): Promise<T | null> {
    this.#requireOpen();
    if (this.#watch.outage || !this.#primary) return null;
    const attempt = await this.#watch.attempt(call(this.#primary));
    return attempt.kind === 'answered' ? attempt.value : null;
  }

  #openStandby(): Promise<Standby> {
    this.#requireReached();
    return this.#standby.open();
  }

  async status(): Promise<DatabaseStatus> {
    const { outage } = this.#watch;
    await this.#pending.refresh();
    if (!outage && this.#primary) {
      const status = await this.#primary.status();
      const warnings = [...status.warnings, ...this.#warnings.list()];
      return { ...status, pendingWrites: this.#pending.size, warnings };
    }
    const standby = await this.#openStandby();
    this.#requireOwn(standby);
    return this.#answers.status(standby, this.engine);
  }

  readonly stranded: StrandedWrites = {
    list: () => this.#pending.listStranded(),
    dismiss: (ids) => this.#pending.dismissStranded(ids),
  };

  async sync(): Promise<SyncReport> {
    this.#requireOpen();
    const drained = this.#watch.outage ? await this.#recovery.recover() : await this.#recovery.drainRemaining();
    if (!drained || !this.#primary) throw this.#answers.away('The database is still unavailable.');
    const report = await this.#primary.sync();
    return { ...report, pendingDrained: drained.applied, pendingRejected: drained.rejected };
  }

  maintain(): Promise<void> {
    return this.#recovery.maintain();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#recovery.stop();
    await this.#standby.close();
    await this.#primary?.close();
  }

  #requireOpen(): void {
    if (this.#closed) throw new AppError('unavailable', 'The database is closed.');
  }
}
