import { AppError } from '../errors.ts';
import { requireKey, requirePage, requirePrefix, requireRange } from './keys.ts';
import { readBody } from './parts.ts';
import { type Signal, throwIfAborted } from './signal.ts';
import type { Body, ByteRange, CreateOutcome, ListPage, ObjectInfo, Store } from './store.ts';

export interface PageRequest {
  readonly after: string | undefined;
  readonly limit: number;
  readonly isAfter: (key: string) => boolean;
}

export interface Driver {
  readonly location: string;
  /** A stream of at most so many bytes is read into memory before `create`. */
  readonly partBytes?: number;
  create(key: string, body: Body, signal: Signal): Promise<CreateOutcome>;
  get(key: string, range: ByteRange | undefined, signal: Signal): Promise<Uint8Array | null>;
  head(key: string, signal: Signal): Promise<ObjectInfo | null>;
  list(prefix: string, page: PageRequest, signal: Signal): Promise<ListPage>;
  /** False when `from` is absent. The two keys differ. */
  copy(from: string, to: string, signal: Signal): Promise<boolean>;
  delete(keys: readonly string[], signal: Signal): Promise<void>;
}

export function storeOf(driver: Driver): Store {
  return {
    location: driver.location,
    async create(key, body, { signal } = {}) {
      requireKey(key);
      throwIfAborted(signal);
      const isSmall = !(body instanceof Uint8Array) && body.size <= (driver.partBytes ?? -1);
      return driver.create(key, isSmall ? await readBody(body, signal) : body, signal);
    },
    async get(key, { range, signal } = {}) {
      requireKey(key);
      requireRange(range);
      throwIfAborted(signal);
      if (range && range.start === range.end) return (await driver.head(key, signal)) && new Uint8Array(0);
      return driver.get(key, range, signal);
    },
    async head(key, { signal } = {}) {
      requireKey(key);
      throwIfAborted(signal);
      return driver.head(key, signal);
    },
    async list(prefix, { signal, ...options } = {}) {
      requirePrefix(prefix);
      const page = requirePage(options);
      throwIfAborted(signal);
      return driver.list(prefix, { after: options.after, ...page }, signal);
    },
    async copy(from, to, { signal } = {}) {
      requireKey(from);
      requireKey(to);
      throwIfAborted(signal);
      // Onto itself there is nothing to do, and S3 refuses it: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
      const found = from === to ? await driver.head(from, signal) : await driver.copy(from, to, signal);
      if (!found) throw new AppError('not-found', `There is no object ${from} to copy.`);
    },
    async delete(keys, { signal } = {}) {
      for (const key of keys) requireKey(key);
      throwIfAborted(signal);
      await driver.delete([...new Set(keys)], signal);
    },
  };
}

export async function inBatches(
  keys: readonly string[],
  batchSize: number,
  signal: Signal,
  remove: (batch: readonly string[]) => Promise<void>,
): Promise<void> {
  for (let first = 0; first < keys.length; first += batchSize) {
    try {
      throwIfAborted(signal);
      await remove(keys.slice(first, first + batchSize));
    } catch (error) {
      throw first === 0 ? error : deletedHalfway(error);
    }
  }
}

export function deletedHalfway(cause: unknown): AppError {
  return new AppError('indeterminate', 'Some of the objects were deleted, and others may not have been.', {
    cause,
    hint: 'Delete them again; that is harmless.',
  });
}
