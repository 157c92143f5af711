import { clipRange } from '../keys.ts';
import type { ByteRange } from '../store.ts';

export interface Expected {
  readonly skip: number;
  readonly length: number | null;
  readonly toEnd: boolean;
}

export interface AnswerHead {
  readonly contentRange: string | null | undefined;
  readonly contentLength: number | undefined;
}

/** `bytes=0-9`, whose end is the last byte. Open where the end lies beyond any object. */
export function rangeHeader({ start, end }: ByteRange): string {
  return `bytes=${start}-${end > 2 ** 50 ? '' : end - 1}`;
}

/** Which bytes of an answer to take; null when it is not the answer to what was asked. `size`: the object's, if known. */
export function expectedBytes(head: AnswerHead, range: ByteRange | undefined, size?: number): Expected | null {
  const { contentRange, contentLength } = head;
  if (contentRange) {
    const [, start, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(contentRange)?.map(Number) ?? [];
    const part = range && total !== undefined ? clipRange(range, total) : null;
    const isIt = part?.start === start && part?.end === last! + 1 && (size === undefined || size === total);
    return isIt && part ? { skip: 0, length: part.end - part.start, toEnd: true } : null;
  }
  const whole = contentLength ?? size;
  if (whole === undefined) return range ? null : { skip: 0, length: null, toEnd: true };
  if (size !== undefined && size !== whole) return null;
  const { start, end } = clipRange(range, whole);
  return { skip: start, length: end - start, toEnd: end === whole };
}

/** The expected bytes, in memory of the caller's own; null when fewer or more of them come. */
export async function gather(
  chunks: AsyncIterable<Uint8Array>,
  { skip, length, toEnd }: Expected,
): Promise<Uint8Array | null> {
  if (length === null) return joined(chunks);
  const bytes = new Uint8Array(length);
  let position = -skip;
  for await (const chunk of chunks) {
    const part = chunk.subarray(Math.max(0, -position), Math.max(0, length - position));
    if (part.byteLength > 0) bytes.set(part, Math.max(0, position));
    position += chunk.byteLength;
    if (position > length && toEnd) return null;
    if (position >= length && !toEnd) return bytes;
  }
  return position === length ? bytes : null;
}

async function joined(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return new Uint8Array(Buffer.concat(all));
}
