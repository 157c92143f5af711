import type { StoreChoice } from '../config/given.ts';
import { resolve } from 'node:path';

export interface DirectoryOptions {
  /** The folder, of which several processes or machines may share one: a volume, a network drive, a local disk. */
  readonly path: string;
  /** Whether to create the folder. Default false: an empty folder must not replace a drive that is not mounted. */
  readonly create?: boolean;
}

/**
 * A folder.
 *
 * @example openDatabase({ store: directory({ path: '/mnt/data' }), name: 'books.db' })
 */
export function directory({ path, create = false }: DirectoryOptions): StoreChoice {
  return { backend: 'network', directory: resolve(path), createDirectory: create };
}
