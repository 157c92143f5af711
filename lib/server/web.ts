/** A function sees no socket, so what the socket knows is written into headers: see lib/http/locality.ts. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream as NodeStream } from 'node:stream/web';
import { constants, createBrotliCompress, createGzip } from 'node:zlib';
import { knownText } from '../http/json-answer.ts';
import { RequestError } from '../http/problem.ts';

/** @throws RequestError 400 when its address is none, or it has a method that browsers' requests may not have */
export function toWebRequest(incoming: IncomingMessage, signal: AbortSignal): Request {
  const { method = 'GET' } = incoming;
  const hasBody = method !== 'GET' && method !== 'HEAD';
  const body = hasBody ? { body: bodyWhenRead(incoming), duplex: 'half' as const } : {};
  try {
    return new Request(addressOf(incoming), { method, headers: headersOf(incoming), signal, ...body });
  } catch (error) {
    throw new RequestError(400, 'The server does not understand the address or the method of the request.', {
      cause: error,
    });
  }
}

/** Put together rather than resolved: to `new URL`, `//evil.example` is another host. */
function addressOf({ url = '/', headers: { host = 'localhost' } }: IncomingMessage): string {
  if (!/^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i.test(host))
    throw new TypeError('The Host header is not a valid host.');
  return url.startsWith('/') ? `http://${host}${url}` : url;
}

/**
 * The client's own headers, but that it cannot say who it is: `x-real-ip` is the peer of the socket, which `x-forwarded-for`
 * ends with. What a proxy before this server put into the latter stays: it can only make a request less local.
 */
function headersOf({ headersDistinct, socket }: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, values] of Object.entries(headersDistinct)) {
    if (isOfVercel(name)) continue;
    for (const value of values ?? []) headers.append(name, value);
  }
  const peer = socket.remoteAddress ?? '';
  headers.set('x-real-ip', peer);
  headers.append('x-forwarded-for', peer);
  return headers;
}

/** What only Vercel's proxy says, such as a request's id. */
const isOfVercel = (name: string): boolean => name.startsWith('x-vercel-') && name !== 'x-vercel-forwarded-for';

/** An unread body stays with Node, which drops it after the answer. */
function bodyWhenRead(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  let chunks: AsyncIterator<Buffer> | null = null;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        chunks ??= incoming[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
        const { done, value } = await chunks.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
    },
    { highWaterMark: 0 },
  );
}

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
  const mayCompress = isCompressible(response.headers);
  if (mayCompress) outgoing.appendHeader('vary', 'accept-encoding');
  const text = knownText(response);
  if (text !== undefined && (text.length < minBytes || !mayCompress)) {
    outgoing.setHeader('content-length', Buffer.byteLength(text));
    return void outgoing.end(text);
  }
  const body = Readable.fromWeb(response.body as NodeStream<Uint8Array>);
  try {
    const encoding = mayCompress ? await chooseEncoding(body, outgoing, accepted) : null;
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
  const taken = accepted.split(',').filter((each) => !/;\s*q=0(?:\.0*)?\s*$/.test(each));
  const names = taken.map((each) => each.split(';')[0]?.trim().toLowerCase());
  const encoding = names.includes('br') ? 'br' : names.includes('gzip') ? 'gzip' : null;
  if (encoding === null) return null;
  const gone = new AbortController();
  outgoing.once('close', () => gone.abort());
  await once(body, 'readable', { signal: gone.signal });
  return body.readableLength < minBytes ? null : encoding;
}
