/**
 * The bytes of an answer: all of them, or an error.
 *
 * Owns: ranges as HTTP has them, and the length that was promised. The worst that can happen: the beginning of an
 * object passes for the whole; so every byte is counted.
 */
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { AppError } from '../../errors.ts';
import { orAborted } from '../signal.ts';
import type { ByteRange } from '../store.ts';
import { isProviderError, mapError, type RequestContext } from './errors.ts';

/** `Range: bytes=0-9`, whose end is the last byte. For a range that is not empty. */
export function rangeHeader({ start, end }: ByteRange): string {
  return `bytes=${start}-${end >= Number.MAX_SAFE_INTEGER ? '' : end - 1}`;
}

/** A body under way: its bytes, and how many there must be. */
export class Download {
  readonly #body: AsyncIterable<Uint8Array>;
  readonly #context: RequestContext;
  /** Null when the store did not say. */
  readonly size: number | null;
  /** Bytes to leave out at the beginning, when the store sent more than was asked for. */
  readonly #skip: number;
  readonly #take: number;

  constructor(answer: GetObjectCommandOutput, range: ByteRange | undefined, context: RequestContext) {
    this.#body = answer.Body as unknown as AsyncIterable<Uint8Array>;
    this.#context = context;
    this.size = answer.ContentLength ?? null;
    const isPart = answer.ContentRange !== undefined;
    if (range && isPart) requireStart(answer.ContentRange ?? '', range, context);
    this.#skip = range && !isPart ? range.start : 0;
    this.#take = range ? range.end - range.start : Infinity;
  }

  /** Listens to the signal only while it waits for bytes: who never begins holds nothing of the caller's. */
  async *chunks(signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const source = this.#body[Symbol.asyncIterator]();
    let [skip, take] = [this.#skip, this.#take];
    try {
      for (;;) {
        const next = await orAborted(signal, () => this.#next(source));
        if (next === null) return;
        const part = next.subarray(Math.min(skip, next.byteLength)).subarray(0, take);
        skip -= Math.min(skip, next.byteLength);
        take -= part.byteLength;
        if (part.byteLength > 0) yield part;
      }
    } finally {
      this.discard();
    }
  }

  /** Ends the connection, when bytes are left. */
  discard(): void {
    (this.#body as Partial<{ destroy(): void }>).destroy?.();
  }

  async whole(signal?: AbortSignal): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.chunks(signal)) chunks.push(chunk);
    return chunks.length === 1 ? new Uint8Array(chunks[0]!) : joined(chunks);
  }

  #seen = 0;

  /** Null at the end, which is believed only after the last byte. */
  async #next(source: AsyncIterator<Uint8Array>): Promise<Uint8Array | null> {
    try {
      const { done, value } = await source.next();
      if (done !== true) {
        this.#seen += value.byteLength;
        return new Uint8Array(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength);
      }
    } catch (error) {
      throw isProviderError(error) ? mapError(error, this.#context, false) : error;
    }
    if (this.size === null || this.#seen === this.size) return null;
    throw cut(this.#context, this.#seen, this.size);
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let position = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, position);
    position += chunk.byteLength;
  }
  return bytes;
}

/** Another part than was asked for would be wrong data. */
function requireStart(contentRange: string, { start }: ByteRange, { location }: RequestContext): void {
  if (contentRange.startsWith(`bytes ${start}-`)) return;
  throw new AppError(
    'unavailable',
    `${location} sent the part ${contentRange} in place of the one from byte ${start}.`,
  );
}

function cut({ location }: RequestContext, seen: number, size: number): AppError {
  const hint = 'Try again; if it happens often, look at the network between this machine and S3.';
  return new AppError('unavailable', `${location} ended an object after ${seen} of ${size} bytes.`, { hint });
}
