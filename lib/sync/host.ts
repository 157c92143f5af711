/** The one replica of this process: keeping it on the log, having it replaced when it cannot stay there. */
import { AppError, isAppError } from '../errors.ts';
import { applyBulk } from './bulk.ts';
import type { SyncContext } from './context.ts';
import { CurrentReplica } from './current-replica.ts';
import { HeadProof, momentNow, SharedProbe, type Moment } from './head.ts';
import { countChained, followTail, type StoredRecord, type TailStart, type TailWindow } from './log.ts';
import { breaksReplica } from './local-disk.ts';
import type { Replica } from './replica.ts';
import { Rivals } from './rivals.ts';
import { FreshnessFile } from './freshness.ts';
import type { Slot } from './slot.ts';
import { type Look, lookAtSnapshots, type SnapshotInfo } from './snapshot.ts';
import type { Started } from './start.ts';
import { logReplaced, requireState, type Standing, standingOf } from './standing.ts';
import { type Advance, recordsMissing, whyStuck } from './stuck.ts';
import { type Tail, TailCount } from './tail.ts';
import { Turn } from './turn.ts';

const mostRestarts = 3;

export class ReplicaHost {
  readonly #context: SyncContext;
  readonly #current: CurrentReplica;
  readonly #turn = new Turn();
  #begunTail: TailStart | null;
  readonly #probe: SharedProbe<void>;
  readonly head: HeadProof;
  readonly rivals: Rivals;
  readonly #tail = new TailCount();
  readonly #note: FreshnessFile;
  #settled: Promise<void> = Promise.resolve();
  #logsLeft = 0;

  private constructor(context: SyncContext, current: CurrentReplica, started: Started) {
    this.#context = context;
    this.#current = current;
    this.#begunTail = started.tail;
    this.head = new HeadProof(context.runtime, context.settings);
    this.rivals = new Rivals(context.runtime, context.writer);
    this.#note = new FreshnessFile(context.runtime);
    this.#probe = new SharedProbe(() => this.#probeHead());
    this.#noteSnapshots(started);
  }

  /** Starts the replica in `slot` and brings it to the head. `look`: one at the snapshots that has begun already. */
  static async start(context: SyncContext, slot: Slot, look?: Promise<Look>): Promise<ReplicaHost> {
    const { current, started } = await CurrentReplica.start(context, slot, look);
    const host = new ReplicaHost(context, current, started);
    try {
      await host.exclusive(() => host.catchUp());
    } catch (error) {
      await host.replica.close();
      throw error;
    }
    return host;
  }

  get version(): number {
    return this.replica.position.version;
  }

  get databaseId(): string | null {
    return this.replica.position.databaseId;
  }

  get tail(): Tail {
    return this.#tail.at(this.version);
  }

  /** The replica for reading: waits while it is being replaced, or is about to show what was acknowledged. */
  async current(): Promise<Replica> {
    await this.#settled;
    return this.#current.ready();
  }

  /** The replica for writing; only within `exclusive`. */
  get replica(): Replica {
    return this.#current.replica;
  }

  /**
   * Whether to catch up before a commit: the replica is unusable, was not proved at the head of late, or is behind a
   * snapshot that a look has found. The look alone renews the trust, so the last must be asked too.
   */
  get isDoubtful(): boolean {
    return this.replica.retired !== undefined || this.head.isStale || this.version < this.head.newestSnapshot;
  }

  /** Runs `work` exclusively: nothing else changes the replica meanwhile. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    return this.#turn.take(work);
  }

  /** Runs what brings the replica to a commit that is acknowledged already; who reads waits for it. Only within `exclusive`. */
  settle(work: () => Promise<void>): Promise<void> {
    const settling = work();
    this.#settled = settling.catch(() => undefined);
    return settling;
  }

  /** Resolves when the replica shows every commit of this process that was acknowledged. */
  settled(): Promise<void> {
    return this.#settled;
  }

  /**
   * Makes sure that reads see every commit that was acknowledged `maxStalenessMs` before `askedMs` (on the monotonic
   * clock) or earlier. Answers the version that they must see for it: the replica may be rebuilt before they begin.
   */
  async ensureFresh(maxStalenessMs: number, askedMs: number): Promise<number> {
    await this.#settled;
    if (maxStalenessMs > 0 && this.ageMs <= maxStalenessMs) return this.head.provedVersion;
    // What opened the replica for this very read has proved it, too.
    if (!this.isBehind() && !this.head.provedSince(askedMs)) await this.#probe.join();
    return this.ensureCaughtUp(askedMs);
  }

  /**
   * Catches up unless the replica was proved since `askedMs` (by a commit, or by another that waited for the same).
   * Answers the version that was proved.
   */
  async ensureCaughtUp(askedMs: number): Promise<number> {
    const isProved = (): boolean => !this.isBehind() && this.head.provedSince(askedMs);
    if (!isProved()) {
      await this.exclusive(async () => {
        if (!isProved()) await this.catchUp();
      });
    }
    return this.head.provedVersion;
  }

  /** Whether the replica cannot be used, or is not at `version`, as after a rebuild that did not finish. */
  isBehind(version: number = this.head.provedVersion): boolean {
    return this.replica.retired !== undefined || this.version < version;
  }

  /** One cheap look whether the next record is absent; proves the head if so. */
  async #probeHead(): Promise<void> {
    const began = momentNow(this.#context.runtime);
    const version = this.version;
    if (this.head.needsLook || this.replica.retired) return;
    const next = await this.#context.store.head(this.#context.layout.recordKey(version + 1));
    if (!next && !this.head.needsLook && version >= this.head.newestSnapshot) this.head.prove(began, version);
  }

  /**
   * Applies what is new and proves the replica at the head; starts again from a snapshot when it cannot get there by
   * the log. Only within `exclusive`. Answers how many records were applied.
   */
  async catchUp(): Promise<number> {
    const from = this.version;
    for (let restarts = 0; ; restarts++) {
      const advance = this.replica.retired ? 'behind' : await this.#advance();
      if (advance === 'at-head') {
        await this.#note.renew(this.#current.slot, this.ageMs);
        return Math.max(0, this.version - from);
      }
      if (restarts === mostRestarts) throw whyStuck(this.#context, this.replica, advance);
      await (advance === 'left' ? this.#startOver() : this.restart());
    }
  }

  async #advance(): Promise<Advance> {
    try {
      const begun = this.#begunTail;
      this.#begunTail = null;
      for await (const window of followTail(this.#context, this.version, begun)) {
        if (!(await this.#applyWindow(window))) return 'off-log';
        if (window.last) return await this.#concludeAbsent(window.began);
      }
      throw new AppError('unavailable', 'The log could not be followed to its end.');
    } catch (error) {
      if (breaksReplica(error)) {
        this.#context.warn('The local replica is damaged; rebuilding it.', error);
        return 'broken';
      }
      if (isAppError(error, 'corrupt') && (await this.#snapshotBeyond())) return 'behind';
      throw error;
    }
  }

  /** False when the records do not continue this replica's history. */
  async #applyWindow({ records }: TailWindow): Promise<boolean> {
    const chained = records.slice(0, countChained(this.replica.position, records));
    if (chained.length > 0) {
      await this.#context.step('tail-applying');
      await this.#applyRecords(chained);
      for (const { record } of chained) this.rivals.note(record.writer);
      this.#tail.add(chained.reduce((sum, { bytes }) => sum + bytes, 0));
      await this.#context.step('tail-applied');
    }
    return chained.length === records.length;
  }

  async #applyRecords(records: readonly StoredRecord[]): Promise<void> {
    const bulk = records.findLastIndex(({ record }) => record.changes.some((change) => 'bulk' in change));
    if (bulk === -1) {
      await this.replica.apply(records);
      return;
    }
    // A bulk record holds the whole state: what came before it needs no applying.
    const { record } = records[bulk]!;
    await this.replaceReplica(() => applyBulk(this.#context, this.#current.slot, record));
    await this.replica.apply(records.slice(bulk + 1));
  }

  /** The store said that the next record is absent, in an operation that began at `began`. */
  async #concludeAbsent(began: Moment): Promise<Advance> {
    if (this.head.needsLook) {
      await this.look();
      const standing = await this.standing();
      if (standing !== 'followed') return standing;
    }
    if (this.version >= this.head.newestSnapshot) {
      this.head.prove(began, this.version);
      return 'at-head';
    }
    if (await this.#snapshotBeyond()) return 'behind';
    throw recordsMissing(this.#context, this.replica);
  }

  /** Lists the snapshots, so that what the store says of the next record can be trusted again. */
  async look(): Promise<readonly SnapshotInfo[]> {
    const look = await lookAtSnapshots(this.#context);
    this.#noteSnapshots(look);
    return look.snapshots;
  }

  /**
   * Rule 6: a record created by an instance that had been frozen for an hour may lie in a part of the log that was
   * dropped. When a snapshot at or beyond it exists, it may also have been the head: `indeterminate`.
   */
  async requireOnLog(version: number): Promise<void> {
    if (this.head.needsLook) await this.look();
    if (this.head.newestSnapshot < version) return;
    throw new AppError('indeterminate', 'This instance was frozen while it committed.', {
      hint: 'The write may have been committed. Read before you repeat it.',
    });
  }

  /**
   * Rule 9: where the replica stands towards the log in the store. Asked before each commit, and whenever the head must be
   * looked for: between these a log that was put back may look like the head of the old one.
   */
  async standing(): Promise<Standing> {
    const { replica } = this;
    const { position } = replica;
    const { madeFrom } = this.#current;
    const standing = await standingOf(this.#context, { position, madeFrom, look: () => this.look() });
    if (standing === 'behind') replica.retire('behind');
    return standing;
  }

  /** How often the replica was rebuilt from another log than the one that it followed. */
  get logsLeft(): number {
    return this.#logsLeft;
  }

  /** Rebuilds the replica from what is in the store now; returns the error for writes that were not committed. */
  async leaveLog(): Promise<AppError> {
    await this.#startOver();
    await this.catchUp();
    return logReplaced();
  }

  /** The replica is kept when there is nothing to begin from: it may be the last copy. */
  async #startOver(): Promise<void> {
    await requireState(this.#context, this.replica.position);
    this.#context.warn('The database in the store was replaced; this instance started over from what is there now.');
    this.head.forget();
    this.#logsLeft++;
    await this.restart();
  }

  async #snapshotBeyond(): Promise<boolean> {
    return (await this.look()).some(({ key, version }) => version > this.version && !this.#current.isDamaged(key));
  }

  #noteSnapshots({ lookedAt, snapshots }: Look): void {
    this.head.looked(lookedAt, snapshots[0]?.version ?? 0);
    const covered = snapshots.find(({ key, version }) => version <= this.version && !this.#current.isDamaged(key));
    if (covered) this.noteSnapshot(covered);
  }

  /** Notes the newest snapshot at or below this replica's version. */
  noteSnapshot(snapshot: SnapshotInfo): void {
    this.#tail.noteSnapshot(snapshot, this.version);
  }

  /** Notes a record that this process committed itself, as `version`. */
  noteCommit(began: Moment, version: number, bytes: number): void {
    this.#tail.add(bytes);
    this.rivals.note(this.#context.writer);
    this.head.prove(began, version);
  }

  /** Begins again from the newest good snapshot. Only within `exclusive`. */
  async restart(): Promise<void> {
    await this.#current.restart((started) => {
      this.#note.forget();
      this.#begunTail = started.tail;
      this.#tail.forgetSnapshot();
      this.#noteSnapshots(started);
    });
  }

  /** Puts the replica that `make` provides in the place of this one. Only within `exclusive`. */
  replaceReplica(make: () => Promise<Replica>): Promise<void> {
    return this.#current.replace(make);
  }

  /** Age of the newest proof that the replica is at the head, in ms; infinite when it is not. */
  get ageMs(): number {
    return this.isBehind() ? Infinity : this.head.ageMs();
  }

  async close(): Promise<void> {
    await this.exclusive(async () => {
      await this.#context.step('replica-closing');
      await this.#note.write(this.#current.slot, this.ageMs);
      await this.replica.close();
    });
  }
}
