/**
 * A store in memory, for tests: the same guarantees but survival. Bytes are copied in and out.
 */
import { AppError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import { bodyChunks, throwIfAborted } from './body.ts';
import { compareKeys, requireKey, requirePrefix } from './keys.ts';
import type {
  Body,
  CreateOutcome,
  GetOptions,
  ListOptions,
  ListPage,
  ObjectInfo,
  OperationOptions,
  Store,
} from './store.ts';

interface Held {
  readonly bytes: Uint8Array;
  readonly modifiedAt: Date;
}

const maxPage = 1000;

export function createMemoryStore(options: { readonly runtime: Runtime }): Store {
  return new MemoryStore(options.runtime);
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
    for await (const chunk of bodyChunks(body)) chunks.push(Uint8Array.from(chunk));
    throwIfAborted(signal);
    if (this.#objects.has(key)) return 'exists';
    this.#hold(key, Uint8Array.from(Buffer.concat(chunks)));
    return 'created';
  }

  async get(key: string, { range, signal }: GetOptions = {}): Promise<Uint8Array | null> {
    requireKey(key);
    throwIfAborted(signal);
    return this.#objects.get(key)?.bytes.slice(range?.start, range?.end) ?? null;
  }

  async read(key: string, options?: GetOptions): Promise<AsyncIterable<Uint8Array> | null> {
    const bytes = await this.get(key, options);
    return bytes && bodyChunks(bytes);
  }

  async head(key: string, { signal }: OperationOptions = {}): Promise<ObjectInfo | null> {
    requireKey(key);
    throwIfAborted(signal);
    const held = this.#objects.get(key);
    return held ? { key, size: held.bytes.byteLength, modifiedAt: held.modifiedAt } : null;
  }

  async list(prefix: string, { after, limit = maxPage, signal }: ListOptions = {}): Promise<ListPage> {
    requirePrefix(prefix);
    throwIfAborted(signal);
    const keys = [...this.#objects.keys()].filter(
      (key) => key.startsWith(prefix) && (after === undefined || key > after),
    );
    const page = keys.toSorted(compareKeys).slice(0, Math.min(limit, maxPage));
    const objects = await Promise.all(page.map((key) => this.head(key)));
    return { objects: objects.filter((info) => info !== null), more: page.length < keys.length };
  }

  async copy(from: string, to: string, { signal }: OperationOptions = {}): Promise<void> {
    requireKey(from);
    requireKey(to);
    throwIfAborted(signal);
    const held = this.#objects.get(from);
    if (!held) throw new AppError('not-found', `There is no object ${from} to copy.`);
    this.#hold(to, held.bytes);
  }

  async delete(keys: readonly string[], { signal }: OperationOptions = {}): Promise<void> {
    for (const key of keys) requireKey(key);
    throwIfAborted(signal);
    for (const key of keys) this.#objects.delete(key);
  }

  #hold(key: string, bytes: Uint8Array): void {
    this.#objects.set(key, { bytes, modifiedAt: new Date(this.#runtime.now()) });
  }
}
