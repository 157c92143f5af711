/**
 * The folder that holds everything must stay the same one: an unmounted drive leaves an empty folder, which looks like
 * a new database.
 */
import { type BigIntStats, constants, type Stats } from 'node:fs';
import { type FileHandle, mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AppError } from '../../errors.ts';
import { errnoOf, mapErrno, onPath } from '../errno.ts';

export class Root {
  readonly path: string;
  readonly #mayMake: boolean;
  #known: BigIntStats | null = null;
  #firstSight: Promise<void> | null = null;
  readonly #folders = new Set<string>();

  /** `mayMake`: whether to make the folder when it was never seen. Once seen, it is never made again. */
  constructor(path: string, mayMake: boolean) {
    this.path = path;
    this.#mayMake = mayMake;
  }

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
    throw new AppError('denied', `${this.path} is not a folder.`, {
      hint: 'Name a folder, or move away the file of that name.',
    });
  }

  #gone(problem: string, cause?: unknown): AppError {
    return new AppError('denied', `The folder ${this.path} ${problem}.`, {
      cause,
      hint: 'Mount the drive, or correct the path. An empty folder is not created, as it would look like an empty database.',
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

/** What opening a pipe would do without the second flag: wait for someone to write into it. */
const toRead = constants.O_RDONLY | constants.O_NONBLOCK;

export interface OpenedFile {
  readonly file: FileHandle;
  readonly stats: Stats;
}

/** Throws ENOENT when the file is absent, `unavailable` for what is no file. */
export async function withFile<T>(path: string, work: (opened: OpenedFile) => Promise<T>): Promise<T> {
  const file = await open(path, toRead);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw notAFile(path);
    return await work({ file, stats });
  } finally {
    await file.close();
  }
}

export function notAFile(path: string): AppError {
  return new AppError('unavailable', `${path} is not a file.`, {
    hint: 'Move it away: its name is the name of an object.',
  });
}

export async function readFully(file: FileHandle, size: number, position: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
  for (let done = 0; done < size;) {
    const { bytesRead } = await file.read(bytes, done, size - done, position + done);
    if (bytesRead === 0) throw new AppError('unavailable', 'The file was changed while it was read.');
    done += bytesRead;
  }
  return bytes;
}

export async function writeFully(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.byteLength;) {
    done += (await file.write(chunk, done, chunk.byteLength - done)).bytesWritten;
  }
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } catch (error) {
    // Some network and FUSE drives have no such notion: what they acknowledged is as safe as they make it.
    if (!['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(errnoOf(error) ?? '')) throw error;
  } finally {
    await handle.close();
  }
}

/**
 * Makes `folder`, and those above it up to `top`, so that they survive a crash. One that is there already is synced
 * too: the process that created it may not have done so yet.
 */
async function makeFolder(folder: string, top?: string): Promise<void> {
  if (folder === top) return;
  try {
    await mkdirUnlessThere(folder);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || dirname(folder) === folder) throw error;
    await makeFolder(dirname(folder), top);
    await mkdirUnlessThere(folder);
  }
  await syncFolder(dirname(folder));
}

async function mkdirUnlessThere(folder: string): Promise<void> {
  await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
    if (errnoOf(error) !== 'EEXIST') throw error;
  });
}

export async function nullIfAbsent<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/**
 * What `work` gives, or null when it says twice that `path` is absent. An NFS client remembers for up to a minute that a
 * name was absent, but opening a folder makes it ask the server whether that has changed ("close-to-open"):
 * https://man7.org/linux/man-pages/man5/nfs.5.html, under "Data and metadata coherence".
 */
export async function nullIfStillAbsent<T>(path: string, top: string, work: () => Promise<T>): Promise<T | null> {
  const value = await nullIfAbsent(work);
  if (value !== null) return value;
  await lookAgain(dirname(path), top);
  return nullIfAbsent(work);
}

async function lookAgain(folder: string, top: string): Promise<void> {
  const look = async (): Promise<true> => {
    await (await open(folder, constants.O_RDONLY | constants.O_DIRECTORY)).close();
    return true;
  };
  if ((await nullIfAbsent(look)) || folder === top) return;
  await lookAgain(dirname(folder), top);
  await nullIfAbsent(look);
}
