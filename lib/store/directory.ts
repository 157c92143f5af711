/**
 * Objects are files, written under a name that no key has and then linked to their key, which is atomic on NFS, too.
 */
import { constants, type Dirent } from 'node:fs';
import { copyFile, readdir, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Runtime } from '../runtime.ts';
import { Names, Temporaries, type Temporary } from './directory/names.ts';
import {
  notAFile,
  nullIfAbsent,
  nullIfStillAbsent,
  type OpenedFile,
  readFully,
  Root,
  withFile,
  writeFully,
} from './directory/files.ts';
import { deletedHalfway, type Driver, type PageRequest, storeOf } from './driver.ts';
import { errnoOf, onPath } from './errno.ts';
import { clipRange, compareKeys, isKey } from './keys.ts';
import { bodyChunks } from './parts.ts';
import { orAborted, type Signal, throwIfAborted } from './signal.ts';
import type { Body, ByteRange, CreateOutcome, ListPage, ObjectInfo, Store } from './store.ts';

interface DirectoryStoreOptions {
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

/** How an NFS client names a file that was removed while it was open. */
const removedOnNfs = /^\.nfs[0-9a-f]{12,}$/i;

async function keysUnder(root: string, prefix: string): Promise<string[]> {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  return (await keysInFolder(root, folder, prefix)).toSorted(compareKeys);
}

async function keysInFolder(root: string, folder: string, prefix: string): Promise<string[]> {
  const entries = await entriesOf(join(root, folder));
  const keys: string[] = [];
  for (const entry of entries) {
    const key = `${folder}${entry.name}`;
    if (!key.startsWith(prefix) || !isKey(key) || removedOnNfs.test(entry.name)) continue;
    if (entry.isDirectory()) keys.push(...(await keysInFolder(root, `${key}/`, prefix)));
    else if (entry.isFile() || entry.isSymbolicLink()) keys.push(key);
  }
  return keys;
}

/** None when the folder is absent, or is an object: nothing lies below one. */
async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return [];
    throw error;
  }
}

async function firstObjects(root: string, keys: readonly string[], limit: number): Promise<ListPage> {
  const objects: ObjectInfo[] = [];
  let seen = 0;
  while (seen < keys.length && objects.length < limit) {
    const batch = keys.slice(seen, seen + limit - objects.length);
    seen += batch.length;
    const found = await Promise.all(batch.map((key) => describe(root, key)));
    objects.push(...found.filter((info) => info !== null));
  }
  return { objects, more: seen < keys.length };
}

async function describe(root: string, key: string): Promise<ObjectInfo | null> {
  const found = await nullIfAbsent(() => stat(join(root, key))).catch((error: unknown) => {
    // A foreign link that leads to itself.
    if (errnoOf(error) === 'ELOOP') return null;
    throw error;
  });
  return found?.isFile() ? { key, size: found.size, modifiedAt: found.mtime } : null;
}
