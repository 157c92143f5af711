/** The endpoints over a plain database, with everything that they are given at hand. */
import { type App, createApp, type ProcessSignals } from '../../lib/app.ts';
import type { BackendFactories, BackendFactory } from '../../lib/backends.ts';
import { backendNames } from '../../lib/config/backends.ts';
import type { Environment } from '../../lib/config/variables.ts';
import { createEndpoints } from '../../lib/http/endpoints.ts';
import type { LoadLimits } from '../../lib/http/load-shedder.ts';
import type { LogEntry } from '../../lib/http/log.ts';
import { functionNames } from '../../lib/http/relations.ts';
import { createRouter } from '../../lib/http/router.ts';
import { type Endpoints, functionsOf, routesOf } from '../../lib/http/routes.ts';
import { migrations as defaultMigrations } from './migrations.ts';
import type { Migration } from '../../lib/catalog/migrations.ts';
import { answerCheck } from './openapi.ts';
import { openPlainDatabase, type PlainDatabase } from './plain-database.ts';
import { fromThisMachine } from './requests.ts';
import { testRuntime, type TestRuntime } from './runtime.ts';

export interface Service {
  readonly app: App;
  readonly runtime: TestRuntime;
  readonly endpoints: Endpoints;
  readonly database: PlainDatabase;
  readonly log: LogEntry[];
  /** What was handed to the platform to be waited for. */
  readonly waited: Promise<unknown>[];
  /** Sends a request to the function that the platform would choose; its answer has to be one that OpenAPI describes. */
  send(method: string, path: string, options?: SendOptions): Promise<Response>;
}

interface SendOptions {
  readonly json?: unknown;
  readonly body?: RequestInit['body'];
  readonly headers?: Record<string, string>;
}

export interface ServiceOptions {
  readonly migrations?: readonly Migration[];
  readonly environment?: Environment;
  readonly runtime?: TestRuntime;
  /** Opens instead of the plain database. */
  readonly open?: BackendFactory;
  readonly onOpen?: () => void;
  readonly loadLimits?: LoadLimits;
}

export async function startService(options: ServiceOptions = {}): Promise<Service> {
  const { migrations = defaultMigrations, environment = {}, runtime = testRuntime() } = options;
  const database = await openPlainDatabase(migrations);
  const log: LogEntry[] = [];
  const waited: Promise<unknown>[] = [];
  const app = createApp({
    migrations,
    runtime,
    environment: () => environment,
    factories: everyBackend(async (...all) => {
      options.onOpen?.();
      return options.open ? options.open(...all) : database;
    }),
    usesFallbacks: false,
    signals: deafSignals,
  });
  const services = {
    app,
    trustsPeer: true,
    log: (entry: LogEntry) => void log.push(entry),
    waitUntil: (promise: Promise<unknown>) => void waited.push(promise),
  };
  const endpoints = createEndpoints(services, options.loadLimits);
  const check = answerCheck(app);
  const send = async (method: string, path: string, sending: SendOptions = {}): Promise<Response> => {
    const response = await dispatch(endpoints, method, path, sending);
    await check(method, path, response);
    return response;
  };
  return { app, runtime, endpoints, database, log, waited, send };
}

export function everyBackend(factory: BackendFactory): BackendFactories {
  return Object.fromEntries(backendNames.map((name) => [name, factory])) as unknown as BackendFactories;
}

const deafSignals: ProcessSignals = {
  pid: 1,
  once: () => undefined,
  off: () => undefined,
  listenerCount: () => 0,
  kill: () => undefined,
};

function dispatch(
  endpoints: Endpoints,
  method: string,
  path: string,
  { json, ...init }: SendOptions,
): Promise<Response> {
  const body = json === undefined ? init.body : JSON.stringify(json);
  const type = json === undefined ? {} : { 'content-type': 'application/json' };
  const headers = { ...fromThisMachine, ...type, ...init.headers };
  const streams = body instanceof ReadableStream ? { duplex: 'half' as const } : {};
  const request = new Request(new URL(path, 'http://localhost'), {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
    ...streams,
  });
  return answerRequest(endpoints, request);
}

/** As the files under api/ do; like the platform, it adds the path's segments to the query unless the client did. */
export function answerRequest(endpoints: Endpoints, original: Request): Promise<Response> {
  const url = new URL(original.url);
  const [first = '', second] = url.pathname
    .split('/')
    .filter((segment) => segment !== '')
    .slice(1);
  if (!functionNames.has(first)) {
    for (const [name, segment] of [
      ['table', first],
      ['id', second],
    ] as const) {
      if (segment !== undefined && !url.searchParams.has(name)) url.searchParams.set(name, decodeURIComponent(segment));
    }
  }
  return createRouter(routesOf(functionsOf(endpoints)))(new Request(url, original));
}
