/**
 * A request of Node's HTTP as one of the Web. A function sees no socket, so what the socket knows is written into headers
 * here: see lib/http/locality.ts for what rests on them.
 */
import type { IncomingMessage } from 'node:http';
import { RequestError } from '../http/problem.ts';

/** @throws RequestError 400 when its address is none, or it has a method that browsers' requests may not have */
export function toWebRequest(incoming: IncomingMessage, signal: AbortSignal): Request {
  const { method = 'GET' } = incoming;
  const hasBody = method !== 'GET' && method !== 'HEAD';
  const body = hasBody ? { body: bodyWhenRead(incoming), duplex: 'half' as const } : {};
  try {
    return new Request(addressOf(incoming), { method, headers: headersOf(incoming), signal, ...body });
  } catch (error) {
    throw new RequestError(400, 'The request has an address or a method that this server does not understand.', {
      cause: error,
    });
  }
}

/** Put together rather than resolved: to `new URL`, `//evil.example` is another host. */
function addressOf({ url = '/', headers: { host = 'localhost' } }: IncomingMessage): string {
  if (!/^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i.test(host)) throw new TypeError('The header Host names no host.');
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

/** What nobody reads stays with Node, which drops it after the answer. */
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
