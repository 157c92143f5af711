/**
 * The folder that holds everything, and the folders in it. It must still be the same one: a drive that was unmounted
 * leaves an empty folder in its place, which looks like a new database.
 */
import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { AppError } from '../../errors.ts';
import { errnoOf, mapErrno, onPath } from '../errno.ts';
import { makeFolder } from './files.ts';

export class Root {
  readonly path: string;
  readonly #mayMake: boolean;
  #known: BigIntStats | null = null;
  #firstSight: Promise<void> | null = null;
  /** Folders that this process made or found. */
  readonly #folders = new Set<string>();

  /** `mayMake`: whether to make the folder when it was never seen. Once seen, it is never made again. */
  constructor(path: string, mayMake: boolean) {
    this.path = path;
    this.#mayMake = mayMake;
  }

  /** Throws `unavailable` unless the root is there, and is the folder that it was when first seen. */
  async require(): Promise<void> {
    this.#firstSight ??= this.#meet().catch((error: unknown) => {
      this.#firstSight = null;
      throw error;
    });
    await this.#firstSight;
    const now = await this.#look();
    if (this.#known && !isSameFolder(this.#known, now)) throw this.#gone('has another folder in its place');
    this.#known = now;
  }

  /**
   * Runs `work`, which puts a name into `folder`; makes the folder when it is absent, and again when it has gone. It is
   * synced into its parent first, or an acknowledged object could be lost with its folder in a crash.
   */
  async within<T>(folder: string, work: () => Promise<T>): Promise<T> {
    if (!this.#folders.has(folder)) await this.#make(folder);
    try {
      return await work();
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      await this.require();
      await this.#make(folder);
      return work();
    }
  }

  async #make(folder: string): Promise<void> {
    await makeFolder(folder, this.path);
    this.#folders.add(folder);
  }

  async #meet(): Promise<void> {
    try {
      this.#known = await this.#look();
    } catch (error) {
      if (!this.#mayMake || !(error instanceof AppError) || errnoOf(error.cause) !== 'ENOENT') throw error;
      await onPath(this.path, () => makeFolder(this.path));
      this.#known = await this.#look();
    }
  }

  async #look(): Promise<BigIntStats> {
    const found = await stat(this.path, { bigint: true }).catch((error: unknown) => {
      throw errnoOf(error) === 'ENOENT' ? this.#gone('is not there', error) : mapErrno(error, this.path);
    });
    if (found.isDirectory()) return found;
    throw new AppError('unavailable', `${this.path} is not a folder.`, {
      hint: 'Name a folder, or move away what has its name.',
    });
  }

  #gone(problem: string, cause?: unknown): AppError {
    return new AppError('unavailable', `The folder ${this.path} ${problem}.`, {
      cause,
      hint: 'Mount the drive, or correct the path. An empty folder is not made in its place, as that would look like an empty database.',
    });
  }
}

/**
 * By number and time of birth: the number alone goes to the next folder that is made, and the device's changes when a
 * network drive is mounted again. Where a file system keeps no time of birth, Node answers zero, or the time of the last
 * change: https://nodejs.org/api/fs.html#stat-time-values. The latter shows in `known`, which follows every change.
 */
function isSameFolder(known: BigIntStats, now: BigIntStats): boolean {
  if (now.ino !== known.ino) return false;
  const knowsBirth = known.birthtimeNs !== known.ctimeNs;
  return !knowsBirth || now.birthtimeNs === known.birthtimeNs;
}
