/**
 * One HTTP request over kept connections. It decides whether the server can have seen the request: a write that was
 * sent must not pass for one that was not.
 */
import { Agent as HttpAgent, type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import type { Meter, RequestClass } from '../usage.ts';

export interface WireRequest {
  readonly name: string;
  readonly class: RequestClass;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal | undefined;
  readonly idleMs?: number;
}

export class Lost extends Error {
  override readonly name = 'Lost';
  /** Of the system or of Node: `ECONNRESET`, `ETIMEDOUT`; `ABORTED` when the signal was. */
  readonly code: string;
  readonly sent: boolean;

  constructor(code: string, sent: boolean) {
    super(`No answer: ${code}.`);
    this.code = code;
    this.sent = sent;
  }
}

export interface WireAnswer {
  readonly status: number;
  readonly isSuccess: boolean;
  readonly header: (name: string) => string | null;
  readonly body: Uint8Array;
}

export interface WireOptions {
  readonly idleMs: number;
  readonly meter: Meter;
}

/** More at once than the driver asks for; each connection costs a handshake. */
const maxSockets = 64;
const maxErrorBytes = 64 * 1024;

export class Wire {
  readonly #options: WireOptions;
  readonly #http = new HttpAgent({ keepAlive: true, maxSockets });
  readonly #https = new HttpsAgent({ keepAlive: true, maxSockets });

  constructor(options: WireOptions) {
    this.#options = options;
  }

  async send(request: WireRequest): Promise<WireAnswer> {
    const exchange = new WireExchange(request, this.#options);
    try {
      return await exchange.run(this.#http, this.#https);
    } catch (error) {
      if (!exchange.wasStale) throw error;
      this.#dropIdle();
      // What changes nothing is asked again at once.
      if (request.method !== 'GET') throw error;
      return new WireExchange(request, this.#options).run(this.#http, this.#https);
    }
  }

  /** A kept connection was dead: the process may have been frozen, and then the others are, too. */
  #dropIdle(): void {
    for (const agent of [this.#http, this.#https]) {
      for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
    }
  }
}

class WireExchange {
  readonly #request: WireRequest;
  readonly #options: WireOptions;
  /** Whether it met a connection that was kept, and had ended meanwhile. */
  wasStale = false;
  #sent = false;
  #timedOut = false;
  #bytesDown = 0;

  constructor(request: WireRequest, options: WireOptions) {
    this.#request = request;
    this.#options = options;
  }

  async run(http: HttpAgent, https: HttpsAgent): Promise<WireAnswer> {
    if (this.#request.signal?.aborted) throw new Lost('ABORTED', false);
    const isSecure = this.#request.url.protocol === 'https:';
    const ended = new AbortController();
    try {
      const response = await this.#start(isSecure ? requestHttps : requestHttp, isSecure ? https : http, ended.signal);
      const status = response.statusCode ?? 0;
      // 308 says that an upload may go on.
      const isSuccess = (status >= 200 && status < 300) || status === 308;
      const body = await this.#bodyOf(response, isSuccess ? Infinity : maxErrorBytes);
      const header = (name: string): string | null => (response.headers[name] as string | undefined) ?? null;
      return { status, isSuccess, header, body };
    } catch (error) {
      throw this.#lost(error);
    } finally {
      ended.abort();
      this.#count();
    }
  }

  #start(send: typeof requestHttp, agent: HttpAgent, ended: AbortSignal): Promise<IncomingMessage> {
    const { url, method, headers, body, signal, idleMs = this.#options.idleMs } = this.#request;
    const length = method === 'GET' ? {} : { 'content-length': String(body?.byteLength ?? 0) };
    const options: RequestOptions = { method, agent, headers: { ...headers, ...length }, timeout: idleMs };
    return new Promise((resolve, reject) => {
      const sending = send(url, options);
      const stop = (): void => {
        sending.destroy();
        // A request that waits for a connection would not hear of its end before it has one.
        reject(new Lost('ABORTED', this.#sent));
      };
      signal?.addEventListener('abort', stop, { once: true, signal: ended });
      sending.once('socket', (socket) => {
        if (!socket.connecting) this.#sent = true;
        else socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => (this.#sent = true));
      });
      sending.on('timeout', () => {
        this.#timedOut = true;
        sending.destroy();
      });
      sending.on('error', (error) => {
        this.wasStale = sending.reusedSocket && /^(ECONNRESET|EPIPE)$/.test(this.#lost(error).code);
        reject(error);
      });
      sending.once('response', resolve);
      sending.end(body);
    });
  }

  async #bodyOf(response: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
    const chunks: Buffer[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      this.#bytesDown += chunk.byteLength;
      if (this.#bytesDown > maxBytes) break;
    }
    if (!response.complete && this.#bytesDown <= maxBytes) throw new Error('The answer ended early.');
    const bytes = new Uint8Array(this.#bytesDown);
    let position = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, position);
      position += chunk.byteLength;
    }
    return bytes;
  }

  #lost(error: unknown): Lost {
    if (this.#request.signal?.aborted) return new Lost('ABORTED', this.#sent);
    if (this.#timedOut) return new Lost('ETIMEDOUT', this.#sent);
    const code = error instanceof Error && 'code' in error ? error.code : null;
    return new Lost(typeof code === 'string' ? code : 'ECONNRESET', this.#sent);
  }

  #count(): void {
    if (!this.#sent) return;
    const { name, class: billedAs, body } = this.#request;
    this.#options.meter({ name, class: billedAs, bytesUp: body?.byteLength ?? 0, bytesDown: this.#bytesDown });
  }
}
