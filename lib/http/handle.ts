/**
 * The boundary around every handler: what goes in is understood, what comes out has its headers, what is thrown
 * becomes a problem, and the database gets its time after the answer.
 *
 * Owns: the context of a request and these steps. Knows nothing of tables. The worst that can happen: an error that
 * nobody sees; so everything that is the server's fault is logged here, once.
 */
import type { App, OpenBackend } from '../app.ts';
import type { Answer, Database, ReadOptions } from '../db/database.ts';
import { type Address, parseAddress } from './address.ts';
import { parseBookmark, requestIdOf, serverTiming, type StoreCounts, writeAnswerHeaders } from './headers.ts';
import type { Log } from './log.ts';
import { problemResponse } from './problem.ts';
import type { Terms } from './terms.ts';

export interface Services {
  readonly app: App;
  readonly log: Log;
  /** Keeps the process alive until the promise is settled, after the answer is sent. */
  readonly waitUntil: (promise: Promise<unknown>) => void;
}

export interface RequestContext {
  readonly request: Request;
  readonly address: Address;
  /** Those of the endpoint. */
  readonly terms: Terms;
  /** What the request asks of a read. */
  readonly readOptions: ReadOptions;
  /** Opens the database when no request has. @throws AppError */
  database(): Promise<Database>;
  /** Notes what the database said, for the headers; answers its value. */
  noted<T>(answer: Answer<T>): T;
  /** Logs what is this server's fault and does not leave the handler as an error. */
  logFailure(error: unknown, status: number): void;
  /** Of the last answer noted. */
  durability(): 'durable' | 'pending';
}

export type Handler = (context: RequestContext) => Promise<Response>;

/** Runs `work`. Always answers, never rejects. */
export async function handle(services: Services, request: Request, terms: Terms, work: Handler): Promise<Response> {
  const exchange = new Exchange(services, request, terms);
  const { value, counts } = services.app.tracked(() => exchange.run(work));
  const response = await value;
  exchange.complete(response.headers, counts());
  exchange.maintainLater();
  return request.method === 'HEAD' ? new Response(null, response) : response;
}

class Exchange {
  readonly #services: Services;
  readonly #request: Request;
  readonly #terms: Terms;
  readonly #requestId: string;
  readonly #startedMs: number;
  readonly #timings: Record<string, number> = {};
  #backend: OpenBackend | null = null;
  #answer: Answer<unknown> | null = null;

  constructor(services: Services, request: Request, terms: Terms) {
    const { runtime } = services.app;
    this.#services = services;
    this.#request = request;
    this.#terms = terms;
    this.#startedMs = runtime.monotonicMs();
    this.#requestId = requestIdOf(request.headers, () => runtime.uuid());
  }

  async run(work: Handler): Promise<Response> {
    try {
      return await work(this.#context());
    } catch (error) {
      const response = problemResponse(error);
      if (response.status >= 500) this.#logFailure(error, response.status);
      return response;
    }
  }

  complete(headers: Headers, sent: StoreCounts): void {
    headers.set('cache-control', 'no-store');
    headers.set('x-request-id', this.#requestId);
    headers.set('x-content-type-options', 'nosniff');
    if (this.#backend) headers.set('db-backend', this.#backend.name);
    if (this.#answer) writeAnswerHeaders(headers, this.#answer);
    const total = this.#services.app.runtime.monotonicMs() - this.#startedMs;
    headers.set('server-timing', serverTiming({ ...this.#timings, ...this.#answer?.timings, total }, sent));
  }

  /** The answer goes out first: what is due starts on a later turn of the event loop. */
  maintainLater(): void {
    const { app, waitUntil } = this.#services;
    const database = this.#backend?.database;
    if (database) waitUntil(app.runtime.sleep(0).then(() => database.maintain()));
  }

  #context(): RequestContext {
    const request = this.#request;
    const atLeast = parseBookmark(request.headers);
    return {
      request,
      address: parseAddress(request.url),
      terms: this.#terms,
      readOptions: {
        signal: request.signal,
        askedMs: this.#startedMs,
        ...(atLeast === undefined ? {} : { atLeast }),
      },
      database: () => this.#open(),
      noted: (answer) => {
        this.#answer = answer;
        return answer.value;
      },
      logFailure: (error, status) => this.#logFailure(error, status),
      durability: () => this.#answer?.durability ?? 'durable',
    };
  }

  async #open(): Promise<Database> {
    const { app } = this.#services;
    const before = app.runtime.monotonicMs();
    this.#backend = await app.open();
    this.#timings['open'] = app.runtime.monotonicMs() - before;
    return this.#backend.database;
  }

  #logFailure(error: unknown, status: number): void {
    // Nobody is there to be told of an error that their going away caused.
    if (this.#request.signal.aborted) return;
    this.#services.log({
      level: 'error',
      message: 'A request failed.',
      requestId: this.#requestId,
      method: this.#request.method,
      path: URL.parse(this.#request.url)?.pathname ?? '',
      status,
      error,
    });
  }
}
