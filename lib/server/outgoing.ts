/** An answer of the Web sent through Node's HTTP, compressed where that saves something and changes nothing. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream as NodeStream } from 'node:stream/web';
import { constants, createBrotliCompress, createGzip } from 'node:zlib';

/** Below this a compressed answer is hardly smaller. */
const minBytes = 1024;
/** Events would wait in the encoder for more of them. */
const compressible = /^(?:text\/(?!event-stream)|image\/svg|application\/(?:[\w.+-]*json|[\w.-]*ndjson|javascript))/;

/** As much as can be had without being slower than a network is. */
const brotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };
const encoders: Readonly<Record<'br' | 'gzip', () => Transform>> = {
  br: () => createBrotliCompress(brotliOptions),
  gzip: () => createGzip(),
};

/** Resolves when the answer is sent, or its client is gone, which is no fault. `accepted`: the header `accept-encoding`. */
export async function sendWebResponse(response: Response, outgoing: ServerResponse, accepted = ''): Promise<void> {
  outgoing.statusCode = response.status;
  outgoing.setHeaders(response.headers);
  if (!response.body) return void outgoing.end();
  const body = Readable.fromWeb(response.body as NodeStream<Uint8Array>);
  try {
    const encoding = isCompressible(response.headers) ? await chooseEncoding(body, outgoing, accepted) : null;
    if (encoding === null) return await pipeline(body, outgoing);
    outgoing.setHeader('content-encoding', encoding).removeHeader('content-length');
    return await pipeline(body, encoders[encoding](), outgoing);
  } catch {
    outgoing.destroy();
    body.destroy();
    return undefined;
  }
}

/** A strong ETag names these very bytes, and is what a client compares in `if-match`. */
function isCompressible(headers: Headers): boolean {
  const hasStrongTag = headers.get('etag')?.startsWith('"') === true;
  return !hasStrongTag && !headers.has('content-encoding') && compressible.test(headers.get('content-type') ?? '');
}

/** Null for an answer that is small, or a client that takes neither. */
async function chooseEncoding(
  body: Readable,
  outgoing: ServerResponse,
  accepted: string,
): Promise<'br' | 'gzip' | null> {
  outgoing.appendHeader('vary', 'accept-encoding');
  const taken = accepted.split(',').filter((each) => !/;\s*q=0(?:\.0*)?\s*$/.test(each));
  const names = taken.map((each) => each.split(';')[0]?.trim().toLowerCase());
  const encoding = names.includes('br') ? 'br' : names.includes('gzip') ? 'gzip' : null;
  if (encoding === null) return null;
  const gone = new AbortController();
  outgoing.once('close', () => gone.abort());
  await once(body, 'readable', { signal: gone.signal });
  return body.readableLength < minBytes ? null : encoding;
}
