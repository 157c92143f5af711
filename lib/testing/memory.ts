/**
 * A store in memory, for tests: the same guarantees but survival. Bytes are copied in and out.
 */
import { AppError } from '../errors.ts';
import { type Runtime, systemRuntime } from '../runtime.ts';
import { clipRange, compareKeys, requireKey, requirePage, requirePrefix, requireRange } from '../store/keys.ts';
import { bodyChunks } from '../store/parts.ts';
import { throwIfAborted } from '../store/signal.ts';
import type {
  Body,
  CreateOutcome,
  GetOptions,
  ListOptions,
  ListPage,
  ObjectInfo,
  OperationOptions,
  Store,
} from '../store/store.ts';

interface Held {
  /** Never changed and never handed out. */
  readonly bytes: Uint8Array;
  readonly modifiedAt: Date;
}

/** @example openDatabase({ store: createMemoryStore(), name: 'test.db', migrations: './migrations' }) */
export function createMemoryStore({ runtime = systemRuntime }: { readonly runtime?: Runtime } = {}): Store {
  return new MemoryStore(runtime);
}

class MemoryStore implements Store {
  readonly location = 'memory';
  readonly #objects = new Map<string, Held>();
  readonly #runtime: Runtime;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  async create(key: string, body: Body, { signal }: OperationOptions = {}): Promise<CreateOutcome> {
    requireKey(key);
    throwIfAborted(signal);
    const chunks: Uint8Array[] = [];
    for await (const chunk of bodyChunks(body)) {
      throwIfAborted(signal);
      chunks.push(new Uint8Array(chunk));
    }
    throwIfAborted(signal);
    if (this.#objects.has(key)) return 'exists';
    this.#hold(key, Buffer.concat(chunks));
    return 'created';
  }

  async get(key: string, options: GetOptions = {}): Promise<Uint8Array | null> {
    const held = this.#find(key, options);
    if (!held) return null;
    const { start, end } = clipRange(options.range, held.bytes.byteLength);
    return new Uint8Array(held.bytes.subarray(start, end));
  }

  async head(key: string, options: OperationOptions = {}): Promise<ObjectInfo | null> {
    const held = this.#find(key, options);
    return held && describe(key, held);
  }

  async list(prefix: string, { signal, ...page }: ListOptions = {}): Promise<ListPage> {
    requirePrefix(prefix);
    const { limit, isAfter } = requirePage(page);
    throwIfAborted(signal);
    const found = [...this.#objects].filter(([key]) => key.startsWith(prefix) && isAfter(key));
    const sorted = found.toSorted(([a], [b]) => compareKeys(a, b));
    const objects = sorted.slice(0, limit).map(([key, held]) => describe(key, held));
    return { objects, more: objects.length < found.length };
  }

  async copy(from: string, to: string, options: OperationOptions = {}): Promise<void> {
    requireKey(to);
    const held = this.#find(from, options);
    if (!held) throw new AppError('not-found', `There is no object ${from} to copy.`);
    this.#hold(to, held.bytes);
  }

  async delete(keys: readonly string[], { signal }: OperationOptions = {}): Promise<void> {
    for (const key of keys) requireKey(key);
    throwIfAborted(signal);
    for (const key of keys) this.#objects.delete(key);
  }

  #find(key: string, { range, signal }: GetOptions): Held | null {
    requireKey(key);
    requireRange(range);
    throwIfAborted(signal);
    return this.#objects.get(key) ?? null;
  }

  #hold(key: string, bytes: Uint8Array): void {
    this.#objects.set(key, { bytes, modifiedAt: new Date(this.#runtime.now()) });
  }
}

/** A new Date each time, since a Date can be changed by its holder. */
function describe(key: string, { bytes, modifiedAt }: Held): ObjectInfo {
  return { key, size: bytes.byteLength, modifiedAt: new Date(modifiedAt) };
}
