/**
 * The bytes of an object, whole or in part.
 *
 * Owns: ranges as HTTP has them, and the check that what comes is what was asked for. The worst that can happen: bytes
 * from another place, or fewer, taken for the part that was asked for.
 */
import { clipRange } from '../range.ts';
import { throwIfAborted } from '../signal.ts';
import type { ByteRange } from '../store.ts';
import type { Call, Client } from './client.ts';
import { methods } from './methods.ts';
import { Refusal } from './refusal.ts';
import type { WireAnswer } from './wire.ts';

/** An answer whose bytes are still to come; null stands for no bytes. */
export interface Media {
  readonly answer: WireAnswer | null;
  readonly size: number | null;
  readonly client: Client;
  readonly call: Call;
}

/** Null when there is no such object. @throws AppError */
export async function openMedia(
  client: Client,
  key: string,
  range: ByteRange | undefined,
  signal: AbortSignal | undefined,
): Promise<Media | null> {
  const call: Call = {
    ...methods.get,
    signal,
    path: client.objectsPath(key),
    query: { alt: 'media' },
    ...(range ? { headers: { range: `bytes=${range.start}-${range.end - 1}` } } : {}),
  };
  const answer = await client.ask(call);
  if (!(answer instanceof Refusal)) return { answer, size: expectedSize(answer, range, client, call), client, call };
  // The object is there, but has nothing so far behind.
  if (answer.status === 416 && range) return { answer: null, size: 0, client, call };
  if (await client.isAbsence(answer, signal)) return null;
  throw client.explain(answer, call);
}

/** All the bytes, in memory of the caller's own. */
export async function wholeOf(media: Media): Promise<Uint8Array> {
  if (media.size === null) return joined(media);
  const bytes = new Uint8Array(media.size);
  let filled = 0;
  for await (const piece of piecesOf(media)) {
    bytes.set(piece, filled);
    filled += piece.byteLength;
  }
  return bytes;
}

async function joined(media: Media): Promise<Uint8Array> {
  const pieces: Buffer[] = [];
  for await (const piece of piecesOf(media)) pieces.push(piece);
  return new Uint8Array(Buffer.concat(pieces));
}

/** The bytes as they come, each chunk a copy: Node uses its buffers again. @throws AppError when they end early. */
export async function* chunksOf(media: Media): AsyncGenerator<Uint8Array> {
  throwIfAborted(media.call.signal);
  for await (const piece of piecesOf(media)) if (piece.byteLength > 0) yield new Uint8Array(piece);
}

async function* piecesOf({ answer, size, client, call }: Media): AsyncGenerator<Buffer> {
  let seen = 0;
  try {
    for await (const piece of answer?.chunks(call.signal) ?? []) {
      seen += piece.byteLength;
      if (size !== null && seen > size) break;
      yield piece;
    }
  } catch (error) {
    throw client.explainLost(error, call);
  }
  if (size !== null && seen !== size) throw client.notUnderstood(call);
}

/** How many bytes an answer has; null when it does not say. @throws AppError when they are not those of `range`. */
function expectedSize(answer: WireAnswer, range: ByteRange | undefined, client: Client, call: Call): number | null {
  const length = answer.header('content-length');
  const size = length === null ? null : Number(length);
  if (!range && answer.status === 200) return size;
  if (range && answer.status === 206) {
    const [, start, end, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(answer.header('content-range') ?? '') ?? [];
    const part = clipRange(range, Number(total));
    if (Number(start) === part.start && Number(end) === part.end - 1) return part.end - part.start;
  }
  // Without the range, all of an object that is no longer.
  if (range?.start === 0 && answer.status === 200 && size !== null && size <= range.end) return size;
  answer.discard();
  throw client.notUnderstood(call);
}
