/** The instances of a run: two that write, on one store, and others that begin with nothing. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Database } from '../../lib/db/database.ts';
import type { Store } from '../../lib/store/store.ts';
import { type DatabaseState, stateOf } from '../support/database-state.ts';
import type { Library } from './library.ts';

/** Disks make thousands of runs slow. */
const root = statSync('/dev/shm', { throwIfNoEntry: false })?.isDirectory() === true ? '/dev/shm' : tmpdir();

export class Instances {
  readonly #library: Library;
  readonly #store: Store;
  readonly #folder = mkdtempSync(join(root, 'eider-replay-'));
  #opened: Database[] = [];
  #count = 0;

  constructor(library: Library) {
    this.#library = library;
    this.#store = library.createMemoryStore({ runtime: library.systemRuntime });
  }

  async openWriters(): Promise<readonly Database[]> {
    this.#opened = [await this.#open(this.#store), await this.#open(this.#store)];
    return this.#opened;
  }

  #open(store: Store): Promise<Database> {
    return this.#library.openDuckDbDatabase({
      name: 'replay.db',
      slotRoot: join(this.#folder, String(this.#count++)),
      runtime: this.#library.systemRuntime,
      migrations: [],
      maxStalenessMs: 0,
      store,
    });
  }

  /** Of a replica made of the log alone, or from the newest snapshot where there is one. */
  async stateFromStore(from: 'log' | 'snapshot', withMacros: boolean): Promise<DatabaseState> {
    const database = await this.#open(from === 'log' ? withoutSnapshots(this.#store) : this.#store);
    try {
      return await stateIn(database, withMacros);
    } finally {
      await database.close();
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((database) => database.close()));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The state that an instance sees. */
export async function stateIn(database: Database, withMacros: boolean): Promise<DatabaseState> {
  const { value } = await database.read((_, scope) => stateOf(async (sql) => (await scope.run(sql)).rows, withMacros));
  return value;
}

/** As it is before the first checkpoint. */
function withoutSnapshots(store: Store): Store {
  return new Proxy(store, {
    get(target, name) {
      if (name === 'list') {
        return async (prefix: string, options: object) =>
          prefix.includes('.snapshots/') ? { objects: [], more: false } : target.list(prefix, options);
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
