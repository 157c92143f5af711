/** The engine: replicates one DuckDB database over a store. What the database layer calls. */
import { AppError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import type { Store } from '../store/store.ts';
import {
  commitBulk,
  commitReplacement,
  type BulkCommitted,
  type BulkScope,
  type BulkWork,
  type Replacement,
} from './bulk-commit.ts';
import type { Definitions } from './definitions.ts';
import type { Shapes } from './shapes.ts';
import { Checkpointer, type CheckpointReport } from './checkpoint.ts';
import type { Committed, WriteWork } from './batch.ts';
import { type CommitOptions, GroupCommit } from './commit.ts';
import { ReplicaCopies, type ReplicaCopy } from './copies.ts';
import { defaultSettings, type PrepareAdopted, type Step, type SyncContext, type SyncSettings } from './context.ts';
import { Feed, type FeedPage } from './feed.ts';
import { SharedProbe } from './head.ts';
import { ReplicaHost } from './host.ts';
import { layoutOf } from './layout.ts';
import type { LocalState, StateWork } from './overlay.ts';
import { type ReadAnswer, type ReadRequest, Reads } from './reads.ts';
import { claimSlot, sweepSlots, type Slot } from './slot.ts';
import { type Look, writeBody } from './snapshot.ts';
import type { Tail } from './tail.ts';
import { type Transfer, Transfers } from './transfers.ts';
import { Warnings } from './warnings.ts';

export interface EngineOptions {
  readonly store: Store;
  /** Store key of the database file. */
  readonly name: string;
  /** Folder of this database's replica slots, on a local disk. */
  readonly slotRoot: string;
  readonly runtime: Runtime;
  readonly settings?: Partial<SyncSettings>;
  /** A look at the snapshots that began while this module was still loading. */
  readonly look?: Promise<Look>;
  /** Called at each step of the protocol. For tests that crash there. */
  readonly onStep?: (step: Step) => void | Promise<void>;
  /** Default: an adopted file stays as it is. */
  readonly prepareAdopted?: PrepareAdopted;
}

export interface EngineStatus {
  readonly databaseId: string | null;
  readonly version: number;
  readonly tail: Tail;
  readonly transfers: readonly Transfer[];
  readonly warnings: readonly string[];
}

export interface FeedAnswer extends FeedPage {
  readonly head: number;
  /** ms to find the head, and to read the records. */
  readonly timings: { readonly fresh: number; readonly read: number };
}

export interface SyncAnswer {
  readonly from: number;
  readonly recordsApplied: number;
  readonly checkpoint: CheckpointReport;
}

/** How often slots of dead processes are looked for, at most, in ms. */
const sweepEveryMs = 10_000;

export class Engine {
  readonly #context: SyncContext;
  readonly #slot: Slot;
  readonly #slotRoot: string;
  readonly #host: ReplicaHost;
  readonly #reads: Reads;
  readonly #commits: GroupCommit;
  readonly #checkpoints: Checkpointer;
  readonly #feed: Feed;
  readonly #copies: ReplicaCopies;
  readonly #warnings: Warnings;
  /** Each write asks for it; all calls during one round share the next. */
  readonly #maintenance = new SharedProbe(() => this.#maintainOnce());
  #sweptMs = -Infinity;
  #closed: Promise<void> | null = null;

  private constructor(parts: {
    context: SyncContext;
    slot: Slot;
    slotRoot: string;
    host: ReplicaHost;
    warnings: Warnings;
  }) {
    this.#context = parts.context;
    this.#slot = parts.slot;
    this.#slotRoot = parts.slotRoot;
    this.#host = parts.host;
    this.#warnings = parts.warnings;
    this.#reads = new Reads(parts.context, parts.host);
    this.#commits = new GroupCommit(parts.context, parts.host);
    this.#checkpoints = new Checkpointer(parts.context, parts.host);
    this.#feed = new Feed(parts.context);
    this.#copies = new ReplicaCopies(parts.slot, parts.host);
  }

  /** Claims a slot, starts the replica and brings it to the head. On failure nothing stays claimed. */
  static async open(options: EngineOptions): Promise<Engine> {
    const warnings = new Warnings(options.runtime);
    const context = makeContext(options, warnings);
    const slot = await claimSlot(options.slotRoot, options.runtime);
    try {
      await context.step('slot-claimed');
      const host = await ReplicaHost.start(context, slot, options.look);
      return new Engine({ context, slot, slotRoot: options.slotRoot, host, warnings });
    } catch (error) {
      slot.release();
      throw error;
    }
  }

  /** Runs `work` in a read-only transaction on a state as fresh as asked for. */
  async read<T>(work: StateWork<T>, request: ReadRequest): Promise<ReadAnswer<T>> {
    this.#requireOpen();
    return this.#reads.read(work, request);
  }

  /** What tables there are in a state as fresh as asked for. */
  async definitions(request: ReadRequest): Promise<Definitions> {
    this.#requireOpen();
    return this.#reads.definitions(request);
  }

  /** A copy of the replica for another process, as fresh as asked for. Shared; to be released after use. */
  async copy(request: ReadRequest): Promise<ReplicaCopy> {
    this.#requireOpen();
    return this.#copies.acquire(await this.#reads.freshen(request));
  }

  /** The records after a version, up to the head of the log as it is now. */
  async feed(after: number, limit: number, signal: AbortSignal | undefined): Promise<FeedAnswer> {
    this.#requireOpen();
    const { runtime } = this.#context;
    const started = runtime.monotonicMs();
    const head = await this.#host.ensureFresh(0, started);
    const fresh = runtime.monotonicMs();
    const page = await this.#feed.read({ after, head, limit, signal });
    return { ...page, head, timings: { fresh: fresh - started, read: runtime.monotonicMs() - fresh } };
  }

  /** Runs `work` in the next commit; resolves when it is durable. See GroupCommit. */
  write<T>(work: WriteWork<T>, options?: CommitOptions): Promise<Committed<T>> {
    this.#requireOpen();
    return this.#commits.write(work, options);
  }

  /**
   * Runs `work` on a copy of the newest state and commits the whole result as one bulk record: for changes too large for
   * row images, made by any statements at all. See commitBulk.
   */
  writeBulk<T>(work: BulkWork<T>): Promise<BulkCommitted<T>> {
    this.#requireOpen();
    return commitBulk(this.#bulkScope, work);
  }

  /** Commits a file that was made elsewhere as the new state, as one bulk record. See commitReplacement. */
  replaceState<T>(replacement: Replacement<T>): Promise<BulkCommitted<T>> {
    this.#requireOpen();
    return commitReplacement(this.#bulkScope, replacement);
  }

  /** Copies the state as this process knows it, which a read makes fresh, into a file at `path`; answers its version. */
  async copyState(path: string): Promise<number> {
    this.#requireOpen();
    return this.#checkpoints.withFoldedFile(async ({ version, body }) => {
      await writeBody(body, path);
      return version;
    });
  }

  /** How often the database was replaced under this process: it may lack migrations then. */
  get logsLeft(): number {
    return this.#host.logsLeft;
  }

  get #bulkScope(): BulkScope {
    return { context: this.#context, slot: this.#slot, host: this.#host };
  }

  /** The shapes of the tables, for the work of a write. */
  get shapes(): Shapes {
    return this.#host.replica.shapes;
  }

  /** The replica as it is, for when the store is unavailable. */
  get local(): LocalState {
    const [host, reads] = [this.#host, this.#reads];
    return {
      get position() {
        return host.replica.position;
      },
      get ageMs() {
        return Number.isFinite(host.ageMs) ? host.ageMs : null;
      },
      read: (work, signal) => reads.readLocal(work, signal),
      openOverlay: async () => (await reads.soundReplica()).openOverlay(),
    };
  }

  /** Resolves when the replica shows what was acknowledged: for who asks for the status next. */
  settled(): Promise<void> {
    return this.#host.settled();
  }

  /** What this process knows, without asking the store. */
  status(): EngineStatus {
    const { databaseId, version, tail } = this.#host;
    return { databaseId, version, tail, transfers: this.#context.transfers.list(), warnings: this.#warnings.list() };
  }

  /** Catches up and takes a checkpoint. */
  async sync(): Promise<SyncAnswer> {
    this.#requireOpen();
    const from = this.#host.version;
    const recordsApplied = await this.#host.exclusive(() => {
      // If the log was restored from a backup meanwhile, this checkpoint is not due.
      this.#host.head.doubt();
      return this.#host.catchUp();
    });
    return { from, recordsApplied, checkpoint: await this.#checkpoints.run() };
  }

  /** Takes the checkpoint that is due, if one is, and cleans up; calls share a round. Trouble becomes a warning. */
  maintain(): Promise<void> {
    return this.#maintenance.join();
  }

  async #maintainOnce(): Promise<void> {
    if (this.#closed) return;
    const { runtime } = this.#context;
    try {
      await this.#checkpoints.runIfDue();
      if (Math.abs(runtime.now() - this.#sweptMs) < sweepEveryMs) return;
      this.#sweptMs = runtime.now();
      await sweepSlots(this.#slotRoot, runtime);
    } catch (error) {
      this.#context.warn('A checkpoint failed; the next one will replace it.', error);
    }
  }

  /** Ends what is under way, closes the replica, gives the slot back. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#commits.idle();
    await this.#checkpoints.idle();
    this.#copies.close();
    await this.#host.close();
    this.#slot.release();
  }

  #requireOpen(): void {
    if (this.#closed) throw new AppError('unavailable', 'The database is closed.');
  }
}

function makeContext(options: EngineOptions, warnings: Warnings): SyncContext {
  const { store, runtime, onStep, prepareAdopted } = options;
  return {
    store,
    runtime,
    layout: layoutOf(options.name),
    settings: { ...defaultSettings, ...options.settings },
    writer: runtime.uuid(),
    step: onStep ?? (() => undefined),
    prepareAdopted: prepareAdopted ?? (() => Promise.resolve()),
    transfers: new Transfers(),
    warn: warnings.note,
  };
}
