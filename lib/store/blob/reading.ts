/**
 * Bytes come from the CDN, which is never believed that an object is absent: it answers by status alone, and a wrong
 * store is 404, too.
 */
import { AppError, isAppError } from '../../errors.ts';
import { expectedBytes, gather, rangeHeader } from '../driver/bytes.ts';
import { clipRange } from '../keys.ts';
import type { ByteRange } from '../store.ts';
import type { BlobClient, BlobObject } from './client.ts';
import { statusOf, wasNeverSent } from './errors.ts';
import type { Signal } from '../signal.ts';

interface BlobRequest {
  readonly key: string;
  readonly range: ByteRange | undefined;
  /** What the API says of the object, if it was asked. */
  readonly info: BlobObject | null;
  readonly signal: Signal;
}

type BlobAnswer = NonNullable<Awaited<ReturnType<BlobClient['get']>>>;

const mostTries = 3;

export class BlobReading {
  readonly #client: BlobClient;

  constructor(client: BlobClient) {
    this.#client = client;
  }

  async get(key: string, range: ByteRange | undefined, signal: Signal): Promise<Uint8Array | null> {
    // A public store's CDN cannot be asked past its cache, so the API's word is needed first.
    const bytes = this.#client.access === 'private' ? await this.#fetch({ key, range, info: null, signal }) : null;
    return bytes ?? this.#getKnown(key, range, signal);
  }

  /** Between the API's word and the bytes the object may go, or another come: as long as one does, asks again. */
  async #getKnown(key: string, range: ByteRange | undefined, signal: Signal): Promise<Uint8Array | null> {
    const tried = new Map<string, number>();
    for (;;) {
      const info = await this.#client.head(key, signal);
      if (!info) return null;
      const { start, end } = clipRange(range, info.size);
      if (start === end) return new Uint8Array(0);
      const part = start === 0 && end === info.size ? undefined : { start, end };
      const bytes = await this.#fetch({ key, range: part, info, signal });
      if (bytes) return bytes;
      const tries = (tried.get(info.etag) ?? 0) + 1;
      if (tries === mostTries) throw notServed(key);
      tried.set(info.etag, tries);
    }
  }

  /** Null when what is served is not what was asked for; without `info`, also when the API can say more. */
  async #fetch(asked: BlobRequest): Promise<Uint8Array | null> {
    const { key, range, info, signal } = asked;
    const headers = { 'accept-encoding': 'identity', ...(range && { range: rangeHeader(range) }) };
    let answer: BlobAnswer | null;
    try {
      answer = await this.#client.get(key, headers, signal);
    } catch (error) {
      if (!isAppError(error) && !wasNeverSent(error)) this.#client.meterGet(0);
      const status = statusOf(error);
      // The API says why; 5xx is an outage.
      if (status !== null && status < 500 && info === null) return null;
      throw this.#client.readFailed(error);
    }
    return this.#take(answer, asked);
  }

  async #take(answer: BlobAnswer | null, { key, range, info, signal }: BlobRequest): Promise<Uint8Array | null> {
    const head = answer && this.#isOf(answer, info) ? headOf(answer) : null;
    // Only the API's word makes sure that a body without a range is the whole object.
    const isClear = head !== null && (info !== null || !range || head.contentRange !== null);
    const expected = isClear ? expectedBytes(head, range, info?.size) : null;
    if (!answer?.stream || !expected || expected.length === null) {
      await answer?.stream?.cancel();
      this.#client.meterGet(0);
      return null;
    }
    let received = 0;
    try {
      const chunks = this.#chunks(answer.stream, signal, (size) => (received += size));
      const bytes = await gather(chunks, expected);
      if (bytes) return bytes;
      throw new AppError('unavailable', `${key} is not served with the length that it has: ${received} bytes came.`);
    } catch (error) {
      throw this.#client.readFailed(error);
    } finally {
      this.#client.meterGet(received);
    }
  }

  /** Blob always sends an ETag; a proxy that answers instead does not. */
  #isOf({ headers }: BlobAnswer, info: BlobObject | null): boolean {
    const tag = headers.get('etag');
    if (tag === null) return false;
    return this.#client.access === 'private' || info === null || bareTag(tag) === bareTag(info.etag);
  }

  async *#chunks(stream: ReadableStream<Uint8Array>, signal: Signal, count: (bytes: number) => void) {
    const reader = stream.getReader();
    try {
      for (;;) {
        const { value, done } = await this.#client.patiently(signal, () => reader.read());
        if (done) return;
        count(value.byteLength);
        yield value;
      }
    } finally {
      await reader.cancel().catch(() => undefined);
    }
  }
}

function notServed(key: string): AppError {
  return new AppError('unavailable', `Vercel Blob served something other than the object ${key}.`, {
    hint: 'Try again. A public store may serve the old object for a minute; a private one does not.',
  });
}

/** A CDN may compress without being asked: then the length is not the object's. */
function headOf({ headers }: BlobAnswer): { contentRange: string | null; contentLength: number | undefined } {
  const length = headers.get('content-encoding') === null ? headers.get('content-length') : null;
  return { contentRange: headers.get('content-range'), contentLength: length === null ? undefined : Number(length) };
}

/** `W/` says that the bytes were compressed on their way, not that they are others. */
function bareTag(tag: string): string {
  return tag.replace(/^W\//, '');
}
