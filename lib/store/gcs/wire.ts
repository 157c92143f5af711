/**
 * One HTTP request to Google Cloud Storage and its answer, over one pool of kept connections.
 *
 * Owns: time-outs, signals, and whether a request can have reached the other side at all. Must not know what requests
 * mean. Repeats none but reads that met a dead connection. The worst that can happen: a request that was sent is said not to have been; then a write
 * whose outcome is unknown passes for one that did not happen.
 */
import { Agent as HttpAgent, type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import type { Meter, RequestClass } from '../meter.ts';

export interface WireRequest {
  /** For the meter: as Google calls it, and what it bills it as. */
  readonly name: string;
  readonly class: RequestClass;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal | undefined;
  readonly idleMs?: number;
}

/** No answer came, or not the whole of it. */
export class Lost extends Error {
  override readonly name = 'Lost';
  /** Of the system or of Node: `ECONNRESET`, `ETIMEDOUT`; `ABORTED` when the signal was. */
  readonly code: string;
  /** Whether the other side may have seen the request. */
  readonly sent: boolean;

  constructor(code: string, sent: boolean) {
    super(`No answer: ${code}.`);
    this.code = code;
    this.sent = sent;
  }
}

export interface WireAnswer {
  readonly status: number;
  /** The header's value; null when it is absent. */
  readonly header: (name: string) => string | null;
  /** The body; throws `Lost` when it ends early. To be taken once, or let go by `discard`. */
  chunks(signal?: AbortSignal): AsyncGenerator<Buffer>;
  /** Ends the answer; its connection is of no more use. */
  discard(): void;
}

export interface WireOptions {
  /** A connection on which nothing moves for so long is given up. */
  readonly idleMs: number;
  readonly meter: Meter;
}

/** More at once than the driver asks for; each connection costs a handshake. */
const maxSockets = 64;

export class Wire {
  readonly #options: WireOptions;
  readonly #http: HttpAgent;
  readonly #https: HttpsAgent;

  constructor(options: WireOptions) {
    this.#options = options;
    this.#http = new HttpAgent({ keepAlive: true, maxSockets });
    this.#https = new HttpsAgent({ keepAlive: true, maxSockets });
  }

  /** Resolves when the answer's head is there. @throws Lost */
  async send(request: WireRequest): Promise<WireAnswer> {
    const exchange = new Exchange(request, this.#options);
    try {
      return await this.#start(exchange);
    } catch (error) {
      if (!exchange.wasStale) throw error;
      this.#dropIdle();
      // What changes nothing is asked again at once.
      if (request.method !== 'GET') throw error;
      return this.#start(new Exchange(request, this.#options));
    }
  }

  #start(exchange: Exchange): Promise<WireAnswer> {
    return exchange.isSecure ? exchange.start(requestHttps, this.#https) : exchange.start(requestHttp, this.#http);
  }

  /** A kept connection was dead: the process may have been frozen, and then the others are, too. */
  #dropIdle(): void {
    for (const agent of [this.#http, this.#https]) {
      for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
    }
  }
}

/** One request, until its answer is read to the end, fails or is let go. */
class Exchange {
  readonly #request: WireRequest;
  readonly #options: WireOptions;
  readonly #idleMs: number;
  /** Whether it met a connection that was kept, and had ended meanwhile. */
  wasStale = false;
  #sent = false;
  #timedOut = false;
  #metered = false;
  #bytesDown = 0;

  constructor(request: WireRequest, options: WireOptions) {
    this.#request = request;
    this.#options = options;
    this.#idleMs = request.idleMs ?? options.idleMs;
  }

  get isSecure(): boolean {
    return this.#request.url.protocol === 'https:';
  }

  async start(send: typeof requestHttp, agent: HttpAgent): Promise<WireAnswer> {
    const { url, method, headers, body, signal } = this.#request;
    if (signal?.aborted) throw new Lost('ABORTED', false);
    const length = method === 'GET' ? {} : { 'content-length': String(body?.byteLength ?? 0) };
    const options: RequestOptions = { method, agent, headers: { ...headers, ...length }, timeout: this.#idleMs };
    return new Promise<WireAnswer>((resolve, reject) => {
      const sending = send(url, options);
      const listening = new AbortController();
      const stop = (): void => {
        sending.destroy();
        // A request that waits for a connection would not hear of its end before it has one.
        reject(this.#lost(null, signal));
      };
      signal?.addEventListener('abort', stop, { once: true, signal: listening.signal });
      sending.once('socket', (socket) => {
        if (!socket.connecting) this.#sent = true;
        else socket.once(this.isSecure ? 'secureConnect' : 'connect', () => (this.#sent = true));
      });
      sending.on('timeout', () => {
        this.#timedOut = true;
        sending.destroy();
      });
      // Listened to for good: what breaks later shows in the answer's body.
      sending.on('error', (error) => {
        listening.abort();
        const lost = this.#lost(error, signal);
        this.wasStale = sending.reusedSocket && /^(ECONNRESET|EPIPE)$/.test(lost.code);
        reject(lost);
      });
      sending.once('response', (response) => {
        listening.abort();
        response.once('close', () => this.#count());
        resolve(this.#answer(response));
      });
      sending.end(body);
    });
  }

  #answer(response: IncomingMessage): WireAnswer {
    return {
      status: response.statusCode ?? 0,
      header: (name) => {
        const value = response.headers[name];
        return typeof value === 'string' ? value : null;
      },
      chunks: (signal) => this.#chunks(response, signal),
      discard: () => void response.destroy(),
    };
  }

  async *#chunks(response: IncomingMessage, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
    const stop = (): void => void response.destroy();
    const listening = new AbortController();
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop, { once: true, signal: listening.signal });
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        this.#bytesDown += chunk.byteLength;
        // Only the other side's silence counts, not the time that the consumer takes.
        this.#allow(response, 0);
        yield chunk;
        this.#allow(response, this.#idleMs);
      }
    } catch (error) {
      throw this.#lost(error, signal);
    } finally {
      listening.abort();
      response.destroy();
      this.#count();
    }
    if (!response.complete) throw this.#lost(null, signal);
  }

  /** The connection of a complete answer may serve another request already. */
  #allow(response: IncomingMessage, idleMs: number): void {
    if (!response.complete) response.socket.setTimeout(idleMs);
  }

  #lost(error: unknown, signal: AbortSignal | undefined): Lost {
    this.#count();
    if (signal?.aborted) return new Lost('ABORTED', this.#sent);
    if (this.#timedOut) return new Lost('ETIMEDOUT', this.#sent);
    const code = error instanceof Error && 'code' in error ? error.code : null;
    return new Lost(typeof code === 'string' ? code : 'ECONNRESET', this.#sent);
  }

  #count(): void {
    if (this.#metered || !this.#sent) return;
    this.#metered = true;
    const { name, class: billedAs, body } = this.#request;
    this.#options.meter({ name, class: billedAs, bytesUp: body?.byteLength ?? 0, bytesDown: this.#bytesDown });
  }
}
