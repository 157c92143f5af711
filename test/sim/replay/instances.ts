/** The instances of a run: two that write, on one store, and others that begin with nothing. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Database } from '../../../lib/db/database.ts';
import type { Store } from '../../../lib/store/store.ts';
import { type DatabaseState, stateOf } from '../../support/database-state.ts';
import type { Library } from './library.ts';

/** Disks make thousands of runs slow. */
const root = statSync('/dev/shm', { throwIfNoEntry: false })?.isDirectory() === true ? '/dev/shm' : tmpdir();

export class Instances {
  readonly #library: Library;
  readonly #store: Store;
  readonly #folder = mkdtempSync(join(root, 'eider-replay-'));
  readonly #writers: { database: Database; folder: string }[] = [];
  #count = 0;

  constructor(library: Library) {
    this.#library = library;
    this.#store = library.createMemoryStore({ runtime: library.systemRuntime });
  }

  writer(instance: number): Database {
    return this.#writers[instance]!.database;
  }

  async openWriters(): Promise<void> {
    for (const instance of [0, 1]) await this.#openWriter(instance, this.#newFolder());
  }

  async restart(instance: number, keepsReplica: boolean): Promise<void> {
    const { database, folder } = this.#writers[instance]!;
    await database.close();
    await this.#openWriter(instance, keepsReplica ? folder : this.#newFolder());
  }

  async #openWriter(instance: number, folder: string): Promise<void> {
    this.#writers[instance] = { database: await this.#open(this.#store, folder), folder };
  }

  #newFolder(): string {
    return join(this.#folder, String(this.#count++));
  }

  #open(store: Store, slotRoot: string): Promise<Database> {
    return this.#library.openDuckDbDatabase({
      name: 'replay.db',
      slotRoot,
      runtime: this.#library.systemRuntime,
      migrations: [],
      maxStalenessMs: 0,
      store,
    });
  }

  /** Runs `work` on another instance, which begins with the log alone, or with the newest snapshot where there is one. */
  async withAnother<T>(from: 'log' | 'snapshot', work: (database: Database) => Promise<T>): Promise<T> {
    const store = from === 'log' ? withoutSnapshots(this.#store) : this.#store;
    const database = await this.#open(store, this.#newFolder());
    try {
      return await work(database);
    } finally {
      await database.close();
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#writers.map(({ database }) => database.close()));
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
