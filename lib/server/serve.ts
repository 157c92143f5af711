import { waitAtMost } from '../async/deadline.ts';
import type { App } from '../app.ts';
import type { Environment } from '../config/variables.ts';
import { AppError, isAppError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import { type NodeServer, startNodeServer } from './node-server.ts';
import type { Fetch } from '../http/router.ts';

export interface ServeOptions {
  readonly host?: string;
  /** Default: PORT, or the first that is free from 3000 on. */
  readonly port?: string;
  /** Says the address as JSON. */
  readonly json?: boolean;
  readonly environment: Environment;
  /** What answers, and what is open behind it. The server listens while they load. */
  readonly load: () => Promise<{ readonly fetch: Fetch; readonly app: Pick<App, 'close' | 'closeOnlyWhenAsked'> }>;
  readonly signals: { on(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown };
  readonly runtime: Runtime;
  readonly out: (text: string) => void;
  readonly log: (text: string) => void;
}

interface ListenAddress {
  readonly host: string;
  readonly port: number | null;
}

const defaultHost = '127.0.0.1';
const defaultPorts = Array.from({ length: 10 }, (_, index) => 3000 + index);
const backgroundGraceMs = 8_000;

/** Serves until SIGINT or SIGTERM; answers the exit code. Never rejects. */
export async function serve(options: ServeOptions): Promise<number> {
  try {
    await serveUntilSignal(options, addressOf(options));
    return 0;
  } catch (error) {
    const hint = isAppError(error) && error.hint !== undefined ? `${error.hint}\n` : '';
    options.log(`${isAppError(error) ? error.message : ((error as Error).stack ?? String(error))}\n${hint}`);
    return 1;
  }
}

async function serveUntilSignal(options: ServeOptions, address: ListenAddress): Promise<void> {
  const { signals, out } = options;
  const background = new BackgroundWork();
  background.install();
  const asked = new Promise<void>((resolve) => {
    // One key press can come as two signals, from the terminal and from `node --watch`: the second changes nothing.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) signals.on(signal, resolve);
  });
  const { promise: fetch, resolve, reject } = Promise.withResolvers<Fetch>();
  fetch.catch(() => undefined); // Who waits for it is answered, and this function throws what it is.
  const server = await listen(fetch, address, options);
  out(options.json === true ? `${JSON.stringify({ url: server.url })}\n` : `Eider serves ${server.url}\n`);
  try {
    const loaded = await options.load();
    loaded.app.closeOnlyWhenAsked();
    resolve(loaded.fetch);
    await asked;
    await end(server, background, options);
    await loaded.app.close();
  } catch (error) {
    reject(error);
    await server.close();
    throw error;
  }
}

async function listen(fetch: Promise<Fetch>, address: ListenAddress, { runtime }: ServeOptions): Promise<NodeServer> {
  const { host, port } = address;
  if (port !== null) return startNodeServer({ fetch, runtime, host, port });
  for (const each of defaultPorts.slice(0, -1)) {
    const server = await startNodeServer({ fetch, runtime, host, port: each }).catch(nullIfTaken);
    if (server !== null) return server;
  }
  return startNodeServer({ fetch, runtime, host, port: defaultPorts.at(-1) ?? 0 });
}

function nullIfTaken(error: unknown): null {
  const cause = isAppError(error) ? error.cause : null;
  if (cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE') return null;
  throw error;
}

async function end(server: NodeServer, background: BackgroundWork, { runtime }: ServeOptions): Promise<void> {
  await server.close();
  await waitAtMost(runtime, backgroundGraceMs, background.settled());
}

/** @throws AppError `invalid` */
function addressOf({ environment, host = defaultHost, port: given }: ServeOptions): ListenAddress {
  const port = given || environment['PORT'];
  if (!port) return { host, port: null };
  if (/^\d{1,5}$/.test(port) && Number(port) < 65_536) return { host, port: Number(port) };
  throw new AppError('invalid', 'The port is not a number below 65536.', { hint: 'Correct PORT, or use --port 3000.' });
}

/** What handlers pass to `waitUntil`, which this server awaits before it ends; on Vercel the platform does. */
class BackgroundWork {
  readonly #running = new Set<Promise<unknown>>();

  /** Makes `waitUntil` of @vercel/functions add to this work, in this whole process. */
  install(): void {
    const context = { waitUntil: (promise: Promise<unknown>): void => this.add(promise) };
    Reflect.set(globalThis, Symbol.for('@vercel/request-context'), { get: () => context });
  }

  add(promise: Promise<unknown>): void {
    this.#running.add(promise);
    const remove = (): void => void this.#running.delete(promise);
    promise.then(remove, remove);
  }

  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }
}
