/** Files on their way to becoming objects, under names that no key can have. */
import { open, readdir, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Runtime } from '../../runtime.ts';
import { onPath } from '../errno.ts';
import type { Root } from './root.ts';

/** `~` is in no key, so no key leads here. */
const folderName = '.eider~tmp';
const hourMs = 3_600_000;
/** Older files are of writers that died. */
const staleMs = 24 * hourMs;

export interface Temporary {
  readonly path: string;
  readonly file: FileHandle;
}

export class Temporaries {
  readonly #folder: string;
  readonly #root: Root;
  readonly #runtime: Runtime;
  #sweptMs = -Infinity;

  constructor(root: Root, runtime: Runtime) {
    this.#folder = join(root.path, folderName);
    this.#root = root;
    this.#runtime = runtime;
  }

  /** Runs `work` on a new, empty file, whose name goes when `work` ends; another name that it was given stays. */
  async use<T>(work: (temporary: Temporary) => Promise<T>): Promise<T> {
    const temporary = await onPath(this.#folder, () => this.#root.within(this.#folder, () => this.#make()));
    try {
      return await work(temporary);
    } finally {
      // Closed first: NFS keeps a removed file under another name for as long as it is open.
      await temporary.file.close().catch(() => undefined);
      await rm(temporary.path, { force: true }).catch(() => undefined);
    }
  }

  async #make(): Promise<Temporary> {
    const path = join(this.#folder, this.#runtime.uuid());
    return { path, file: await open(path, 'wx', 0o600) };
  }

  /** Removes what writers that died a day ago left, at most once an hour. Never fails. */
  async sweep(): Promise<void> {
    const now = this.#runtime.now();
    if (Math.abs(now - this.#sweptMs) < hourMs) return;
    this.#sweptMs = now;
    for (const name of await readdir(this.#folder).catch(() => [])) {
      const path = join(this.#folder, name);
      const found = await stat(path).catch(() => null);
      if (found && now - found.mtimeMs > staleMs) await rm(path, { force: true }).catch(() => undefined);
    }
  }
}
