/**
 * Checkpoint: uploading a new snapshot, publishing the database file, dropping what is no longer needed.
 *
 * What is published is always the newest snapshot that the store lists, and it is listed again afterwards; and a file
 * that this process did not write is not trusted to be it.
 */
import { AppError } from '../errors.ts';
import type { ObjectInfo } from '../store/store.ts';
import type { SyncContext } from './context.ts';
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
const mostPublishRounds = 5;

export class Checkpointer {
  readonly #context: SyncContext;
  readonly #host: ReplicaHost;
  /** One at a time: while the file is uploaded nothing else may fold the write-ahead log into it. */
  readonly #turn = new Turn();
  /** The snapshot that this process published last, and the database file as it was then. */
  #published: { readonly key: string; readonly file: ObjectInfo | null } | null = null;

  constructor(context: SyncContext, host: ReplicaHost) {
    this.#context = context;
    this.#host = host;
  }

  /** Takes a checkpoint of the replica's present version. */
  run(): Promise<CheckpointReport> {
    return this.#turn.take(() => this.#checkpoint());
  }

  /**
   * Takes a checkpoint if one is due by the policy, asked when its turn comes: while one is uploaded the next still
   * looks due, and every write asks.
   */
  runIfDue(): Promise<void> {
    return this.#turn.take(async () => {
      const { replica, tail } = this.#host;
      if (replica.condemned) return;
      if (isCheckpointDue(replica.fileBytes, tail)) await this.#checkpoint();
      else await this.#foldIfDue();
    });
  }

  /** Keeps DuckDB's write-ahead log short on a replica whose checkpoints others take. */
  async #foldIfDue(): Promise<void> {
    const { replica } = this.#host;
    if (isFoldDue(replica.fileBytes, await replica.walBytes())) (await this.#fold()).release();
  }

  /** Lends the newest committed state as one file that stands still meanwhile. */
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
    const { snapshot, uploaded } = await this.#snapshotPresent();
    const published = await this.#publishNewest(uploaded);
    const dropped = await dropUnneeded(this.#context, snapshot.modifiedAt.getTime());
    return { version: snapshot.version, bytes: snapshot.bytes, uploaded, published, dropped };
  }

  /** Uploads a snapshot of the present version, unless the store has a good one. */
  async #snapshotPresent(): Promise<{ snapshot: SnapshotInfo; uploaded: boolean }> {
    const known = this.#host.tail.snapshot;
    if (known && known.version === this.#host.version) return { snapshot: known, uploaded: false };
    const name = await this.#upload();
    const info = await this.#context.store.head(name.key);
    if (!info) throw new AppError('unavailable', `The snapshot ${name.key} went away right after its upload.`);
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
        if (attempt === foldAttempts || this.#host.replica.condemned) {
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
   * that ends last has listed last. Skips the copy when nothing was uploaded and the file is as this process left it.
   */
  async #publishNewest(uploaded: boolean): Promise<boolean> {
    const { store, layout, step } = this.#context;
    let published: string | null = uploaded ? null : await this.#publishedKey();
    for (let round = 0; round < mostPublishRounds; round++) {
      const [newest] = await listSnapshots(this.#context);
      if (!newest || newest.key === published) return round > 0;
      // A write-ahead log beside it belongs to the file that was there before; it was taken in when that was adopted.
      await store.delete([`${layout.databaseFile}.wal`]);
      await store.copy(newest.key, layout.databaseFile);
      await step('published');
      this.#published = { key: newest.key, file: await store.head(layout.databaseFile) };
      published = newest.key;
    }
    return true;
  }

  /**
   * The key of the snapshot that this process copied last, if nobody has overwritten the database file since. Of no
   * other file it is known what it holds: one that died in its copy may have left an older state, and as large.
   */
  async #publishedKey(): Promise<string | null> {
    const { store, layout } = this.#context;
    if (!this.#published?.file) return null;
    const { key, file: left } = this.#published;
    const file = await store.head(layout.databaseFile);
    const isAsLeft = file?.size === left.size && file.modifiedAt.getTime() === left.modifiedAt.getTime();
    return isAsLeft ? key : null;
  }
}
