/**
 * Copies of the replica's files, for other processes that read: DuckDB lets no other process open the replica's own.
 *
 * The main file stands still between two checkpoints, so the copy of it serves many versions (as a hard link); the
 * write-ahead log, which is short, is copied for each.
 */
import { copyFile, link, mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../store/errno.ts';
import type { ReplicaHost } from './host.ts';
import { mapLocalError } from './local-disk.ts';
import type { Replica } from './replica.ts';
import type { Slot } from './slot.ts';
import { requireRoom, writeBody } from './snapshot.ts';

/** Files that hold a version and are not written. Open them for reading only, as several users may share them. */
export interface ReplicaCopy {
  readonly path: string;
  readonly version: number;
  /** Gives it back; it may be removed then. */
  release(): void;
}

interface KeptCopy {
  readonly folder: string;
  readonly path: string;
  readonly version: number;
  readonly base: CopyBase;
  users: number;
}

/** A copy of the main file, and what tells whether the main file is still the same. */
interface CopyBase {
  readonly path: string;
  readonly replica: Replica;
  readonly stamp: string;
}

/** What the replica may need of the disk while copies lie on it. */
const spareBytes = 32 * 1024 * 1024;

export class ReplicaCopies {
  readonly #slot: Slot;
  readonly #host: ReplicaHost;
  #current: KeptCopy | null = null;
  #count = 0;

  constructor(slot: Slot, host: ReplicaHost) {
    this.#slot = slot;
    this.#host = host;
  }

  /** A copy of the replica as it is now, at `least` or after: the last one where nothing was committed since. */
  async acquire(least: number): Promise<ReplicaCopy> {
    const kept = this.#isCurrent(least) ? this.#current! : await this.#host.exclusive(() => this.#copyPresent(least));
    kept.users++;
    let released = false;
    return {
      path: kept.path,
      version: kept.version,
      release: () => {
        if (released) return;
        released = true;
        kept.users--;
        this.#removeUnused(kept);
      },
    };
  }

  #isCurrent(least: number): boolean {
    const { replica, version } = this.#host;
    return this.#current?.version === version && this.#current.base.replica === replica && version >= least;
  }

  async #copyPresent(least: number): Promise<KeptCopy> {
    if (this.#host.isBehind(least)) await this.#host.catchUp();
    if (this.#isCurrent(least)) return this.#current!;
    const before = this.#current;
    const folder = join(this.#slot.folder, 'copies.part', String(this.#count++));
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const base = await this.#baseOf(before, folder);
      const path = join(folder, 'replica.duckdb');
      if (base.path !== path) await link(base.path, path);
      await copyIfThere(`${this.#slot.replicaPath}.wal`, `${path}.wal`);
      this.#current = { folder, path, version: this.#host.version, base: { ...base, path }, users: 0 };
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw mapLocalError(error);
    }
    if (before) this.#removeUnused(before);
    return this.#current;
  }

  /** The main file's copy that `before` has, if it is still good, else a new one in `folder`. */
  async #baseOf(before: KeptCopy | null, folder: string): Promise<CopyBase> {
    const { replica } = this.#host;
    const stamp = await stampOf(this.#slot.replicaPath);
    if (before?.base.replica === replica && before.base.stamp === stamp) return before.base;
    const path = join(folder, 'replica.duckdb');
    await copyMainFile(replica, path);
    return { path, replica, stamp };
  }

  #removeUnused(kept: KeptCopy): void {
    if (kept.users > 0 || kept === this.#current) return;
    // What cannot be removed now is removed with the slot's other temporary files.
    void rm(kept.folder, { recursive: true, force: true }).catch(() => undefined);
  }

  /** Removes unused copies. */
  close(): void {
    const last = this.#current;
    this.#current = null;
    if (last) this.#removeUnused(last);
  }
}

/** Changes with every write to the file: a checkpoint, or rows too many for the write-ahead log. */
async function stampOf(path: string): Promise<string> {
  const { ino, size, mtimeNs } = await stat(path, { bigint: true });
  return `${ino}-${size}-${mtimeNs}`;
}

/** By the replica's own descriptor: closing another one of that file would drop the lock that the process holds on it. */
async function copyMainFile(replica: Replica, path: string): Promise<void> {
  const { body, release } = replica.holdFile();
  try {
    requireRoom(path, body.size + spareBytes, 'A copy of the database for queries');
    await writeBody(body, path);
  } finally {
    release();
  }
}

async function copyIfThere(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}
