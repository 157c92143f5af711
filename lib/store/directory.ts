/**
 * The store on a directory: a local disk, a network drive, a volume.
 *
 * Owns: objects as files, made whole under a hidden name and linked to their key, which the file system does for one
 * only. Works on NFS, where `link` is atomic and `O_EXCL` needs care. Must not know what the objects mean. The worst
 * that can happen: a drive that was unmounted looks like an empty folder, so 'absent' is said only after the root
 * proved to be the same folder as before.
 */
import { constants, type BigIntStats } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { AppError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import { bodyChunks, throwIfAborted } from './body.ts';
import { errnoOf, mapErrno } from './errno.ts';
import { compareKeys, isKey, requireKey, requirePrefix } from './keys.ts';
import type {
  Body,
  ByteRange,
  CreateOutcome,
  GetOptions,
  ListOptions,
  ListPage,
  ObjectInfo,
  OperationOptions,
  Store,
} from './store.ts';

export interface DirectoryStoreOptions {
  /** The folder that holds the objects. */
  readonly root: string;
  /** Whether to make the root when it is absent. False for a drive that someone mounts: its absence is an outage. */
  readonly create: boolean;
  readonly runtime: Runtime;
}

export function createDirectoryStore(options: DirectoryStoreOptions): Store {
  return new DirectoryStore(options);
}

/** Under the root, and so on the same file system. No key can begin like this inside of a folder that keys use. */
const temporaryFolder = '.eider-tmp';
const staleTemporaryMs = 24 * 3_600_000;
const chunkBytes = 1024 * 1024;
const maxPage = 1000;

class DirectoryStore implements Store {
  readonly location: string;
  readonly #root: string;
  readonly #mayCreate: boolean;
  readonly #runtime: Runtime;
  /** Device and inode of the root when it was first seen. */
  #identity: Promise<string> | null = null;
  /** Folders that this process made or saw; made again when one has gone. */
  readonly #folders = new Set<string>();
  #swept = false;

  constructor({ root, create, runtime }: DirectoryStoreOptions) {
    this.#root = resolve(root);
    this.#mayCreate = create;
    this.#runtime = runtime;
    this.location = `directory ${this.#root}`;
  }

  async create(key: string, body: Body, { signal }: OperationOptions = {}): Promise<CreateOutcome> {
    this.#requireObjectKey(key);
    throwIfAborted(signal);
    return this.#guard(key, async (path) => {
      await this.#requireRoot();
      const temporary = await this.#writeTemporary(body, signal);
      try {
        return await this.#linkTo(temporary, path);
      } finally {
        await rm(temporary, { force: true }).catch(() => undefined);
      }
    });
  }

  async get(key: string, { range, signal }: GetOptions = {}): Promise<Uint8Array | null> {
    this.#requireObjectKey(key);
    throwIfAborted(signal);
    return this.#guard(key, async (path) => {
      const file = await this.#openToRead(path);
      if (!file) return null;
      try {
        const { start, end } = clip(range, (await file.stat()).size);
        const bytes = Buffer.allocUnsafe(end - start);
        await readFully(file, bytes, start);
        return bytes;
      } finally {
        await file.close();
      }
    });
  }

  async read(key: string, { range, signal }: GetOptions = {}): Promise<AsyncIterable<Uint8Array> | null> {
    this.#requireObjectKey(key);
    throwIfAborted(signal);
    return this.#guard(key, async (path) => {
      const file = await this.#openToRead(path);
      return file && this.#stream(file, path, clip(range, (await file.stat()).size), signal);
    });
  }

  async *#stream(
    file: FileHandle,
    path: string,
    { start, end }: ByteRange,
    signal?: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    try {
      for (let position = start; position < end;) {
        throwIfAborted(signal);
        const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, end - position));
        await readFully(file, chunk, position);
        position += chunk.byteLength;
        yield chunk;
      }
    } catch (error) {
      throw mapErrno(error, path);
    } finally {
      await file.close();
    }
  }

  async head(key: string, { signal }: OperationOptions = {}): Promise<ObjectInfo | null> {
    this.#requireObjectKey(key);
    throwIfAborted(signal);
    return this.#guard(key, async (path) => {
      const found = await this.#unlessAbsent(stat(path));
      if (found && !found.isFile()) throw notAFile(path);
      return found && { key, size: found.size, modifiedAt: found.mtime };
    });
  }

  async list(prefix: string, { after, limit = maxPage, signal }: ListOptions = {}): Promise<ListPage> {
    requirePrefix(prefix);
    throwIfAborted(signal);
    return this.#guard(prefix, async () => {
      await this.#requireRoot();
      await this.#sweepOnce();
      const keys = await this.#keysUnder(prefix.slice(0, prefix.lastIndexOf('/') + 1), prefix);
      const wanted = keys.filter((key) => after === undefined || key > after).toSorted(compareKeys);
      const page = wanted.slice(0, Math.min(limit, maxPage));
      // One that went away since its folder was read is simply not there any more.
      const objects = (await Promise.all(page.map((key) => this.head(key)))).filter((info) => info !== null);
      return { objects, more: page.length < wanted.length };
    });
  }

  async copy(from: string, to: string, { signal }: OperationOptions = {}): Promise<void> {
    this.#requireObjectKey(from);
    this.#requireObjectKey(to);
    throwIfAborted(signal);
    await this.#guard(to, async (path) => {
      await this.#requireRoot();
      const temporary = await this.#temporaryPath();
      try {
        const found = await this.#unlessAbsent(
          copyFile(join(this.#root, from), temporary, constants.COPYFILE_FICLONE).then(() => true),
        );
        if (!found) throw new AppError('not-found', `There is no object ${from} to copy.`);
        await syncPath(temporary);
        await this.#inFolderOf(path, () => rename(temporary, path));
        await syncPath(dirname(path));
      } finally {
        await rm(temporary, { force: true }).catch(() => undefined);
      }
    });
  }

  async delete(keys: readonly string[], { signal }: OperationOptions = {}): Promise<void> {
    for (const key of keys) this.#requireObjectKey(key);
    throwIfAborted(signal);
    await this.#guard('', async () => {
      await this.#requireRoot();
      const folders = new Set<string>();
      for (const key of keys) {
        const path = join(this.#root, key);
        await this.#unlessAbsent(rm(path));
        folders.add(dirname(path));
      }
      for (const folder of folders) await this.#unlessAbsent(syncPath(folder));
    });
  }

  /** Keys of files below `folder` (a prefix that ends in `/`, or nothing) that begin with `prefix`. */
  async #keysUnder(folder: string, prefix: string): Promise<string[]> {
    const entries = (await this.#unlessAbsent(readdir(join(this.#root, folder), { withFileTypes: true }))) ?? [];
    const keys: string[] = [];
    for (const entry of entries) {
      const key = `${folder}${entry.name}`;
      if (!isKey(key) || key === temporaryFolder) continue;
      if (entry.isDirectory()) {
        const inner = `${key}/`;
        if (inner.startsWith(prefix) || prefix.startsWith(inner)) keys.push(...(await this.#keysUnder(inner, prefix)));
      } else if (entry.isFile() && key.startsWith(prefix)) keys.push(key);
    }
    return keys;
  }

  /** Gives the file its key, if nobody has it yet. */
  async #linkTo(temporary: string, path: string): Promise<CreateOutcome> {
    try {
      await this.#inFolderOf(path, () => link(temporary, path));
    } catch (error) {
      // NFS may repeat a link whose answer was lost, and then says that the name is taken: by us, if we have two names.
      if ((await stat(temporary)).nlink !== 2) {
        if (errnoOf(error) === 'EEXIST') return 'exists';
        throw error;
      }
    }
    await syncPath(dirname(path)).catch((cause: unknown) => {
      throw new AppError('indeterminate', `${path} was written, but the drive did not confirm it.`, { cause });
    });
    return 'created';
  }

  async #writeTemporary(body: Body, signal?: AbortSignal): Promise<string> {
    const path = await this.#temporaryPath();
    const file = await this.#inFolderOf(path, () => open(path, 'wx', 0o600));
    try {
      for await (const chunk of bodyChunks(body)) {
        throwIfAborted(signal);
        await writeFully(file, chunk);
      }
      await file.sync();
    } catch (error) {
      await rm(path, { force: true }).catch(() => undefined);
      throw error;
    } finally {
      await file.close();
    }
    return path;
  }

  async #temporaryPath(): Promise<string> {
    const path = join(this.#root, temporaryFolder, this.#runtime.uuid());
    await this.#inFolderOf(path, async () => undefined);
    return path;
  }

  /** Runs `work`, which puts a name into the folder of `path`; makes the folder when it is absent. */
  async #inFolderOf<T>(path: string, work: () => Promise<T>): Promise<T> {
    const folder = dirname(path);
    if (!this.#folders.has(folder)) await this.#makeFolder(folder);
    try {
      return await work();
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' || (await isThere(folder))) throw error;
      await this.#requireRoot();
      await this.#makeFolder(folder);
      return work();
    }
  }

  /** Makes a folder below the root so that it survives a crash: each new name is synced in its parent. */
  async #makeFolder(folder: string): Promise<void> {
    if (folder !== this.#root) {
      if (!(await isThere(dirname(folder)))) await this.#makeFolder(dirname(folder));
      const made = await mkdir(folder, { mode: 0o700 }).then(
        () => true,
        (error: unknown) => {
          if (errnoOf(error) === 'EEXIST') return false;
          throw error;
        },
      );
      if (made) await syncPath(dirname(folder));
    }
    this.#folders.add(folder);
  }

  async #openToRead(path: string): Promise<FileHandle | null> {
    const file = await this.#unlessAbsent(open(path, 'r'));
    if (file && !(await file.stat()).isFile()) {
      await file.close();
      throw notAFile(path);
    }
    return file;
  }

  /** What the promise gives; null when the path is absent and the root is still the folder that it was. */
  async #unlessAbsent<T>(operation: Promise<T>): Promise<T | null> {
    try {
      const value = await operation;
      if (!this.#identity) await this.#requireRoot();
      return value;
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      await this.#requireRoot();
      return null;
    }
  }

  /** Throws `unavailable` unless the root is there, and is the folder that it was when first seen. */
  async #requireRoot(): Promise<void> {
    this.#identity ??= this.#firstSight().catch((error: unknown) => {
      this.#identity = null;
      throw error;
    });
    const known = await this.#identity;
    const now = await stat(this.#root, { bigint: true }).catch((error: unknown) => {
      throw this.#rootGone(error);
    });
    if (identityOf(now) !== known) throw this.#rootGone(new Error('another folder has its name'));
  }

  async #firstSight(): Promise<string> {
    if (this.#mayCreate) await mkdir(this.#root, { recursive: true });
    const found = await stat(this.#root, { bigint: true }).catch((error: unknown) => {
      throw this.#rootGone(error);
    });
    if (!found.isDirectory()) throw mapErrno(Object.assign(new Error('not a folder'), { code: 'ENOTDIR' }), this.#root);
    return identityOf(found);
  }

  #rootGone(cause: unknown): AppError {
    const code = errnoOf(cause);
    if (code !== undefined && code !== 'ENOENT') return mapErrno(cause, this.#root);
    return new AppError('unavailable', `The folder ${this.#root} is not there${code ? '' : ' any more'}.`, {
      cause,
      hint: 'Mount the drive, or correct the path. Eider does not make this folder, as an empty one would look like an empty database.',
    });
  }

  /** Removes what writers that died a day ago left. Never fails. */
  async #sweepOnce(): Promise<void> {
    if (this.#swept) return;
    this.#swept = true;
    const folder = join(this.#root, temporaryFolder);
    for (const name of await readdir(folder).catch(() => [])) {
      const path = join(folder, name);
      const found = await stat(path).catch(() => null);
      if (found && this.#runtime.now() - found.mtimeMs > staleTemporaryMs)
        await rm(path, { force: true }).catch(() => undefined);
    }
  }

  #requireObjectKey(key: string): void {
    requireKey(key);
    if (key === temporaryFolder || key.startsWith(`${temporaryFolder}/`)) {
      throw new AppError('invalid', `Keys below ${temporaryFolder} are kept for temporary files.`);
    }
  }

  async #guard<T>(key: string, work: (path: string) => Promise<T>): Promise<T> {
    const path = join(this.#root, key);
    try {
      return await work(path);
    } catch (error) {
      throw mapErrno(error, path);
    }
  }
}

function identityOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

function clip(range: ByteRange | undefined, size: number): ByteRange {
  const start = Math.min(range?.start ?? 0, size);
  return { start, end: Math.max(start, Math.min(range?.end ?? size, size)) };
}

async function readFully(file: FileHandle, buffer: Buffer, position: number): Promise<void> {
  for (let done = 0; done < buffer.byteLength;) {
    const { bytesRead } = await file.read(buffer, done, buffer.byteLength - done, position + done);
    if (bytesRead === 0) throw new AppError('unavailable', 'The file ended early; it was changed while it was read.');
    done += bytesRead;
  }
}

async function writeFully(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.byteLength;) {
    done += (await file.write(chunk, done, chunk.byteLength - done)).bytesWritten;
  }
}

/** Forces a file's bytes, or a folder's names, to the disk. */
async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function notAFile(path: string): AppError {
  return new AppError('unavailable', `${path} is not a file.`, { hint: 'Move away what has the name of an object.' });
}
