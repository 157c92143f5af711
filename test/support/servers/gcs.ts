/**
 * A server of the JSON API of Google Cloud Storage, on loopback. Strict: what it does not know it answers with 400, so
 * that a test notices. Atomic: a condition is decided in the turn that changes the object. Its rooms are in gcs/.
 *
 * What it cannot prove: that Google behaves so.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { FaultPlan, type ServerFault } from './faults.ts';
import { Accounts } from './gcs/accounts.ts';
import type { ApiAnswer, Permission } from './gcs/answers.ts';
import { Api } from './gcs/api.ts';
import { Bucket } from './gcs/bucket.ts';
import { ApiRefusal, errorBody, refuse } from './gcs/refusals.ts';
import { type ApiRequest, readBody } from './gcs/requests.ts';

export type { Permission } from './gcs/answers.ts';

/** What came, in the order in which it came. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly port: number | undefined;
  /** Once it was answered. */
  status: number | null;
}

export class GcsServer {
  readonly faults = new FaultPlan();
  readonly accounts = new Accounts();
  readonly seen: SeenRequest[] = [];
  /** Rights that the account lacks. */
  readonly denied = new Set<Permission>();
  readonly #server: Server;
  readonly #api: Api;
  readonly #asksForTokens: boolean;
  readonly #sockets = new Set<Socket>();
  #buckets = 0;

  private constructor(asksForTokens: boolean) {
    this.#asksForTokens = asksForTokens;
    this.#api = new Api(
      (permission) => this.#require(permission),
      () => this.url,
    );
    this.#server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
      void this.#serve(request, response);
    });
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  static async start({ asksForTokens }: { readonly asksForTokens: boolean }): Promise<GcsServer> {
    const server = new GcsServer(asksForTokens);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get knobs(): Api['knobs'] {
    return this.#api.knobs;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Ends every connection without a word, as a load balancer does with those that were idle. */
  hangUp(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** A bucket that no other test knows. A hollow one counts bytes and forgets them. */
  makeBucket({ hollow = false }: { readonly hollow?: boolean } = {}): Bucket {
    const bucket = new Bucket(`bucket-${++this.#buckets}`);
    this.#api.buckets.set(bucket.name, bucket);
    if (hollow) this.#api.hollow.add(bucket.name);
    return bucket;
  }

  dropBucket({ name }: Bucket): void {
    this.#api.buckets.delete(name);
  }

  /** Uploads to a bucket that were begun, and neither completed nor cancelled. */
  openUploads({ name }: Bucket): number {
    return [...this.#api.uploads.sessions.values()].filter(({ bucket, stored }) => bucket === name && !stored).length;
  }

  /** As at the beginning, but for the buckets. */
  reset(): void {
    this.faults.clear();
    this.denied.clear();
    this.seen.length = 0;
    Object.assign(this.knobs, { rewriteBytes: Infinity, pageObjects: 1000, emptyPages: false, shortParts: 0 });
    Object.assign(this.accounts, { clockAheadMs: 0, isDeleted: false });
  }

  #require(permission: Permission): void {
    if (this.denied.has(permission)) throw refuse.noPermission(this.accounts.email, permission);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = request;
    const seen: SeenRequest = { method, path, headers, port: request.socket.remotePort, status: null };
    this.seen.push(seen);
    const fault = this.faults.take({ method, path, headers });
    if (fault?.kind === 'cut-before') return void request.socket.destroy();
    const answer = await this.#answer(request, fault);
    seen.status = answer.status;
    if (fault?.kind === 'cut-after' || request.socket.destroyed) return void request.socket.destroy();
    deliver(answer, response, fault?.kind === 'cut-body' ? fault.bytes : null);
  }

  async #answer(request: IncomingMessage, fault: ServerFault | null): Promise<ApiAnswer> {
    const url = new URL(request.url ?? '/', this.url);
    const bucket = decodeURIComponent(url.pathname.split('/')[5] ?? '');
    const { body, isCut } = await readBody(request, !this.#api.hollow.has(bucket));
    if (fault?.kind === 'delay') await sleep(fault.ms);
    if (fault?.kind === 'answer') return { ...fault, body: fault.body ?? null };
    if (url.pathname === '/token') return this.#answerToken(body);
    const isPart = url.searchParams.has('upload_id');
    try {
      if (isCut && !isPart) throw refuse.malformed('The request ended early.');
      if (!isPart) this.#requireToken(request.headers.authorization);
      return this.#api.answer(parseRequest(request, url, body, isCut));
    } catch (error) {
      return answerOf(error, url.searchParams.get('alt') === 'media');
    }
  }

  #answerToken(body: Buffer): ApiAnswer {
    const { status, body: answer } = this.accounts.answer(new URLSearchParams(body.toString()));
    return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(answer) };
  }

  #requireToken(authorization: string | undefined): void {
    const token = /^Bearer (\S+)$/.exec(authorization ?? '')?.[1];
    if (!this.#asksForTokens && authorization !== undefined) throw refuse.malformed('Nobody asked for credentials.');
    if (!this.#asksForTokens) return;
    if (authorization === undefined) throw refuse.noToken('storage.objects.get');
    if (token === undefined || !this.accounts.knows(token)) throw refuse.badToken();
  }
}

function parseRequest(request: IncomingMessage, url: URL, body: Buffer, isCut: boolean): ApiRequest {
  const segments = url.pathname.split('/').slice(1).map(decodeURIComponent);
  const { method = '', headers } = request;
  const hasLength = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
  if (method.startsWith('P') && !hasLength) {
    throw new ApiRefusal(411, 'lengthRequired', 'POST requests require a Content-length header.');
  }
  return { method, segments, query: url.searchParams, headers, body, isCut };
}

/** Whoever asks for bytes gets an error as text: https://cloud.google.com/storage/docs/json_api/v1/status-codes */
function answerOf(error: unknown, asksForMedia: boolean): ApiAnswer {
  const { status, reason, message, headers } =
    error instanceof ApiRefusal ? error : refuse.malformed(`The server failed: ${String(error)}`);
  return {
    status,
    headers: {
      'content-type': asksForMedia ? 'text/html; charset=UTF-8' : 'application/json; charset=UTF-8',
      ...headers,
    },
    body: asksForMedia ? message : errorBody(status, reason, message),
  };
}

function deliver({ status, headers, body }: ApiAnswer, response: ServerResponse, cutAt: number | null): void {
  const bytes = Buffer.from(body ?? '');
  response.writeHead(status, {
    'x-guploader-uploadid': randomUUID(),
    ...headers,
    ...(status === 204 ? {} : { 'content-length': bytes.byteLength }),
  });
  if (cutAt === null) return void response.end(bytes);
  response.write(bytes.subarray(0, cutAt), () => response.socket?.destroy());
}
