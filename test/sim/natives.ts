/**
 * What the engine calls outside of JavaScript, brought under the scheduler. DuckDB's calls run on threads and end when
 * they like: each becomes one event, and two never run at once. Calls on files become synchronous: they take effect
 * where they are made.
 *
 * Must be loaded before `@duckdb/node-api`. Patches this whole process: for programs that only simulate.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import fs from 'node:fs';
import filePromises from 'node:fs/promises';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { dirname } from 'node:path';
import sqlite from 'node:sqlite';
import { promisify } from 'node:util';

/** Whoever made a call, as `runAs` told. */
export interface NativeOwner {
  /** Puts off `start` until its turn; a caller that died meanwhile is never answered. */
  native<T>(start: () => Promise<T>): Promise<T>;
  /** True time, in ms since 1970, for the dates of files. */
  fileTime(): number;
  /** Whether its disk has no room, as far as it asks. */
  readonly isDiskFull: boolean;
  /** What it holds open, to be closed when it is killed. */
  readonly handles: NativeHandles;
}

type Handle = object;

export class NativeHandles {
  readonly databases = new Set<Handle>();
  /** Connections, with the database of each. */
  readonly connections = new Set<Handle>();
  readonly statements = new Set<Handle>();
  /** Locks of slots. */
  readonly locks = new Set<sqlite.DatabaseSync>();
  /** Folders in which it opened files. */
  readonly folders = new Set<string>();
}

const owners = new AsyncLocalStorage<NativeOwner>();

/** Runs `work`, and all that comes of it, in the name of `owner`. */
export function runAs<T>(owner: NativeOwner, work: () => T): T {
  return owners.run(owner, work);
}

/** The owner that opened something in a folder last. */
const folderOwners = new Map<string, NativeOwner>();
/** Dates of files and folders, in true time; real ones would tell of the machine. */
const fileTimes = new Map<string, number>();

export function ownerOfFolder(folder: string): NativeOwner | undefined {
  return folderOwners.get(folder);
}

export function forgetFolders(root: string): void {
  for (const map of [folderOwners, fileTimes])
    for (const path of map.keys()) if (path.startsWith(root)) map.delete(path);
}

export function touch(path: string, atMs: number): void {
  fileTimes.set(path, atMs);
}

// ---- DuckDB ----

type Bindings = Record<string, (...parameters: never[]) => unknown>;
const require = createRequire(import.meta.url);
const apiRequire = createRequire(require.resolve('@duckdb/node-api'));
const bindingsPath = apiRequire.resolve('@duckdb/node-bindings');
const real = apiRequire('@duckdb/node-bindings') as Bindings;

/** The bindings themselves, for looking at files from outside of a simulation. */
export const realBindings = real as unknown as {
  connect(database: Handle): Promise<Handle>;
  query(connection: Handle, sql: string): Promise<unknown>;
  disconnect_sync(connection: Handle): void;
  close_sync(database: Handle): void;
  destroy_prepare_sync(statement: Handle): void;
};

const databaseOf = new WeakMap<Handle, NativeHandles>();
/** Calls that wait for their turn, by connection: an interrupt reaches them. */
const waiting = new Map<Handle, Set<(error: Error) => void>>();

const asynchronous = [
  'open',
  'connect',
  'query',
  'prepare',
  'execute_prepared',
  'extract_statements',
  'prepare_extracted_statement',
  'execute_prepared_streaming',
  'execute_pending',
  'fetch_chunk',
  'get_or_create_from_cache',
];

type Call = (...parameters: unknown[]) => unknown;

function intercept(name: string): Call {
  const call = real[name] as Call;
  return (...parameters) => {
    const owner = owners.getStore();
    if (!owner) return call(...parameters);
    if (name === 'open') noteFolder(owner, parameters[0] as string);
    const turn = owner.native(async () => note(owner, name, parameters, await call(...parameters)));
    return interruptible(parameters[0] as Handle, turn);
  };
}

function noteFolder(owner: NativeOwner, path: string): void {
  const folder = dirname(path);
  owner.handles.folders.add(folder);
  folderOwners.set(folder, owner);
  fileTimes.set(path, owner.fileTime());
}

function note(owner: NativeOwner, name: string, parameters: readonly unknown[], result: unknown): unknown {
  const { databases, connections, statements } = owner.handles;
  const handle = result as Handle;
  if (name === 'open') databases.add(handle);
  if (name === 'connect') connections.add(handle);
  if (name === 'prepare' || name === 'prepare_extracted_statement') {
    statements.add(handle);
    connectionOf.set(handle, parameters[0] as Handle);
  }
  if (['open', 'connect', 'prepare', 'prepare_extracted_statement'].includes(name))
    databaseOf.set(handle, owner.handles);
  return result;
}

const connectionOf = new WeakMap<Handle, Handle>();

function interruptible<T>(target: Handle, turn: Promise<T>): Promise<T> {
  if (typeof target !== 'object') return turn;
  const connection = connectionOf.get(target) ?? target;
  return new Promise((resolve, reject) => {
    const all = waiting.get(connection) ?? new Set();
    waiting.set(connection, all.add(reject));
    const settled = (): void => {
      all.delete(reject);
      if (all.size === 0) waiting.delete(connection);
    };
    turn.finally(settled).then(resolve, reject);
  });
}

const synchronous: Bindings = {
  interrupt: (connection: never) => {
    for (const stop of waiting.get(connection) ?? []) stop(new Error('INTERRUPT Error: Interrupted!'));
    return real['interrupt']!(connection);
  },
  close_sync: (database: never) => {
    databaseOf.get(database)?.databases.delete(database);
    return real['close_sync']!(database);
  },
  disconnect_sync: (connection: never) => {
    databaseOf.get(connection)?.connections.delete(connection);
    return real['disconnect_sync']!(connection);
  },
  destroy_prepare_sync: (statement: never) => {
    databaseOf.get(statement)?.statements.delete(statement);
    return real['destroy_prepare_sync']!(statement);
  },
};

const replaced: Bindings = {};
for (const name of Object.getOwnPropertyNames(real)) replaced[name] = real[name]!;
for (const name of asynchronous) if (real[name]) replaced[name] = intercept(name);
Object.assign(replaced, synchronous);
apiRequire.cache[bindingsPath]!.exports = replaced;

// ---- locks ----

const holders = new WeakMap<sqlite.DatabaseSync, NativeOwner>();
// oxlint-disable-next-line typescript/unbound-method -- both are called with a receiver below
const { exec, close } = sqlite.DatabaseSync.prototype;

/** A lock goes with whoever holds it. */
sqlite.DatabaseSync.prototype.exec = function execOwned(this: sqlite.DatabaseSync, sql: string): void {
  const owner = owners.getStore();
  if (owner) {
    holders.set(this, owner);
    owner.handles.locks.add(this);
    noteFolder(owner, this.location() ?? '');
  }
  exec.call(this, sql);
};

sqlite.DatabaseSync.prototype.close = function closeOwned(this: sqlite.DatabaseSync): void {
  holders.get(this)?.handles.locks.delete(this);
  close.call(this);
};

// ---- files ----

function later<P extends unknown[], T>(work: (...parameters: P) => T): (...parameters: P) => Promise<T> {
  // oxlint-disable-next-line require-await -- what `work` throws must become a rejection
  return async (...parameters) => work(...parameters);
}

function datedStat(path: string): fs.Stats {
  const stats = fs.statSync(path);
  stats.mtimeMs = fileTimes.get(path) ?? 0;
  return stats;
}

/** As much of a file handle as the engine uses. */
function openFile(path: string, flags?: string, mode?: number): unknown {
  const fd = fs.openSync(path, flags ?? 'r', mode);
  return {
    write: later((chunk: Uint8Array, offset: number, length: number, position: number) => ({
      bytesWritten: fs.writeSync(fd, chunk, offset, length, position),
    })),
    writeFile: later((chunk: Uint8Array) => {
      for (let done = 0; done < chunk.byteLength;) done += fs.writeSync(fd, chunk, done);
    }),
    close: later(() => fs.closeSync(fd)),
  };
}

const files = filePromises as unknown as Record<string, unknown>;
for (const [name, call] of Object.entries(files)) {
  const twin = (fs as unknown as Record<string, unknown>)[`${name}Sync`];
  if (typeof twin === 'function') files[name] = later(twin as (...parameters: unknown[]) => unknown);
  else if (typeof call === 'function') files[name] = later(() => refuse(name));
}

/** What would run on a thread, and end when it likes. */
function refuse(name: string): never {
  throw new Error(`The simulation does not know ${name} of node:fs/promises.`);
}

Object.assign(filePromises, {
  readdir: later((path: string) => fs.readdirSync(path).toSorted()),
  stat: later(datedStat),
  utimes: later((path: string, _: number, modified: number) => {
    fileTimes.set(path, modified * 1000);
  }),
  open: later(openFile),
});
const { statfsSync } = fs;
/** What is written all the same is kept: the engine asks before it writes. */
fs.statfsSync = ((path: string) => {
  const stats = statfsSync(path);
  if (owners.getStore()?.isDiskFull) stats.bavail = 0;
  return stats;
}) as typeof fs.statfsSync;
Object.defineProperty(fs.read, promisify.custom, {
  value: later((fd: number, buffer: Uint8Array, offset: number, length: number, position: number) => ({
    bytesRead: fs.readSync(fd, buffer, offset, length, position),
    buffer,
  })),
});
syncBuiltinESMExports();
