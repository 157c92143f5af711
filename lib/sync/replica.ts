/** The replica: one DuckDB file on which this process works, its position on the log, and its connections. */
import type { DuckDBInstance } from '@duckdb/node-api';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { AppError } from '../errors.ts';
import type { StreamBody } from '../store/store.ts';
import { Shapes } from './shapes.ts';
import type { SyncSettings } from './context.ts';
import { DefinitionsByVersion, type Definitions } from './definitions.ts';
import { openInstance } from './instance.ts';
import { breaksReplica, mapLocalError, requireRoomToCommit } from './local-disk.ts';
import { positionOf, type StoredRecord } from './log.ts';
import { Overlay, type StateWork } from './overlay.ts';
import { type Position, readPosition, writePosition } from './position.ts';
import { ReaderPool } from './readers.ts';
import type { Change, LogRecord } from './record.ts';
import { replaySet, sets } from './replay.ts';
import type { Slot } from './slot.ts';
import { fileBody } from './snapshot.ts';
import { Session } from './sql.ts';

/** The replica's file while nothing writes to it. */
export interface FoldedFile {
  readonly body: StreamBody;
  readonly release: () => void;
}

/** So many reads begin a transaction at once after a commit has spoiled one: where commits are frequent, most would be spoiled. */
const distrustedReads = 8;

export interface ReplicaReadOptions {
  readonly signal?: AbortSignal | undefined;
  /** It may run twice: the first time without a transaction of its own, which a commit would spoil. */
  readonly isShort?: true;
}

export class Replica {
  readonly writer: Session;
  readonly shapes: Shapes;
  readonly #instance: DuckDBInstance;
  /** Kept open as long as DuckDB is: closing any descriptor of the file would drop the process's lock on it. */
  readonly #fd: number;
  readonly #path: string;
  readonly #readers: ReaderPool;
  readonly #definitions = new DefinitionsByVersion();
  #position: Position;
  /** Commits that have begun. */
  #commits = 0;
  #isCommitting = false;
  /** Reads left that begin a transaction at once. */
  #distrust = 0;
  #retired: unknown;
  /** Only a checkpoint makes the main file shorter, so it is never shorter than this. */
  #leastBytes: number;
  readonly #holds = new Set<Promise<void>>();
  readonly #overlays = new Set<Overlay>();

  private constructor(parts: {
    instance: DuckDBInstance;
    fd: number;
    path: string;
    writer: Session;
    position: Position;
    maxReaders: number;
  }) {
    this.#instance = parts.instance;
    this.#fd = parts.fd;
    this.#path = parts.path;
    this.writer = parts.writer;
    this.shapes = new Shapes(parts.writer);
    this.#position = parts.position;
    this.#readers = new ReaderPool(parts.instance, parts.maxReaders);
    this.#leastBytes = this.fileBytes;
  }

  /**
   * Opens the slot's replica, making an empty one when there is no file. `adoptedSha256` says that the file is an
   * adopted database, whatever state it may carry from another life. `corrupt` when DuckDB cannot open the file.
   */
  static async open(slot: Slot, settings: SyncSettings, adoptedSha256?: string): Promise<Replica> {
    const path = slot.replicaPath;
    const instance = await openInstance(slot, settings);
    const fd = openSync(path, 'r');
    try {
      const writer = new Session(await instance.connect());
      const position = await readPosition(writer, adoptedSha256);
      return new Replica({ instance, fd, path, writer, position, maxReaders: settings.maxReaders });
    } catch (error) {
      instance.closeSync();
      closeSync(fd);
      throw error;
    }
  }

  get position(): Position {
    return this.#position;
  }

  /** What tables there are at its position. */
  get definitions(): Definitions {
    return this.#definitions.newest;
  }

  /** Why the replica must not be used any more, undefined when it may. */
  get retired(): unknown {
    return this.#retired;
  }

  retire(reason: unknown): void {
    this.#retired ??= reason;
  }

  /** Retires the replica if `error` says that DuckDB, or its file, is broken. */
  judge(error: unknown): void {
    if (breaksReplica(error)) this.retire(error);
  }

  /** Runs `work` on DuckDB and judges its failure. */
  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.judge(error);
      throw mapLocalError(error);
    }
  }

  /** Runs `work` on a reading session of its own, in a read-only transaction that begins with the position. */
  read<T>(work: StateWork<T>, options: ReplicaReadOptions = {}): Promise<T> {
    return this.#guarded(() => this.#read(work, options));
  }

  #read<T>(work: StateWork<T>, { signal, isShort }: ReplicaReadOptions): Promise<T> {
    return this.#readers.use(async (session) => {
      const interrupt = (): void => session.connection.interrupt();
      signal?.addEventListener('abort', interrupt);
      try {
        const found = isShort ? await this.#readBetweenCommits(session, work) : null;
        return found ? found.value : await this.#readInTransaction(session, work);
      } finally {
        signal?.removeEventListener('abort', interrupt);
      }
    });
  }

  async #readInTransaction<T>(session: Session, work: StateWork<T>): Promise<T> {
    await session.execute('BEGIN TRANSACTION READ ONLY');
    try {
      const [row] = await session.rows('SELECT version FROM eider.state');
      const version = Number(row?.[0]);
      return await work(session, version, this.#definitions.at(version));
    } finally {
      // Nothing was written, and COMMIT after an error would claim success: ROLLBACK ends both alike.
      await session.execute('ROLLBACK');
    }
  }

  /**
   * Runs `work` without a transaction: where no commit was made meanwhile, all of its statements have seen one state, the
   * one at the position. Null when one was made, and the result is to be thrown away.
   */
  async #readBetweenCommits<T>(session: Session, work: StateWork<T>): Promise<{ readonly value: T } | null> {
    const commits = this.#commits;
    this.#distrust -= 1;
    if (this.#isCommitting || this.#distrust > 0) return null;
    const { version } = this.#position;
    try {
      const value = await work(session, version, this.#definitions.at(version));
      if (this.#commits === commits) return { value };
    } catch (error) {
      if (this.#commits === commits) throw error;
    }
    this.#distrust = distrustedReads;
    return null;
  }

  async begin(): Promise<void> {
    await this.#guarded(() => this.writer.execute('BEGIN TRANSACTION'));
  }

  async rollback(): Promise<void> {
    await this.writer.execute('ROLLBACK');
  }

  /** Moves the position within the open transaction: the first half of `commit`, to overlap it with other work. */
  movePosition(position: Position): Promise<void> {
    const moved = writePosition(this.writer, position);
    // Thrown where it is awaited, which may be later than it fails.
    moved.catch(() => undefined);
    return moved;
  }

  /**
   * Moves the position to `position`, unless that has begun, and commits the open transaction, which made `changes`. If
   * that fails, the replica is retired.
   */
  async commit(
    position: Position,
    changes: readonly Change[],
    moved: Promise<void> = this.movePosition(position),
  ): Promise<void> {
    try {
      await moved;
      requireRoomToCommit(this.#path);
      this.#definitions.note(position.version, changes);
      this.#commits += 1;
      this.#isCommitting = true;
      await this.writer.execute('COMMIT');
    } catch (error) {
      this.#retired = error;
      throw mapLocalError(error);
    }
    this.#isCommitting = false;
    this.#position = position;
  }

  /**
   * Applies records that continue the position (the caller has checked the chain): runs of row images in sets, a record
   * with DDL in a transaction of its own, as it was made. Answers the number of row images.
   */
  async apply(records: readonly StoredRecord[]): Promise<number> {
    let images = 0;
    for (const set of sets(records)) images += await this.#applySet(set);
    return images;
  }

  async #applySet(records: readonly LogRecord[]): Promise<number> {
    const last = records.at(-1);
    if (!last) return 0;
    await this.begin();
    let images = 0;
    try {
      images = await replaySet(this.writer, this.shapes, records);
    } catch (error) {
      this.judge(error);
      // If DuckDB has already aborted the transaction, ROLLBACK fails.
      await this.rollback().catch((again: unknown) => (this.#retired ??= again));
      this.shapes.forget();
      throw mapLocalError(error);
    }
    await this.commit(
      positionOf(last),
      records.flatMap(({ changes }) => changes),
    );
    return images;
  }

  /** Moves everything into the main file, so that until the next checkpoint it does not change while commits go on. */
  async checkpoint(): Promise<void> {
    this.#requireFile();
    await this.#guarded(() => this.writer.execute('CHECKPOINT'));
    this.#leastBytes = this.fileBytes;
  }

  /**
   * Retires the replica when someone removed or cut off its file. DuckDB would not notice: it would write its changes
   * beside holes, and they would be uploaded.
   */
  #requireFile(): void {
    if (this.#isWhole()) return;
    this.#retired ??= 'damaged';
    throw new AppError('unavailable', "The local replica's file was removed or truncated. It is being rebuilt.", {
      hint: 'Do not clean the temporary folder while this process runs.',
      retryAfterMs: 1000,
    });
  }

  #isWhole(): boolean {
    const { nlink, size } = fstatSync(this.#fd);
    return nlink > 0 && size >= this.#leastBytes;
  }

  /** The main file as it is now, for an upload after `checkpoint`. The replica is not closed before `release`. */
  holdFile(): FoldedFile {
    let release!: () => void;
    const held = new Promise<void>((resolve) => (release = resolve));
    this.#holds.add(held);
    return {
      body: fileBody(this.#fd, this.fileBytes),
      release: () => {
        this.#holds.delete(held);
        release();
      },
    };
  }

  /** An overlay on the state as it is now. It ends when the replica is closed, if not before. */
  async openOverlay(): Promise<Overlay> {
    const ended = (overlay: Overlay): void => void this.#overlays.delete(overlay);
    const overlay = await Overlay.begin(this.#instance, this.definitions, ended);
    this.#overlays.add(overlay);
    return overlay;
  }

  /** Size of the main file in bytes. */
  get fileBytes(): number {
    return fstatSync(this.#fd).size;
  }

  /** Size of DuckDB's write-ahead log in bytes. */
  async walBytes(): Promise<number> {
    return stat(`${this.#path}.wal`).then(
      ({ size }) => size,
      () => 0,
    );
  }

  /** Waits for readers, and for uploads of the file, to end; then closes. */
  async close(): Promise<void> {
    if (this.#retired === 'closed') return;
    const isSound = this.#retired === undefined && this.#isWhole();
    this.#retired = 'closed';
    const overlays = [...this.#overlays].map((overlay) => overlay.end());
    await Promise.all([this.#readers.close(), ...this.#holds, ...overlays]);
    // DuckDB's last checkpoint opens files by name, and they may belong to another process now. Even this PRAGMA may fail.
    if (!isSound) await this.writer.execute('PRAGMA disable_checkpoint_on_shutdown').catch(() => undefined);
    this.writer.close();
    this.#instance.closeSync();
    closeSync(this.#fd);
  }
}
