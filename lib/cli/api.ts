/** The handlers of the HTTP API in this process, for the command: no socket, no token, and errors as they are. */
import { type App, type AppOptions, createApp, projectMigrations } from '../app.ts';
import { backendFactories } from '../backends.ts';
import type { Database } from '../db/database.ts';
import { handle, type Handler } from '../http/handle.ts';
import { defaultLoadLimits, LoadShedder } from '../http/load-shedder.ts';
import { WriteTrouble } from '../http/write-trouble.ts';
import type { Terms } from '../http/terms.ts';
import type { Terminal } from './terminal.ts';

export interface LocalApi {
  readonly app: App;
  /** @throws what the handler throws */
  readonly call: (handler: Handler, terms: Terms, path: string, init?: RequestInit) => Promise<Response>;
}

/** Opens the database of the environment for `work`, and closes it after what goes on behind the answers. */
export async function withApi<T>(
  { environment, runtime }: Terminal,
  work: (api: LocalApi) => Promise<T>,
  options: Partial<AppOptions> = {},
): Promise<T> {
  const app = createApp({
    migrations: projectMigrations(),
    runtime,
    environment: () => environment,
    factories: backendFactories,
    signals: process,
    ...options,
  });
  const background: Promise<unknown>[] = [];
  try {
    const result = await work({ app, call: caller(app, background) });
    await Promise.allSettled(background);
    return result;
  } finally {
    await app.close();
  }
}

export function withDatabase<T>(terminal: Terminal, work: (database: Database) => Promise<T>): Promise<T> {
  return withApi(terminal, async ({ app }) => work((await app.open()).database));
}

function caller(app: App, background: Promise<unknown>[]): LocalApi['call'] {
  const services = {
    app,
    // Anyone who can run the command can read the tokens in the environment.
    authorize: () => 'admin' as const,
    log: () => undefined,
    waitUntil: (promise: Promise<unknown>) => void background.push(promise),
    loggedProblems: new Set<string>(),
    writeTrouble: new WriteTrouble(),
    shedder: new LoadShedder(app.runtime, defaultLoadLimits),
  };
  return (handler, terms, path, init) => {
    const request = new Request(new URL(path, 'http://localhost'), init);
    return handle(services, request, { ...terms, failure: raise }, handler);
  };
}

function raise(error: unknown): never {
  throw error;
}
