/**
 * The store on a directory: a local disk, a network drive, a volume. Objects are files, made whole under a name that no
 * key has and then linked to their key, which the file system does for one writer only. It works on NFS, where `link` is
 * atomic, answers get lost and caches grow old.
 */
import { constants } from 'node:fs';
import { copyFile, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Runtime } from '../runtime.ts';
import { bodyChunks } from './parts.ts';
import {
  notAFile,
  nullIfAbsent,
  nullIfStillAbsent,
  type OpenedFile,
  readFully,
  withFile,
  writeFully,
} from './directory/files.ts';
import { firstObjects, keysUnder } from './directory/listing.ts';
import { Names } from './directory/names.ts';
import { Root } from './directory/root.ts';
import { Temporaries, type Temporary } from './directory/temporaries.ts';
import { deletedHalfway, type Driver, type PageRequest, storeOf } from './driver.ts';
import { onPath } from './errno.ts';
import { clipRange } from './keys.ts';
import { orAborted, throwIfAborted, type Signal } from './signal.ts';
import type { Body, ByteRange, CreateOutcome, ListPage, ObjectInfo, Store } from './store.ts';

export interface DirectoryStoreOptions {
  /** The folder that holds the objects. */
  readonly root: string;
  /** Whether to make the root when it is absent. False for a drive that someone mounts: its absence is an outage. */
  readonly create: boolean;
  readonly runtime: Runtime;
}

export function createDirectoryStore(options: DirectoryStoreOptions): Store {
  return storeOf(new DirectoryDriver(options));
}

class DirectoryDriver implements Driver {
  readonly location: string;
  readonly #root: Root;
  readonly #temporaries: Temporaries;
  readonly #names: Names;

  constructor({ root, create, runtime }: DirectoryStoreOptions) {
    this.#root = new Root(resolve(root), create);
    this.#temporaries = new Temporaries(this.#root, runtime);
    this.#names = new Names(this.#root);
    this.location = `directory ${this.#root.path}`;
  }

  async create(key: string, body: Body, signal: Signal): Promise<CreateOutcome> {
    const path = this.#pathOf(key);
    await this.#root.require();
    // A large body is not written in vain. For a small one, asking first costs more than it saves.
    if (!(body instanceof Uint8Array) && (await this.#isTaken(path))) return 'exists';
    return this.#temporaries.use(async (temporary) => {
      await fill(temporary, body, path, signal);
      return onPath(path, () => this.#names.claim(temporary, path));
    });
  }

  async get(key: string, range: ByteRange | undefined, signal: Signal): Promise<Uint8Array | null> {
    return this.#look(key, signal, ({ file, stats }) => {
      const { start, end } = clipRange(range, stats.size);
      return readFully(file, end - start, start);
    });
  }

  async head(key: string, signal: Signal): Promise<ObjectInfo | null> {
    return this.#look(key, signal, async ({ stats }) => ({ key, size: stats.size, modifiedAt: stats.mtime }));
  }

  async list(prefix: string, { limit, isAfter }: PageRequest, signal: Signal): Promise<ListPage> {
    const root = this.#root.path;
    return orAborted(signal, () =>
      onPath(join(root, prefix), async () => {
        await this.#temporaries.sweep();
        const keys = await keysUnder(root, prefix);
        const objects = await firstObjects(root, keys.filter(isAfter), limit);
        await this.#root.require();
        return objects;
      }),
    );
  }

  async copy(from: string, to: string, signal: Signal): Promise<boolean> {
    const [source, target] = [this.#pathOf(from), this.#pathOf(to)];
    await this.#root.require();
    return this.#temporaries.use(async (temporary) => {
      const found = await onPath(source, () =>
        this.#unlessAbsent(source, () => withFile(source, () => duplicate(source, temporary, target))),
      );
      if (!found) return false;
      throwIfAborted(signal);
      await onPath(target, () => this.#names.replace(temporary, target));
      return true;
    });
  }

  async delete(keys: readonly string[], signal: Signal): Promise<void> {
    await this.#root.require();
    const changed = new Map<string, string>();
    for (const path of keys.map((key) => this.#pathOf(key))) {
      if (changed.size === 0) throwIfAborted(signal);
      else if (signal?.aborted) throw deletedHalfway(signal.reason);
      await onPath(path, () => nullIfStillAbsent(path, this.#root.path, () => unlink(path)));
      changed.set(dirname(path), path);
    }
    for (const path of changed.values()) await this.#names.confirm(path);
  }

  #pathOf(key: string): string {
    return join(this.#root.path, key);
  }

  /** The file is opened rather than looked up: on NFS, that asks the server. */
  async #look<T>(key: string, signal: Signal, work: (opened: OpenedFile) => Promise<T>): Promise<T | null> {
    const path = this.#pathOf(key);
    return orAborted(signal, () => onPath(path, () => this.#unlessAbsent(path, () => withFile(path, work))));
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
async function fill({ file }: Temporary, body: Body, path: string, signal: Signal): Promise<void> {
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
