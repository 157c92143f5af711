/**
 * A proxy on loopback before any HTTP server: it can be slow, cut connections, answer in the server's place, and change
 * headers. What it passes on it does not change: neither the `Host` header, over which requests are signed, nor bodies.
 */
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { FaultPlan, ServerFault, ServerRequest } from './faults.ts';
import { bodyOf, listen } from './http.ts';

export interface ForwardedRequest extends ServerRequest {
  readonly headers: IncomingHttpHeaders;
}

export interface ProxyOptions {
  /** `http://127.0.0.1:1234` */
  readonly target: string;
  readonly faults?: FaultPlan;
  /** Waited before a request goes on, and again before its answer does. */
  readonly latencyMs?: number;
  /** Of each connection, each way. */
  readonly bytesPerSecond?: number;
  /** The headers with which the request goes on; it may change the ones that it is given. */
  readonly rewrite?: (request: ForwardedRequest) => IncomingHttpHeaders;
  /** Stands around the passing on of each request: it may answer itself, wait, or look at the answer. */
  readonly around?: (request: ForwardedRequest, body: Buffer, forward: () => Promise<Answer>) => Promise<Answer>;
  /** Sees every request that arrives, before any fault. */
  readonly observe?: (request: ForwardedRequest) => void;
}

export interface Proxy {
  readonly url: string;
  /** Requests that arrived so far. */
  readonly requests: number;
  /** Connections that were opened so far. */
  readonly connections: number;
  /** Connections that are open now. */
  readonly open: number;
  /** Waits until no request is under way, those included whose clients have gone. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export async function startProxy(options: ProxyOptions): Promise<Proxy> {
  const agent = new Agent({ keepAlive: true });
  const counted = { requests: 0, connections: 0, open: 0 };
  const underWay = new Set<Promise<void>>();
  const listening = await listen((incoming, outgoing) => {
    counted.requests++;
    // Whoever went away, or was cut off, is not told.
    const serving = serve(options, agent, incoming, outgoing).catch(() => void outgoing.socket?.destroy());
    underWay.add(serving);
    void serving.finally(() => underWay.delete(serving));
  });
  listening.server.on('connection', (socket) => {
    counted.connections++;
    counted.open++;
    socket.on('close', () => counted.open--);
  });
  return {
    url: `http://127.0.0.1:${listening.port}`,
    get requests() {
      return counted.requests;
    },
    get connections() {
      return counted.connections;
    },
    get open() {
      return counted.open;
    },
    settled: async () => {
      while (underWay.size > 0) await Promise.all(underWay);
    },
    close: async () => {
      await listening.close();
      agent.destroy();
    },
  };
}

async function serve(
  options: ProxyOptions,
  agent: Agent,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const asked = { method: incoming.method ?? 'GET', path: incoming.url ?? '/', headers: incoming.headers };
  options.observe?.(asked);
  const fault = options.faults?.take(asked) ?? null;
  if (fault?.kind === 'cut-before') return void incoming.socket.destroy();
  const body = await bodyOf(incoming);
  await pause((options.latencyMs ?? 0) + sendingMs(options, body.byteLength));
  if (fault?.kind === 'delay') await pause(fault.ms);
  const answer = fault?.kind === 'answer' ? inPlace(fault) : await passOn(options, agent, asked, body);
  if (fault?.kind === 'cut-after') return void incoming.socket.destroy();
  await pause(options.latencyMs ?? 0);
  await send(options, asked.method, answer, outgoing, fault?.kind === 'cut-body' ? fault.bytes : null);
}

function inPlace({ status, body = '', headers = {} }: Extract<ServerFault, { kind: 'answer' }>): Answer {
  return {
    status,
    headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
    body: Buffer.from(body),
  };
}

function passOn(options: ProxyOptions, agent: Agent, asked: ForwardedRequest, body: Buffer): Promise<Answer> {
  const go = (): Promise<Answer> => forward(options, agent, asked, body);
  return options.around ? options.around(asked, body, go) : go();
}

async function forward(options: ProxyOptions, agent: Agent, asked: ForwardedRequest, body: Buffer): Promise<Answer> {
  const headers = options.rewrite ? options.rewrite({ ...asked, headers: { ...asked.headers } }) : asked.headers;
  const { hostname, port } = new URL(options.target);
  const answered = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request({ agent, hostname, port, method: asked.method, path: asked.path, headers }, resolve);
    sent.on('error', reject);
    sent.end(body);
  });
  return { status: answered.statusCode ?? 502, headers: answered.headers, body: await bodyOf(answered) };
}

/** Sends the answer, or only so many bytes of its body. */
async function send(
  options: ProxyOptions,
  method: string,
  { status, headers, body }: Answer,
  outgoing: ServerResponse,
  cutAfter: number | null,
): Promise<void> {
  const framed = { ...headers };
  if (method !== 'HEAD' && status !== 204 && status !== 304) {
    delete framed['transfer-encoding'];
    framed['content-length'] = String(body.byteLength);
  }
  outgoing.writeHead(status, framed);
  if (cutAfter !== null) {
    outgoing.flushHeaders();
    await written(outgoing, body.subarray(0, cutAfter));
    outgoing.socket?.destroySoon();
    return;
  }
  await pause(sendingMs(options, body.byteLength));
  outgoing.end(body);
}

async function written(outgoing: ServerResponse, bytes: Buffer): Promise<void> {
  if (bytes.byteLength === 0) return;
  await new Promise<void>((resolve, reject) => outgoing.write(bytes, (error) => (error ? reject(error) : resolve())));
}

async function pause(ms: number): Promise<void> {
  if (ms > 0) await delay(ms);
}

function sendingMs({ bytesPerSecond }: ProxyOptions, bytes: number): number {
  return bytesPerSecond === undefined ? 0 : (bytes / bytesPerSecond) * 1000;
}
