/**
 * The folders below the root that keys lead through.
 *
 * Owns: that they are there, and on the disk, before a name is put into them. The worst that can happen: an object that
 * was acknowledged goes with its folder in a crash; so a folder is synced into its parent before its first use.
 */
import { errnoOf } from '../errno.ts';
import { makeFolder } from './files.ts';
import type { Root } from './root.ts';

export class Folders {
  readonly #root: Root;
  /** Those that this process made or found. */
  readonly #ready = new Set<string>();

  constructor(root: Root) {
    this.#root = root;
  }

  /** Runs `work`, which puts a name into `folder`; makes the folder when it is absent, and again when it has gone. */
  async within<T>(folder: string, work: () => Promise<T>): Promise<T> {
    if (!this.#ready.has(folder)) await this.#make(folder);
    try {
      return await work();
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      await this.#root.require();
      await this.#make(folder);
      return work();
    }
  }

  async #make(folder: string): Promise<void> {
    await makeFolder(folder, this.#root.path);
    this.#ready.add(folder);
  }
}
