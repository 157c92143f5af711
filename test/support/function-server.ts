/** The functions under api/ over real HTTP, as `npm start` serves them. */
import { systemRuntime } from '../../lib/runtime.ts';
import { startNodeServer } from '../../lib/server/node-server.ts';
import { createRouter, type Fetch } from '../../lib/http/router.ts';
import type { Route } from './routes.ts';

export interface FunctionServer {
  readonly port: number;
  /** Breaks off what is under way. */
  close(): Promise<void>;
}

export function serveFunctions(routes: readonly Route[]): Promise<FunctionServer> {
  return serveFetch(createRouter(routes.map(({ path, served }) => ({ path, methods: served }))));
}

/** Serves on loopback, on a port that is free. */
export async function serveFetch(fetch: Fetch): Promise<FunctionServer> {
  const server = await startNodeServer({ fetch, host: '127.0.0.1', port: 0, runtime: systemRuntime, graceMs: 0 });
  return { port: Number(new URL(server.url).port), close: () => server.close() };
}
