/**
 * The functions under api/ over real HTTP, as the platform calls them: it finds the route, adds its dynamic segments to the
 * query, says who the peer is, answers 404 and 405 by itself, and passes bodies on in both directions as streams.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Route, routeOf } from './routes.ts';
import { listen, type Listening } from './servers/http.ts';

export function serveFunctions(routes: readonly Route[]): Promise<Listening> {
  return listen((incoming, outgoing) => {
    answer(routes, incoming, outgoing).catch((error: unknown) => outgoing.destroy(error as Error));
  });
}

async function answer(routes: readonly Route[], incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const url = URL.parse(incoming.url ?? '', `http://${incoming.headers.host ?? 'localhost'}`);
  const route = url && routeOf(routes, url.pathname);
  if (!route) return void outgoing.writeHead(404).end();
  const { method = 'GET' } = incoming;
  const served = Object.hasOwn(route.served, method) ? route.served[method] : undefined;
  if (!served) return void outgoing.writeHead(405).end();
  const gone = new AbortController();
  // The rest of a body that was read in part.
  outgoing.once('finish', () => incoming.resume());
  outgoing.once('close', () => gone.abort());
  const response = await served(requestOf(incoming, withSegments(url, route), method, gone.signal));
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (!response.body) return void outgoing.end();
  // A client that leaves in the middle is no fault.
  await pipeline(Readable.fromWeb(response.body), outgoing).catch(() => undefined);
}

function requestOf(incoming: IncomingMessage, url: URL, method: string, signal: AbortSignal): Request {
  const headers = new Headers();
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  headers.set('x-real-ip', incoming.socket.remoteAddress ?? '');
  const hasBody = method !== 'GET' && method !== 'HEAD';
  const body = hasBody ? { body: bodyWhenRead(incoming), duplex: 'half' as const } : {};
  return new Request(url, { method, headers, signal, ...body });
}

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

/** Vercel leaves a segment out where the client sent a parameter of its name. */
function withSegments(url: URL, { path }: Route): URL {
  const given = url.pathname.split('/').filter((segment) => segment !== '');
  for (const [index, part] of path
    .split('/')
    .filter((segment) => segment !== '')
    .entries()) {
    const name = /^\[(\w+)\]$/.exec(part)?.[1];
    if (name === undefined || url.searchParams.has(name)) continue;
    url.search += `${url.search === '' ? '?' : '&'}${name}=${encodeURIComponent(given[index] ?? '')}`;
  }
  return url;
}
