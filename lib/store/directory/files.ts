/** Files and folders on a drive that may be far away, with what POSIX and NFS leave to the caller. */
import { constants, type Stats } from 'node:fs';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AppError } from '../../errors.ts';
import { errnoOf } from '../errno.ts';

/** What opening a pipe would do without the second flag: wait for someone to write into it. */
const toRead = constants.O_RDONLY | constants.O_NONBLOCK;

export interface OpenedFile {
  readonly file: FileHandle;
  readonly stats: Stats;
}

/** The file at `path`, to be read and closed. Throws ENOENT when it is absent, `unavailable` for what is no file. */
async function openFile(path: string): Promise<OpenedFile> {
  const file = await open(path, toRead);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw notAFile(path);
    return { file, stats };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Runs `work` on the file at `path`, which is closed when `work` ends. */
export async function withFile<T>(path: string, work: (opened: OpenedFile) => Promise<T>): Promise<T> {
  const opened = await openFile(path);
  try {
    return await work(opened);
  } finally {
    await opened.file.close();
  }
}

export function notAFile(path: string): AppError {
  return new AppError('unavailable', `${path} is not a file.`, { hint: 'Move away what has the name of an object.' });
}

/** The `size` bytes from `position` on, none fewer. */
export async function readFully(file: FileHandle, size: number, position: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
  for (let done = 0; done < size;) {
    const { bytesRead } = await file.read(bytes, done, size - done, position + done);
    if (bytesRead === 0) throw new AppError('unavailable', 'The file ended early; it was changed while it was read.');
    done += bytesRead;
  }
  return bytes;
}

export async function writeFully(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.byteLength;) {
    done += (await file.write(chunk, done, chunk.byteLength - done)).bytesWritten;
  }
}

/** Forces the names in a folder to the disk. */
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
 * too: whoever made it may not have come so far yet.
 */
export async function makeFolder(folder: string, top?: string): Promise<void> {
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

/** What `work` gives, or null when it says that its path is absent. */
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
