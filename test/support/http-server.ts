/** Endpoints behind a real HTTP server on loopback, as a platform puts them there. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream as NodeStream } from 'node:stream/web';
import type { Endpoints } from '../../lib/http/endpoints.ts';
import { fromThisMachine } from './requests.ts';
import { listen, type Listening } from './servers/http.ts';
import { answerRequest } from './service.ts';

export function serveEndpoints(endpoints: Endpoints): Promise<Listening> {
  return listen((incoming, outgoing) => void answer(endpoints, incoming, outgoing));
}

async function answer(endpoints: Endpoints, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const gone = new AbortController();
  outgoing.once('close', () => gone.abort());
  const response = await answerRequest(endpoints, requestOf(incoming, gone.signal));
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  const body = response.body ? Readable.fromWeb(response.body as NodeStream<Uint8Array>) : Readable.from([]);
  // A client that goes away in the middle is its own business.
  await pipeline(body, outgoing).catch(() => undefined);
}

function requestOf(incoming: IncomingMessage, signal: AbortSignal): Request {
  const { method = 'GET', url = '/', headers } = incoming;
  const given = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
  const hasBody = method !== 'GET' && method !== 'HEAD';
  return new Request(new URL(url, `http://${headers.host ?? 'localhost'}`), {
    method,
    signal,
    headers: [...given, ...Object.entries(fromThisMachine)],
    ...(hasBody ? { body: Readable.toWeb(incoming) as ReadableStream<Uint8Array>, duplex: 'half' as const } : {}),
  });
}
