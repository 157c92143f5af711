import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { waitAtMost } from '../async/deadline.ts';
import { AppError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import { sendWebResponse, toWebRequest } from './web.ts';
import { type Fetch, refusal } from '../http/router.ts';

export interface NodeServerOptions {
  /** Requests wait while it is being loaded. */
  readonly fetch: Fetch | Promise<Fetch>;
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly runtime: Pick<Runtime, 'sleep'>;
  /** What answers that are under way may take once the server ends. Default: 8 s, of the 10 that containers are given. */
  readonly graceMs?: number;
}

export interface NodeServer {
  /** `http://127.0.0.1:3000` */
  readonly url: string;
  /** Takes no more requests; resolves when those under way are answered, or were broken off for taking too long. */
  close(): Promise<void>;
}

/** Of all headers of a request: lib/http/limits.ts says what is too much. */
const maxHeaderSize = 64 * 1024;
/** Longer than proxies keep a connection that idles, so that none is closed under a request. */
const keepAliveTimeout = 65_000;

/** @throws AppError `unavailable` when the address cannot be listened on */
export async function startNodeServer(options: NodeServerOptions): Promise<NodeServer> {
  const exchanges = new Exchanges(options.fetch);
  const server = createServer({ maxHeaderSize, keepAliveTimeout }, (incoming, outgoing) => {
    void exchanges.run(incoming, outgoing);
  });
  const { host, port } = options;
  server.listen(port, host);
  await once(server, 'listening').catch((error: unknown) => {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'EADDRINUSE' ? 'the port is taken' : message;
    throw new AppError('unavailable', `The server cannot listen on ${host}:${port}: ${why}.`, {
      cause: error,
      hint: 'Name another address with --port and --host.',
    });
  });
  return { url: urlOf(server), close: () => close(server, exchanges, options) };
}

function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

async function close(server: Server, exchanges: Exchanges, { runtime, graceMs = 8_000 }: NodeServerOptions) {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  exchanges.end();
  if (!(await waitAtMost(runtime, graceMs, closed)).inTime) server.closeAllConnections();
  await closed;
}

class Exchanges {
  readonly #fetch: Fetch | Promise<Fetch>;
  /** Streams of events, which would never end by themselves. */
  readonly #endless = new Set<ServerResponse>();
  #isEnding = false;

  constructor(fetch: Fetch | Promise<Fetch>) {
    this.#fetch = fetch;
  }

  /** Answers; never rejects. */
  async run(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const gone = new AbortController();
    outgoing.once('close', () => {
      this.#endless.delete(outgoing);
      if (!outgoing.writableFinished) gone.abort();
    });
    // The rest of a body that was read in part: nothing flows, not even the next request, while its reader is listened for.
    outgoing.once('finish', () => incoming.removeAllListeners('readable').resume());
    const response = await this.#answer(incoming, gone.signal);
    if (this.#isEnding) outgoing.setHeader('connection', 'close');
    else if (isEndless(response)) this.#endless.add(outgoing);
    await sendWebResponse(response, outgoing, incoming.headers['accept-encoding']?.toString());
    // A client that was promised that the connection would be kept finds it closed between two requests.
    if (this.#isEnding) incoming.socket.end();
  }

  /** Clients of event streams reconnect by themselves. */
  end(): void {
    this.#isEnding = true;
    for (const outgoing of this.#endless) outgoing.destroy();
  }

  async #answer(incoming: IncomingMessage, signal: AbortSignal): Promise<Response> {
    try {
      const fetch = await this.#fetch;
      return await fetch(toWebRequest(incoming, signal));
    } catch (error) {
      return refusal(error);
    }
  }
}

const isEndless = ({ headers }: Response): boolean =>
  headers.get('content-type')?.startsWith('text/event-stream') === true;
