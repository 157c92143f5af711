/**
 * Checkpoint: uploading a new snapshot, publishing the database file, dropping what is no longer needed.
 *
 * What is published is always the newest snapshot that the store lists, and it is listed again afterwards; and a file
 * that this process did not write is not trusted to be it.
 */
import { AppError } from '../errors.ts';
import type { ObjectInfo } from '../store/store.ts';
import type { SyncContext } from './context.ts';
import { hasForeignFile } from './foreign-file.ts';
import type { ReplicaHost } from './host.ts';
import type { SnapshotName } from './layout.ts';
import { isCheckpointDue, isFoldDue } from './policy.ts';
import type { FoldedFile } from './replica.ts';
import { dropUnneeded, type Dropped } from './retention.ts';
import { listSnapshots, uploadSnapshot, type SnapshotInfo } from './snapshot.ts';
import { Turn } from './turn.ts';

export interface CheckpointReport {
  readonly version: number;
  readonly bytes: number;
  /** False when a snapshot of this version was there already. */
  readonly uploaded: boolean;
  readonly published: boolean;
  readonly dropped: Dropped;
}

const foldAttempts = 20;
const foldPauseMs = 50;
const mostCopies = 5;
/** How often what is no longer needed is looked for, as a part of how long records are kept: it takes two lists. */
const dropsPerRetention = 24;

export class Checkpointer {
  readonly #context: SyncContext;
  readonly #host: ReplicaHost;
  /** One at a time: while the file is uploaded nothing else may fold the write-ahead log into it. */
  readonly #turn = new Turn();
  /** The snapshot that this process published last, and the database file as it was then. */
  #published: { readonly snapshot: SnapshotName; readonly file: ObjectInfo | null } | null = null;

  /** At which the write-ahead log was measured last. */
  #measuredVersion = -1;
  /** On the monotonic clock. */
  #droppedMs = -Infinity;

  constructor(context: SyncContext, host: ReplicaHost) {
    this.#context = context;
    this.#host = host;
  }

  /** Takes a checkpoint of the replica's present version, and drops what is no longer needed. */
  run(): Promise<CheckpointReport> {
    return this.#turn.take(() => {
      this.#droppedMs = -Infinity;
      return this.#checkpoint();
    });
  }

  /**
   * Takes a checkpoint if one is due by the policy, asked when its turn comes: while one is uploaded the next still
   * looks due, and every write asks.
   */
  runIfDue(): Promise<void> {
    return this.#turn.take(async () => {
      const { replica, tail } = this.#host;
      if (replica.retired) return;
      if (isCheckpointDue(replica.fileBytes, tail)) await this.#checkpoint();
      else await this.#foldIfDue();
    });
  }

  /** Keeps DuckDB's write-ahead log short on a replica whose checkpoints others take. */
  async #foldIfDue(): Promise<void> {
    const { replica, version } = this.#host;
    // Reads ask, too, and leave nothing to fold.
    if (version === this.#measuredVersion) return;
    if (isFoldDue(replica.fileBytes, await replica.walBytes())) (await this.#fold()).release();
    this.#measuredVersion = version;
  }

  /** Lends the newest committed state as one file that nothing writes to meanwhile. */
  withFoldedFile<T>(work: (file: FoldedFile & { version: number }) => Promise<T>): Promise<T> {
    return this.#turn.take(async () => {
      const folded = await this.#fold();
      try {
        return await work(folded);
      } finally {
        folded.release();
      }
    });
  }

  /** Resolves when no checkpoint runs. */
  idle(): Promise<void> {
    return this.#turn.take(() => Promise.resolve());
  }

  async #checkpoint(): Promise<CheckpointReport> {
    await this.#tellOfForeignFile();
    const { snapshot, uploaded } = await this.#snapshotPresent();
    const { published, snapshots } = await this.#publishNewest(uploaded ? snapshot : null);
    const dropped = await this.#dropUnneeded(snapshots, snapshot.modifiedAt.getTime());
    return { version: snapshot.version, bytes: snapshot.bytes, uploaded, published, dropped };
  }

  async #tellOfForeignFile(): Promise<void> {
    if ((await this.#publishedAsLeft()) || !(await hasForeignFile(this.#context, this.#host.tail.snapshot))) return;
    const { databaseFile } = this.#context.layout;
    this.#context.warn(
      `Another file was put at ${databaseFile}. That file is an exported copy, which Eider does not read and overwrites: use "eider restore --file <file>" to restore a backup.`,
    );
  }

  async #dropUnneeded(snapshots: readonly SnapshotInfo[], nowMs: number): Promise<Dropped> {
    const { runtime, settings } = this.#context;
    const now = runtime.monotonicMs();
    if (now - this.#droppedMs < settings.retainMs / dropsPerRetention) return { records: 0, snapshots: 0 };
    const dropped = await dropUnneeded(this.#context, snapshots, nowMs);
    this.#droppedMs = now;
    return dropped;
  }

  /** Uploads a snapshot of the present version, unless the store has a good one. */
  async #snapshotPresent(): Promise<{ snapshot: SnapshotInfo; uploaded: boolean }> {
    const known = this.#host.tail.snapshot;
    if (known && known.version === this.#host.version) return { snapshot: known, uploaded: false };
    const name = await this.#upload();
    const info = await this.#context.store.head(name.key);
    if (!info) throw new AppError('unavailable', `The snapshot ${name.key} was removed right after its upload.`);
    const snapshot = { ...name, bytes: info.size, modifiedAt: info.modifiedAt };
    this.#host.noteSnapshot(snapshot);
    return { snapshot, uploaded: true };
  }

  async #upload(): Promise<SnapshotName> {
    const { version, body, release } = await this.#fold();
    try {
      await this.#context.step('checkpoint-local');
      return await uploadSnapshot(this.#context, version, body);
    } finally {
      release();
    }
  }

  /**
   * Moves all that is committed into the replica's main file; from then on commits change only the write-ahead log, and
   * the file can be read at leisure. DuckDB refuses while an older reader runs beside a newer commit: tries again.
   */
  async #fold(): Promise<FoldedFile & { version: number }> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#host.exclusive(async () => {
          const { replica } = this.#host;
          await replica.checkpoint();
          return { version: replica.position.version, ...replica.holdFile() };
        });
      } catch (cause) {
        if (cause instanceof AppError) throw cause;
        if (attempt === foldAttempts || this.#host.replica.retired) {
          throw new AppError('unavailable', 'DuckDB could not write its checkpoint beside long-running reads.', {
            cause,
          });
        }
        await this.#context.runtime.sleep(foldPauseMs);
      }
    }
  }

  /**
   * Copies the newest snapshot over the database file, until none newer came meanwhile: of two processes at it, the one
   * that ends last has listed last. What was just uploaded needs no list before it; where nothing was and the file is as
   * this process left it, there is no copy. Answers what it listed last, too.
   */
  async #publishNewest(uploaded: SnapshotInfo | null) {
    let published: SnapshotName | null = uploaded ? await this.#publish(uploaded) : await this.#publishedAsLeft();
    let copies = uploaded ? 1 : 0;
    for (;;) {
      const snapshots = await listSnapshots(this.#context);
      const [newest] = snapshots;
      const isNewest = !newest || (published !== null && newest.version <= published.version);
      if (isNewest || copies >= mostCopies) return { published: copies > 0, snapshots };
      published = await this.#publish(newest);
      copies++;
    }
  }

  async #publish(snapshot: SnapshotInfo): Promise<SnapshotName> {
    const { store, layout, step } = this.#context;
    // A write-ahead log beside it belongs to the file that was there before; it was taken in when that was adopted.
    await store.delete([`${layout.databaseFile}.wal`]);
    await store.copy(snapshot.key, layout.databaseFile);
    await step('published');
    this.#published = { snapshot, file: await store.head(layout.databaseFile) };
    return snapshot;
  }

  /**
   * The snapshot that this process copied last, if the database file was not overwritten since. The content of any
   * other file is unknown: a process that died while copying may have left an older state of the same size.
   */
  async #publishedAsLeft(): Promise<SnapshotName | null> {
    const { store, layout } = this.#context;
    if (!this.#published?.file) return null;
    const { snapshot, file: left } = this.#published;
    const file = await store.head(layout.databaseFile);
    const isAsLeft = file?.size === left.size && file.modifiedAt.getTime() === left.modifiedAt.getTime();
    return isAsLeft ? snapshot : null;
  }
}
