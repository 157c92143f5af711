import { AppError } from '../errors.ts';
import { type Signal, throwIfAborted } from './signal.ts';
import type { Body, ByteRange, StreamBody } from './store.ts';

interface PartsOptions {
  readonly size: number;
  readonly partBytes: number;
  readonly parallel: number;
  readonly signal: Signal;
}

export interface Part {
  readonly number: number;
  readonly range: ByteRange;
  readonly signal: AbortSignal;
  /** The part of `body` in memory, until `send` ends. @throws AppError `invalid` when the body is not as long as it says. */
  read(body: StreamBody): Promise<Uint8Array>;
}

/** Of S3, and of what speaks its protocol: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const mostParts = 10_000;
/** Of Google Cloud Storage: https://cloud.google.com/storage/docs/performing-resumable-uploads */
const partUnit = 256 * 1024;

/** Sends all parts; answers what `send` answered, in their order. The first failure stops the others, and is thrown once all have ended. */
export async function sendParts<T>(options: PartsOptions, send: (part: Part) => Promise<T>): Promise<T[]> {
  const ranges = partRanges(options.size, options.partBytes);
  const failing = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, failing.signal]) : failing.signal;
  const sent: T[] = [];
  const failures: unknown[] = [];
  let next = 0;
  // One buffer each: memory of parts that were sent is outside of V8's heap, and would be freed late.
  const sender = async (): Promise<void> => {
    let buffer = new Uint8Array(0);
    for (let index = next++; index < ranges.length; index = next++) {
      throwIfAborted(signal);
      const range = ranges[index]!;
      const size = range.end - range.start;
      if (buffer.byteLength < size) buffer = new Uint8Array(size);
      const bytes = buffer.subarray(0, size);
      const read = (body: StreamBody): Promise<Uint8Array> => readInto(bytes, body, range, signal);
      sent[index] = await send({ number: index + 1, range, signal, read });
    }
  };
  const fail = (error: unknown): void => {
    failures.push(error);
    failing.abort(error);
  };
  await Promise.all(Array.from({ length: options.parallel }, () => sender().catch(fail)));
  if (failures.length > 0) throw failures[0];
  throwIfAborted(options.signal);
  return sent;
}

function partRanges(size: number, partBytes: number): readonly ByteRange[] {
  const bytes = Math.max(partBytes, Math.ceil(size / mostParts / partUnit) * partUnit);
  return Array.from({ length: Math.ceil(size / bytes) }, (_, index) => ({
    start: index * bytes,
    end: Math.min(size, (index + 1) * bytes),
  }));
}

export async function readBody(body: StreamBody, signal: Signal): Promise<Uint8Array> {
  return readInto(new Uint8Array(body.size), body, { start: 0, end: body.size }, signal);
}

async function readInto(bytes: Uint8Array, body: StreamBody, range: ByteRange, signal: Signal): Promise<Uint8Array> {
  let position = 0;
  for await (const chunk of bodyChunks({ size: bytes.byteLength, open: () => body.open(range) })) {
    throwIfAborted(signal);
    bytes.set(chunk, position);
    position += chunk.byteLength;
  }
  throwIfAborted(signal);
  return bytes;
}

/** The whole body in chunks, none empty. Throws `invalid` when a stream gives fewer or more bytes than its size. */
export async function* bodyChunks(body: Body): AsyncGenerator<Uint8Array> {
  if (body instanceof Uint8Array) {
    if (body.byteLength > 0) yield body;
    return;
  }
  let seen = 0;
  for await (const chunk of body.open({ start: 0, end: body.size })) {
    seen += chunk.byteLength;
    if (seen > body.size) break;
    if (chunk.byteLength > 0) yield chunk;
  }
  if (seen === body.size) return;
  throw new AppError(
    'invalid',
    `The body has ${seen > body.size ? 'more' : 'fewer'} bytes than its declared ${body.size}.`,
  );
}
