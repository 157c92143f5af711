/**
 * The store on a directory: a local disk, a network drive, a volume.
 *
 * Owns: objects as files, made whole under a name that no key has and then linked to their key, which the file system
 * does for one only. Works on NFS, where `link` is atomic, answers get lost and caches grow old. Must not know what the
 * objects mean. The worst that can happen: a drive that was unmounted looks like an empty folder, so 'absent' is said,
 * and a write acknowledged, only after the root proved to be the same folder as before.
 */
import { constants } from 'node:fs';
import { copyFile, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { AppError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import { bodyChunks } from './body.ts';
import {
  notAFile,
  nullIfAbsent,
  nullIfStillAbsent,
  openFile,
  readFully,
  withFile,
  writeFully,
} from './directory/files.ts';
import { Folders } from './directory/folders.ts';
import { firstObjects, keysUnder } from './directory/listing.ts';
import { Names } from './directory/names.ts';
import { Root } from './directory/root.ts';
import { Temporaries, type Temporary } from './directory/temporaries.ts';
import { mapErrno, onPath } from './errno.ts';
import { requireKey, requirePage, requirePrefix } from './keys.ts';
import { clipRange, requireRange } from './range.ts';
import { orAborted, throwIfAborted } from './signal.ts';
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

const chunkBytes = 1024 * 1024;

class DirectoryStore implements Store {
  readonly location: string;
  readonly #root: Root;
  readonly #temporaries: Temporaries;
  readonly #names: Names;

  constructor({ root, create, runtime }: DirectoryStoreOptions) {
    this.#root = new Root(resolve(root), create);
    const folders = new Folders(this.#root);
    this.#temporaries = new Temporaries(this.#root.path, folders, runtime);
    this.#names = new Names(this.#root, folders);
    this.location = `directory ${this.#root.path}`;
  }

  async create(key: string, body: Body, { signal }: OperationOptions = {}): Promise<CreateOutcome> {
    const path = this.#pathOf(key);
    throwIfAborted(signal);
    await this.#root.require();
    // A large body is not written in vain. For a small one, asking first costs more than it saves.
    if (!(body instanceof Uint8Array) && (await this.#isTaken(path))) return 'exists';
    return this.#temporaries.use(async (temporary) => {
      await fill(temporary, body, path, signal);
      return onPath(path, () => this.#names.claim(temporary, path));
    });
  }

  async get(key: string, { range, signal }: GetOptions = {}): Promise<Uint8Array | null> {
    requireRange(range);
    return this.#look(key, signal, (path) =>
      withFile(path, ({ file, stats }) => {
        const { start, end } = clipRange(range, stats.size);
        return readFully(file, end - start, start);
      }),
    );
  }

  async read(key: string, { range, signal }: GetOptions = {}): Promise<AsyncIterable<Uint8Array> | null> {
    requireRange(range);
    const isThere = await this.#look(key, signal, (path) => withFile(path, async () => true as const));
    return isThere && this.#stream(this.#pathOf(key), range, signal);
  }

  /** Opens the file when the iteration begins: a stream that nobody consumes holds nothing. */
  async *#stream(path: string, range: ByteRange | undefined, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    throwIfAborted(signal);
    const { file, stats } = await onPath(path, () => openFile(path));
    try {
      await this.#root.require();
      const { start, end } = clipRange(range, stats.size);
      for (let position = start; position < end; position += chunkBytes) {
        throwIfAborted(signal);
        yield await readFully(file, Math.min(chunkBytes, end - position), position);
      }
    } catch (error) {
      throw mapErrno(error, path);
    } finally {
      await file.close();
    }
  }

  async head(key: string, { signal }: OperationOptions = {}): Promise<ObjectInfo | null> {
    return this.#look(key, signal, (path) =>
      // Opened rather than looked up: on NFS, that asks the server.
      withFile(path, async ({ stats }) => ({ key, size: stats.size, modifiedAt: stats.mtime })),
    );
  }

  async list(prefix: string, { signal, ...page }: ListOptions = {}): Promise<ListPage> {
    requirePrefix(prefix);
    const { limit, isAfter } = requirePage(page);
    return orAborted(signal, () =>
      onPath(join(this.#root.path, prefix), async () => {
        await this.#temporaries.sweep();
        const keys = await keysUnder(this.#root.path, prefix);
        const objects = await firstObjects(this.#root.path, keys.filter(isAfter), limit);
        await this.#root.require();
        return objects;
      }),
    );
  }

  async copy(from: string, to: string, { signal }: OperationOptions = {}): Promise<void> {
    const source = this.#pathOf(from);
    const target = this.#pathOf(to);
    throwIfAborted(signal);
    await this.#root.require();
    await this.#temporaries.use(async (temporary) => {
      const found = await onPath(source, () =>
        this.#unlessAbsent(source, () => withFile(source, () => duplicate(source, temporary, target))),
      );
      if (!found) throw new AppError('not-found', `There is no object ${from} to copy.`);
      throwIfAborted(signal);
      await onPath(target, () => this.#names.replace(temporary, target));
    });
  }

  async delete(keys: readonly string[], { signal }: OperationOptions = {}): Promise<void> {
    const paths = keys.map((key) => this.#pathOf(key));
    throwIfAborted(signal);
    await this.#root.require();
    const changed = new Map<string, string>();
    for (const path of paths) {
      if (changed.size === 0) throwIfAborted(signal);
      else if (signal?.aborted) throw stoppedHalfway(signal);
      await onPath(path, () => nullIfStillAbsent(path, this.#root.path, () => unlink(path)));
      changed.set(dirname(path), path);
    }
    for (const path of changed.values()) await this.#names.confirm(path);
  }

  #pathOf(key: string): string {
    requireKey(key);
    return join(this.#root.path, key);
  }

  async #look<T>(key: string, signal: AbortSignal | undefined, work: (path: string) => Promise<T>): Promise<T | null> {
    const path = this.#pathOf(key);
    return orAborted(signal, () => onPath(path, () => this.#unlessAbsent(path, () => work(path))));
  }

  /** What `work` finds at `path`, or null when nothing is there; either is believed only of the right root. */
  async #unlessAbsent<T>(path: string, work: () => Promise<T>): Promise<T | null> {
    const value = await nullIfStillAbsent(path, this.#root.path, work);
    await this.#root.require();
    return value;
  }

  async #isTaken(path: string): Promise<boolean> {
    const found = await onPath(path, () => nullIfAbsent(() => stat(path)));
    if (found && !found.isFile()) throw notAFile(path);
    return found !== null;
  }
}

/** Writes the body and forces it to the disk. Errors of the body pass through as they are. */
async function fill({ file }: Temporary, body: Body, path: string, signal?: AbortSignal): Promise<void> {
  for await (const chunk of bodyChunks(body)) {
    throwIfAborted(signal);
    await onPath(path, () => writeFully(file, chunk));
  }
  throwIfAborted(signal);
  await onPath(path, () => file.sync());
  throwIfAborted(signal);
}

/** Copies `source` into the temporary file, on the drive itself where it can. Who could use `target` still can. */
async function duplicate(source: string, { path, file }: Temporary, target: string): Promise<true> {
  await copyFile(source, path, constants.COPYFILE_FICLONE);
  const replaced = await nullIfAbsent(() => stat(target));
  await file.chmod(replaced ? replaced.mode & 0o777 : 0o600);
  await file.sync();
  return true;
}

function stoppedHalfway(signal: AbortSignal): AppError {
  return new AppError('indeterminate', 'The operation was stopped; some objects may be gone, and some not.', {
    cause: signal.reason,
  });
}
