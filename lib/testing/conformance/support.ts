/** What the rooms of the suite share: the store under test, bodies, and how errors are expected. */
import { createHash } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { AppError, type ErrorKind } from '../../errors.ts';
import type { ByteRange, Store, StreamBody } from '../../store/store.ts';

/** What some stores can do and others cannot. Each is tested both ways: a record that claims too little fails, too. */
export interface Capabilities {
  /** `a` and `a/b` may both be objects. */
  readonly nestedKeys: boolean;
  /** A second client of the same place, as another process has, sees the same objects. */
  readonly shared: boolean;
  /** Length of the longest key; absent: 900, as the contract says. A prefix takes its own length from it. */
  readonly maxKeyBytes?: number;
}

export interface OpenedStore {
  readonly store: Store;
  /** Another client, opened as `store` was. */
  readonly reopen: () => Promise<Store>;
  readonly close?: () => Promise<void>;
}

export interface ConformanceOptions {
  readonly name: string;
  readonly capabilities: Capabilities;
  /** Opens an empty store for one test. */
  readonly open: () => Promise<OpenedStore>;
  /** Rounds of 40 parallel creates of one key. Default 25. */
  readonly raceRounds?: number;
  /** More than one page of keys. Default 1,005. */
  readonly manyKeys?: number;
  /** Larger than what the driver sends in one piece. Default 9 MiB and a byte. */
  readonly largeBytes?: number;
  /** Random sequences of operations compared with a model. Default 25. */
  readonly modelRuns?: number;
}

export type Suite = Required<ConformanceOptions> & {
  /** The store of this test, closed when it ends. */
  readonly use: () => Promise<OpenedStore>;
};

export function suiteOf(options: ConformanceOptions): Suite {
  const use = async (): Promise<OpenedStore> => {
    const opened = await options.open();
    onTestFinished(() => opened.close?.());
    return opened;
  };
  return { raceRounds: 25, manyKeys: 1005, largeBytes: 9 * 1024 * 1024 + 1, modelRuns: 25, ...options, use };
}

/** `size` bytes that differ from place to place and from `seed` to `seed`. */
export function bytesOf(size: number, seed = 0): Uint8Array {
  const bytes = new Uint8Array(size);
  let state = (seed + 1) * 2_654_435_761;
  for (let index = 0; index < size; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

export function textOf(text: string): Uint8Array {
  return new Uint8Array(new TextEncoder().encode(text));
}

export interface StreamOptions {
  readonly chunkBytes?: number;
  /** Runs before the chunk that begins at or after `position`; what it throws ends the iteration. */
  readonly before?: (position: number) => void | Promise<void>;
}

/** A body that gives any part of `bytes`, through one buffer that it uses again and again. */
export function streamOf(bytes: Uint8Array, { chunkBytes = 65_537, before }: StreamOptions = {}): StreamBody {
  return {
    size: bytes.byteLength,
    async *open({ start, end }: ByteRange) {
      const buffer = new Uint8Array(chunkBytes);
      for (let position = start; position < end; position += chunkBytes) {
        await before?.(position);
        const part = bytes.subarray(position, Math.min(position + chunkBytes, end));
        buffer.set(part);
        yield buffer.subarray(0, part.byteLength);
        buffer.fill(0xee);
      }
    },
  };
}

/** A body of `size` bytes that fails with `error` once half of them were given. */
export function failingBody(size: number, error: Error): StreamBody {
  return streamOf(bytesOf(size), {
    before: (position) => {
      if (position >= size / 2) throw error;
    },
  });
}

/** A body that promises other than it gives. */
export function lyingBody(promised: number, given: number): StreamBody {
  return {
    size: promised,
    async *open({ start, end }) {
      yield bytesOf(Math.max(0, Math.min(given, end === promised ? given : end) - start));
    },
  };
}

/** Stands for the bytes in an expectation: quick for millions, and short when they differ. */
export function summary(bytes: Uint8Array | null): string {
  if (!bytes) return 'absent';
  return `${bytes.byteLength} bytes ${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`;
}

/** What `work` fails with. Throws when it does not. */
export async function failure(work: Promise<unknown>): Promise<unknown> {
  const outcome = await work.then(
    () => null,
    (error: unknown) => ({ error }),
  );
  if (outcome) return outcome.error;
  throw new Error('This should have failed.');
}

/** The kind of the AppError that `work` fails with. Throws when it does not fail, or with anything else. */
export async function kindOf(work: Promise<unknown>): Promise<ErrorKind> {
  const error = await failure(work);
  if (error instanceof AppError) return error.kind;
  throw new Error('This should have been an AppError.', { cause: error });
}

/** The operations that find anything at `key` or below it. */
export async function traces(store: Store, key: string): Promise<string[]> {
  const listed = (await store.list(key)).objects.filter((info) => `${info.key}/`.startsWith(`${key}/`));
  const found = {
    get: await store.get(key),
    head: await store.head(key),
    list: listed.length > 0 || null,
  };
  return Object.entries(found).flatMap(([operation, value]) => (value === null ? [] : [operation]));
}

export async function allKeys(store: Store, prefix: string, limit?: number): Promise<string[]> {
  const keys: string[] = [];
  for (let after: string | undefined; ;) {
    const page = await store.list(prefix, {
      ...(after === undefined ? {} : { after }),
      ...(limit === undefined ? {} : { limit }),
    });
    keys.push(...page.objects.map(({ key }) => key));
    after = page.objects.at(-1)?.key;
    if (!page.more) return keys;
    if (after === undefined) throw new Error('A page that says that more follow must say where to go on.');
  }
}

/** At most `width` at once: far stores have only so many connections. */
export async function inParallel<T>(items: readonly T[], width: number, work: (item: T) => Promise<unknown>) {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) await work(items[next++]!);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
