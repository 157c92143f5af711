/**
 * A server of Vercel Blob on loopback: its API under `/api/blob`, and its CDN by the host's name. Strict: it refuses what
 * the SDK is not known to send, and conditions are evaluated when the body is there, at one moment.
 *
 * Clients come to it by `redirectBlob` (blob-redirect.ts), which also serves as the way of other processes.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerApi } from './blob/api.ts';
import { answerCdn, cdnHost } from './blob/cdn.ts';
import { type Answer, type BlobRequest, receive, Refusal, refusalAnswer } from './blob/http.ts';
import { TestBlobStore } from './blob/store.ts';
import { FaultPlan, type ServerFault } from './faults.ts';

export interface BlobServerOptions {
  /** Wall clock, ms since 1970. */
  readonly now?: () => number;
}

export interface SeenRequest {
  readonly method: string;
  readonly host: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

export async function startBlobServer({ now = Date.now }: BlobServerOptions = {}): Promise<BlobServer> {
  const server = new BlobServer(now);
  await server.listen();
  return server;
}

const apiRoot = '/api/blob';

export class BlobServer {
  readonly faults = new FaultPlan();
  /** Every request that came in whole, in order. */
  readonly seen: SeenRequest[] = [];
  #stores: TestBlobStore[] = [];
  #born = 0;
  /** Answers that are being sent. */
  openAnswers = 0;
  readonly #now: () => number;
  readonly #server: Server;

  constructor(now: () => number) {
    this.#now = now;
    this.#server = createServer({ keepAliveTimeout: 30_000 }, (message, response) => {
      this.openAnswers++;
      response.on('close', () => this.openAnswers--);
      this.#handle(message, response).catch(() => response.destroy());
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** For VERCEL_BLOB_API_URL. */
  get apiUrl(): string {
    return `${this.url}${apiRoot}`;
  }

  addStore(access: 'private' | 'public' = 'private'): TestBlobStore {
    const store = new TestBlobStore({ id: `Store${this.#born++}`, access, now: this.#now });
    this.#stores.push(store);
    return store;
  }

  /** Forgets a store and all that it holds. */
  removeStore(store: TestBlobStore): void {
    this.#stores = this.#stores.filter((other) => other !== store);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const headers = Object.fromEntries(Object.entries(message.headers).map(([name, value]) => [name, String(value)]));
    const { method = '', url = '' } = message;
    const host = headers['host'] ?? '';
    const fault = this.faults.take({ method, path: url, headers });
    if (fault?.kind === 'cut-before') return void message.socket.destroy();
    const request = await receive(message);
    this.seen.push({ method, host, path: url, headers });
    if (fault?.kind === 'delay') await new Promise((resolve) => setTimeout(resolve, fault.ms));
    const answer = fault?.kind === 'answer' ? planned(fault) : this.#answer(request);
    if (fault?.kind === 'cut-after') return void message.socket.destroy();
    send(response, answer, fault?.kind === 'cut-body' ? fault.bytes : null);
  }

  #answer(request: BlobRequest): Answer {
    try {
      if (cdnHost.test(request.host)) return answerCdn(this.#stores, request);
      if (request.path !== apiRoot && !request.path.startsWith(`${apiRoot}/`)) {
        throw new Refusal(404, 'not_found', `There is no ${request.path}.`);
      }
      return answerApi(this.#stores, request.path.slice(apiRoot.length), request);
    } catch (error) {
      if (error instanceof Refusal) return refusalAnswer(error);
      return refusalAnswer(new Refusal(500, 'internal_server_error', String(error)));
    }
  }
}

function planned({ status, headers = {}, body = '' }: Extract<ServerFault, { kind: 'answer' }>): Answer {
  return { status, headers, body: Buffer.from(body) };
}

function send(response: ServerResponse, { status, headers, body }: Answer, cutAfter: number | null): void {
  response.writeHead(status, { ...headers, 'content-length': body.byteLength, 'x-vercel-id': 'loop1::test-1' });
  if (cutAfter === null) response.end(body);
  else response.write(body.subarray(0, cutAfter), () => response.destroy());
}
