/**
 * The boundary around every handler: checks access, parses the request, adds the headers of the answer,
 * what is thrown becomes a problem, and the database gets its time after the answer.
 */
import type { App, OpenBackend } from '../app.ts';
import type { Release } from '../async/semaphore.ts';
import type { Examination } from '../config/config.ts';
import type { Answer, Database, Durability, ReadOptions } from '../db/database.ts';
import type { Runtime } from '../runtime.ts';
import { negotiate } from './accept.ts';
import { authorize, type Role } from './access.ts';
import { type Address, parseAddress } from './address.ts';
import { announcedBytes, requireNoBody } from './body.ts';
import { writeCorsHeaders } from './cors.ts';
import { withoutFalseAbsence } from './degraded.ts';
import {
  parseBookmark,
  requestIdOf,
  serverTiming,
  type StoreCounts,
  writeAnswerHeaders,
  writeSecurityHeaders,
} from './headers.ts';
import { requireModest } from './limits.ts';
import type { LoadShedder } from './load-shedder.ts';
import { describeRequest, type Log } from './log.ts';
import { problemResponse, RequestError } from './problem.ts';
import { whenSent } from './sending.ts';
import type { WriteTrouble } from './write-trouble.ts';
import type { Terms } from './terms.ts';

export interface Services {
  readonly app: App;
  readonly log: Log;
  /** Keeps the process alive until the promise is settled, after the answer is sent. */
  readonly waitUntil: (promise: Promise<unknown>) => void;
  /** Whether `x-real-ip` reliably is the peer of the server's socket. Default false. */
  readonly trustsPeer?: boolean;
  /** Authenticates the caller by other means than tokens; null when it cannot. */
  readonly authorize?: (request: Request) => Role | null | Promise<Role | null>;
}

/** What requests of one process share. */
export interface SharedServices extends Services {
  /** What was logged of a wrong configuration: once is enough, as anyone can send a wrong token. */
  readonly loggedProblems: Set<string>;
  readonly shedder: LoadShedder;
  readonly writeTrouble: WriteTrouble;
}

export interface RequestContext {
  readonly runtime: Runtime;
  readonly request: Request;
  readonly address: Address;
  /** Those of the endpoint. */
  readonly terms: Terms;
  /** Of the caller; its permission was checked. */
  readonly role: Role;
  /** What the request asks of a read. */
  readonly readOptions: ReadOptions;
  /** Opens the database when no request has. @throws AppError */
  database(): Promise<Database>;
  /** Returns the value of an answer; its version, durability and timings go into the headers. */
  unwrap<T>(answer: Answer<T>): T;
  /** Logs a fault of this server that the handler answers itself. */
  logFailure(error: unknown, status: number): void;
  /** Says that this request writes, where its address alone does not: how it ends tells whether writes are taken. */
  willWrite(): void;
  /** Why writes are refused at present; null when they are not. */
  writeTrouble(): string | null;
  /** Of the last answer unwrapped. */
  durability(): Durability;
}

export type Handler = (context: RequestContext) => Promise<Response>;

/** Runs `work`. Always answers, never rejects. */
export async function handle(
  services: SharedServices,
  request: Request,
  terms: Terms,
  work: Handler,
): Promise<Response> {
  const exchange = new Exchange(services, request, terms);
  const { value, counts } = services.app.tracked(() => exchange.run(work));
  const response = await value;
  exchange.complete(response, counts());
  exchange.maintainLater();
  if (request.method !== 'HEAD') return response;
  await response.body?.cancel();
  return new Response(null, response);
}

class Exchange {
  readonly #services: SharedServices;
  readonly #request: Request;
  readonly #terms: Terms;
  readonly #requestId: string;
  readonly #startedMs: number;
  readonly #rules: Examination;
  readonly #timings: Record<string, number> = {};
  #role: Role = 'public';
  #backend: OpenBackend | null = null;
  #answer: Answer<unknown> | null = null;
  #writes = false;

  constructor(services: SharedServices, request: Request, terms: Terms) {
    const { runtime } = services.app;
    this.#services = services;
    this.#request = request;
    this.#terms = terms;
    this.#startedMs = runtime.monotonicMs();
    this.#requestId = requestIdOf(request.headers, () => runtime.uuid());
    this.#rules = services.app.examine();
  }

  async run(work: Handler): Promise<Response> {
    let leave: Release | null = null;
    try {
      const context = this.#admit((await this.#services.authorize?.(this.#request)) ?? null);
      leave = await this.#enter();
      const response = await work(context);
      if (response.ok) this.#noteWrite(null);
      return await this.#keepPlace(response, leave);
    } catch (error) {
      leave?.();
      this.#noteWrite(error);
      const { failure = problemResponse } = this.#terms;
      const response = failure(withoutFalseAbsence(error, this.#answer), this.#request);
      if (response.status >= 500 && !(error instanceof RequestError)) this.#logFailure(error, response.status);
      return response;
    }
  }

  #noteWrite(error: unknown): void {
    const { permission } = this.#terms;
    if (!this.#writes && permission !== 'write-table' && permission !== 'import') return;
    this.#services.writeTrouble.note(error, this.#services.app.runtime.monotonicMs());
  }

  complete({ headers, status }: Response, sent: StoreCounts): void {
    writeSecurityHeaders(headers);
    writeCorsHeaders(this.#request, headers, this.#rules.access.corsOrigins);
    headers.set('x-request-id', this.#requestId);
    if (this.#backend) headers.set('db-backend', this.#backend.name);
    if (this.#answer) writeAnswerHeaders(headers, this.#answer);
    const total = this.#services.app.runtime.monotonicMs() - this.#startedMs;
    headers.set('server-timing', serverTiming({ ...this.#timings, ...this.#answer?.timings, total }, sent));
    if (this.#rules.config?.logRequests === true)
      this.#log({ level: 'info', message: 'A request was answered.', status, ms: Math.round(total), role: this.#role });
  }

  /** The answer goes out first: what is due starts on a later turn of the event loop. */
  maintainLater(): void {
    const { app, waitUntil } = this.#services;
    const database = this.#backend?.database;
    if (database) waitUntil(app.runtime.sleep(0).then(() => database.maintain()));
  }

  /** All that is decided before the database is opened or the body read. */
  #admit(known: Role | null): RequestContext {
    requireModest(this.#request);
    const address = parseAddress(this.#request.url);
    const { permission, produces = ['application/json'] } = this.#terms;
    const asked = typeof permission === 'function' ? permission(address) : permission;
    if (this.#rules.access.hasWrongToken) this.#logConfiguration();
    const rules = { ...this.#rules, knowsPeer: this.#services.trustsPeer === true && !this.#rules.onVercel };
    this.#role = authorize(this.#request, asked, rules, known);
    if (asked !== 'methods') negotiate(this.#request.headers, produces);
    if (this.#terms.load === 'write' && this.#terms.maxBodyBytes === 0) requireNoBody(this.#request);
    return this.#context(address);
  }

  async #enter(): Promise<Release> {
    const { app, shedder } = this.#services;
    const before = app.runtime.monotonicMs();
    const bytes = announcedBytes(this.#request, this.#terms.maxBodyBytes);
    const leave = await shedder.enter(this.#terms.load, bytes, this.#request.signal);
    this.#timings['wait'] = app.runtime.monotonicMs() - before;
    return leave;
  }

  /** A large or long answer keeps its place in the queue until it is sent. */
  async #keepPlace(response: Response, leave: Release): Promise<Response> {
    const { app, shedder } = this.#services;
    const { runtime } = app;
    if (response.headers.get('content-type')?.startsWith('text/event-stream') === true) {
      leave();
      try {
        const onEnd = await shedder.enter('events', 0, this.#request.signal);
        return whenSent(response, { runtime, onEnd });
      } catch (error) {
        await response.body?.cancel();
        throw error;
      }
    }
    if (this.#terms.load === 'query' || this.#terms.load === 'transfer') {
      return whenSent(response, { runtime, onEnd: leave });
    }
    leave();
    return response;
  }

  #context(address: Address): RequestContext {
    const request = this.#request;
    const atLeast = parseBookmark(request.headers);
    return {
      runtime: this.#services.app.runtime,
      request,
      address,
      terms: this.#terms,
      role: this.#role,
      readOptions: {
        signal: request.signal,
        askedMs: this.#startedMs,
        ...(atLeast === undefined ? {} : { atLeast }),
      },
      database: () => this.#open(),
      unwrap: (answer) => {
        this.#answer = answer;
        return answer.value;
      },
      logFailure: (error, status) => this.#logFailure(error, status),
      willWrite: () => void (this.#writes = true),
      writeTrouble: () => this.#services.writeTrouble.describe(this.#services.app.runtime.monotonicMs()),
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
    // The client caused this error by disconnecting.
    if (this.#request.signal.aborted) return;
    this.#log({ level: 'error', message: 'A request failed.', status, error });
  }

  /** A request with a token that was set wrongly is only refused: the log is where its owner can learn why. */
  #logConfiguration(): void {
    const wrong = this.#rules.problems.map(({ message }) => message).join('; ');
    const { loggedProblems } = this.#services;
    if (loggedProblems.has(wrong)) return;
    loggedProblems.add(wrong);
    this.#log({ level: 'error', message: `The configuration is wrong: ${wrong}.` });
  }

  #log(entry: Parameters<Log>[0]): void {
    this.#services.log({ ...entry, requestId: this.#requestId, ...describeRequest(this.#request) });
  }
}
