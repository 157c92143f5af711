/** One instance of the service as the platform has it: endpoints over the environment, with requests in a line each. */
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createApp } from '../../../lib/app.ts';
import { backendFactories } from '../../../lib/backends.ts';
import type { Database } from '../../../lib/db/database.ts';
import { createEndpoints } from '../../../lib/http/endpoints.ts';
import type { LogEntry } from '../../../lib/http/log.ts';
import { type Runtime, systemRuntime } from '../../../lib/runtime.ts';
import { migrations } from '../../support/migrations.ts';
import { answerCheck } from '../../support/openapi.ts';
import { localRequest } from '../../support/requests.ts';

export interface Said {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
  readonly ms: number;
}

export interface Instance {
  readonly log: LogEntry[];
  send(method: string, path: string, json?: unknown, headers?: Record<string, string>): Promise<Said>;
  database(): Promise<Database>;
  /** What the platform waits for behind the answers. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

const noSignals = {
  pid: 1,
  once: () => undefined,
  off: () => undefined,
  listenerCount: () => 0,
  kill: () => undefined,
};

export interface InstanceOptions {
  readonly environment: Readonly<Record<string, string>>;
  /** Of the machine: its temporary folder is below it. */
  readonly machine: string;
  readonly runtime?: Runtime;
}

/** An instance that stops when the test ends. */
export function startInstance({ environment, machine, runtime = systemRuntime }: InstanceOptions): Instance {
  const log: LogEntry[] = [];
  const waited: Promise<unknown>[] = [];
  const app = createApp({
    migrations,
    runtime,
    environment: () => ({ TMPDIR: join(machine, 'tmp'), ...environment }),
    factories: backendFactories,
    signals: noSignals,
  });
  const holdAgainstDocument = answerCheck(app);
  const endpoints = createEndpoints({
    trustsPeer: true,
    app,
    log: (entry) => void log.push(entry),
    waitUntil: (promise) => void waited.push(promise),
  });
  let stopped: Promise<void> | null = null;
  const instance: Instance = {
    log,
    async send(method, path, json, headers = {}) {
      const [table = '', id] = path
        .split('?')[0]!
        .split('/')
        .filter((segment) => segment !== '');
      const request = localRequest(`/api/${path}`, {
        method,
        headers: { ...(json === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      });
      const began = performance.now();
      const response = await endpoints[endpointOf(method, table, id)](request);
      await holdAgainstDocument(method, `/api/${path.replace(/^\//, '')}`, response);
      const text = await response.text();
      const body = text === '' ? {} : (JSON.parse(text) as Readonly<Record<string, unknown>>);
      return { status: response.status, headers: response.headers, body, ms: performance.now() - began };
    },
    database: async () => (await app.open()).database,
    async settled() {
      while (waited.length > 0) await waited.shift();
    },
    stop: () => (stopped ??= app.close()),
  };
  onTestFinished(() => instance.stop());
  return instance;
}

type EndpointName = Exclude<keyof ReturnType<typeof createEndpoints>, 'refuse'>;

function endpointOf(method: string, table: string, id: string | undefined): EndpointName {
  if (table === 'db-status') return 'status';
  if (table === 'sql') return 'sql';
  if (table === 'changes') return 'changes';
  if (table === 'db-sync') return method === 'POST' ? 'sync' : 'cronSync';
  if (table === 'import') return method === 'POST' ? 'import' : 'importPart';
  const ofRest = {
    GET: 'restRead',
    POST: 'restCreate',
    PUT: 'restPut',
    PATCH: 'restUpdate',
    DELETE: 'restDelete',
  } as const;
  if (table === 'rest') return ofRest[method as keyof typeof ofRest];
  if (id === undefined) return method === 'POST' ? 'create' : 'list';
  const ofRow = { GET: 'readOne', PUT: 'replace', PATCH: 'update', DELETE: 'remove' } as const;
  return ofRow[method as keyof typeof ofRow];
}

/** A clock that a test moves, for what waits for a time to come: when to look again after an outage. */
export interface SteppedRuntime extends Runtime {
  readonly advance: (ms: number) => void;
}

export function steppedRuntime(): SteppedRuntime {
  let offsetMs = 0;
  return {
    ...systemRuntime,
    now: () => systemRuntime.now() + offsetMs,
    monotonicMs: () => systemRuntime.monotonicMs() + offsetMs,
    advance: (ms) => void (offsetMs += ms),
  };
}
