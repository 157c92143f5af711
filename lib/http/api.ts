/** Everything under /api as one function from `Request` to `Response`, over a database that the caller chose. */
import { waitUntil as waitUntilOfVercel } from '@vercel/functions';
import { appOf } from '../app.ts';
import type { EiderDatabase } from '../index.ts';
import type { Role } from './access.ts';
import { createEndpoints } from './endpoints.ts';
import { lineLog, type Log, writeToConsole } from './log.ts';
import { createRouter, type Fetch } from './router.ts';
import { type Functions, functionsOf, type Handlers, routesOf } from './routes.ts';

export type { Fetch, Functions, Handlers, Log, Role };

export interface ApiOptions {
  /**
   * Authenticates the caller: `admin` may do everything, `api` may read and write rows, `public` what PUBLIC_READ allows. Null leaves
   * it to the tokens of the environment (ADMIN_TOKEN, API_TOKEN). Without a token and without this, all is refused.
   *
   * @example createApi(db, { authorize: async (request) => ((await sessionOf(request))?.isAdmin ? 'admin' : null) })
   */
  readonly authorize?: (request: Request) => CallerRole | null | Promise<CallerRole | null>;
  /**
   * Takes what goes on after an answer, such as a checkpoint. Default: Vercel's `waitUntil`; where there is none, the work
   * goes on by itself as long as the process does.
   */
  readonly waitUntil?: (promise: Promise<unknown>) => void;
  /** Default: a line of JSON an event, to the console. */
  readonly log?: Log;
  /**
   * The server overwrites `x-real-ip` with the peer of its socket, so where no token is set, requests of the same machine
   * may do everything. Of a server that does not, anyone could claim to be on it. Default false.
   */
  readonly trustsPeer?: boolean;
}

export type CallerRole = Extract<Role, 'admin' | 'api' | 'public'>;

export interface Api extends Handlers {
  /** Answers any request whose path begins with `/api`; what is not served is answered 404 or 405. */
  readonly fetch: Fetch;
  /** The same by address: `functions['/api/[table]'].GET`. */
  readonly functions: Functions;
}

/**
 * The HTTP API of a database.
 *
 * @example // app/api/[...path]/route.ts of Next.js
 * export const { GET, HEAD, POST, PATCH, PUT, DELETE, OPTIONS } = createApi(lazyDatabase())
 * @example new Hono().all('/api/*', (c) => api.fetch(c.req.raw))
 */
export function createApi(database: EiderDatabase, options: ApiOptions = {}): Api {
  const app = appOf(database);
  const { log = lineLog(() => app.runtime.now(), writeToConsole), waitUntil = waitUntilOfVercel } = options;
  const functions = functionsOf(createEndpoints({ ...options, app, log, waitUntil }));
  const fetch = createRouter(routesOf(functions));
  return {
    fetch,
    functions,
    GET: fetch,
    HEAD: fetch,
    POST: fetch,
    PATCH: fetch,
    PUT: fetch,
    DELETE: fetch,
    OPTIONS: fetch,
  };
}
