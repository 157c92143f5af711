/**
 * Bytes of an object, from the CDN before the store.
 *
 * Owns: ranges, and that what is handed out is exactly as long as it must be. Believes no absence: the CDN says only a
 * status, and 404 may also come of a wrong store; what is there, the API tells (`head`). The worst that can happen: a short or
 * old object taken for whole; so the length is held against two words, and a public store's tag against the API's.
 */
import { AppError, isAppError } from '../../errors.ts';
import { clipRange } from '../range.ts';
import { throwIfAborted } from '../signal.ts';
import type { ByteRange } from '../store.ts';
import type { BlobClient, BlobObject } from './client.ts';
import { statusOf, wasNeverSent } from './errors.ts';

type Signal = AbortSignal | undefined;

/** Bytes to come: after `skip` bytes, `length` of them. */
interface Opened {
  readonly stream: ReadableStream<Uint8Array>;
  readonly skip: number;
  readonly length: number;
}

/** How often the same object is asked for that the API has and the CDN has not. */
const mostTries = 3;

export class Download {
  readonly #client: BlobClient;

  constructor(client: BlobClient) {
    this.#client = client;
  }

  /** The whole object or a part in one request, if the CDN's answer is beyond doubt; null when the API must be asked. */
  async tryGet(key: string, range: ByteRange | undefined, signal: Signal): Promise<Uint8Array | null> {
    // A public store's CDN cannot be asked past its cache, and nobody can be asked for no bytes.
    if (this.#client.access === 'public' || (range && range.start === range.end)) return null;
    const opened = await this.#open(key, range, null, signal);
    return opened && this.#gather(key, opened, signal);
  }

  /** As much of an object as the API says that there is; null when it says that there is none. */
  async get(key: string, range: ByteRange | undefined, signal: Signal): Promise<Uint8Array | null> {
    const opened = await this.#openKnown(key, range, signal);
    if (opened === 'empty') return new Uint8Array(0);
    return opened && this.#gather(key, opened, signal);
  }

  /** Sends its request when the iteration begins: a stream that nobody consumes holds no connection. */
  async *read(info: BlobObject, range: ByteRange | undefined, signal: Signal): AsyncGenerator<Uint8Array> {
    throwIfAborted(signal);
    const opened = await this.#openKnown(info.key, range, signal, info);
    if (opened === 'empty') return;
    if (!opened) throw new AppError('unavailable', `The object ${info.key} went away before it was read.`);
    yield* this.#chunks(info.key, opened, signal);
  }

  async #gather(key: string, opened: Opened, signal: Signal): Promise<Uint8Array> {
    const bytes = new Uint8Array(opened.length);
    let position = 0;
    for await (const chunk of this.#chunks(key, opened, signal)) {
      bytes.set(chunk, position);
      position += chunk.byteLength;
    }
    return bytes;
  }

  /** Between the API's word and the bytes the object may go, or another come: as long as one does, ask again. */
  async #openKnown(
    key: string,
    range: ByteRange | undefined,
    signal: Signal,
    known?: BlobObject,
  ): Promise<Opened | 'empty' | null> {
    const tried = new Map<string, number>();
    for (
      let info = known ?? (await this.#client.head(key, signal));
      info;
      info = await this.#client.head(key, signal)
    ) {
      const { start, end } = clipRange(range, info.size);
      if (start === end) return 'empty';
      const part = start === 0 && end === info.size ? undefined : { start, end };
      const opened = await this.#open(key, part, info, signal);
      if (opened) return opened;
      const tries = (tried.get(info.etag) ?? 0) + 1;
      if (tries === mostTries) throw notServed(key);
      tried.set(info.etag, tries);
    }
    return null;
  }

  async #open(
    key: string,
    range: ByteRange | undefined,
    info: BlobObject | null,
    signal: Signal,
  ): Promise<Opened | null> {
    const headers = { 'accept-encoding': 'identity', ...(range && { range: headerOf(range) }) };
    try {
      const answer = await this.#client.get(key, headers, signal);
      const compareTags = this.#client.access === 'public';
      const opened = answer?.stream ? describe(answer.stream, answer.headers, range, info, compareTags) : null;
      if (opened) return opened;
      await answer?.stream?.cancel();
      this.#client.meterGet(0);
      return null;
    } catch (error) {
      if (!isAppError(error) && !wasNeverSent(error)) this.#client.meterGet(0);
      const status = statusOf(error);
      // 403, 404, 416 and their kin: the API says why. 5xx is an outage.
      if (status !== null && status < 500 && info === null) return null;
      throw this.#client.readFailed(error);
    }
  }

  async *#chunks(key: string, { stream, skip, length }: Opened, signal: Signal): AsyncGenerator<Uint8Array> {
    const reader = stream.getReader();
    let position = -skip;
    let received = 0;
    try {
      while (position < length) {
        const { value, done } = await this.#client.step(() => reader.read(), signal);
        if (done) throw new AppError('unavailable', `${key} ended early: ${received} bytes came.`);
        received += value.byteLength;
        const chunk = value.subarray(Math.max(0, -position), length - position);
        position += value.byteLength;
        if (chunk.byteLength > 0) yield chunk;
      }
      if (skip === 0 && position > length) throw new AppError('unavailable', `${key} is served longer than it is.`);
    } catch (error) {
      throw this.#client.readFailed(error);
    } finally {
      this.#client.meterGet(received);
      await reader.cancel().catch(() => undefined);
    }
  }
}

function notServed(key: string): AppError {
  return new AppError('unavailable', `The object ${key} is there, but what is served is not it.`, {
    hint: 'Try again. Of a public store, what was replaced may be served for a minute: a private one has no such delay.',
  });
}

/** Open where it would pass all sizes that a server can be expected to read. */
function headerOf({ start, end }: ByteRange): string {
  return `bytes=${start}-${end > 2 ** 50 ? '' : end - 1}`;
}

/**
 * Which bytes an answer brings; null when it is not the answer to what was asked. Without a length that can be trusted (a
 * CDN may compress, whatever it was asked) the size that the API told is taken, and without that, none.
 */
function describe(
  stream: ReadableStream<Uint8Array>,
  headers: { get(name: string): string | null },
  range: ByteRange | undefined,
  info: BlobObject | null,
  compareTags: boolean,
): Opened | null {
  const tag = headers.get('etag');
  // Blob always gives one; a proxy that answers in its place does not.
  if (tag === null || (compareTags && info && bareTag(tag) !== bareTag(info.etag))) return null;
  const served = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers.get('content-range') ?? '');
  if (served) {
    const [start, last, size] = served.slice(1).map(Number) as [number, number, number];
    const part = range && clipRange(range, size);
    if (part?.start !== start || part.end !== last + 1 || (info && size !== info.size)) return null;
    return { stream, skip: 0, length: part.end - part.start };
  }
  const told = headers.get('content-encoding') === null ? headers.get('content-length') : null;
  const size = told === null ? info?.size : Number(told);
  if (size === undefined || (info && size !== info.size)) return null;
  const part = clipRange(range, size);
  return { stream, skip: part.start, length: part.end - part.start };
}

/** `W/` says that the bytes were compressed on their way, not that they are others. */
function bareTag(tag: string): string {
  return tag.replace(/^W\//, '');
}
