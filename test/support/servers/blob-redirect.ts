/**
 * Brings the requests of @vercel/blob to a server of ours: those to its API, and reads, whose host no variable can
 * change. Call `redirectBlob`, or start another process with `--import` of this file and EIDER_TEST_BLOB_SERVER set.
 *
 * The SDK has undici of its own, but every undici of a process shares one dispatcher, under a symbol of the global object.
 */

interface DispatchOptions {
  readonly origin?: string | URL;
  readonly path: string;
  readonly headers?: unknown;
}

interface Dispatcher {
  dispatch(options: DispatchOptions, handler: unknown): boolean;
}

const shared = Symbol.for('undici.globalDispatcher.1');
/** Hosts of Vercel Blob. */
export const blobHosts = /^(vercel\.com|[a-z0-9]+\.(private|public)\.blob\.vercel-storage\.com)$/;

/** From now on to `server`, such as `http://127.0.0.1:4000`. Gives back how to end it. */
export function redirectBlob(server: string): () => void {
  // Loads the undici of Node, which sets a dispatcher unless there is one.
  void new Headers();
  const original = Reflect.get(globalThis, shared) as Dispatcher;
  const redirected: Dispatcher = {
    dispatch(options, handler) {
      const { host, hostname } = new URL(options.origin ?? 'http://none');
      if (!blobHosts.test(hostname)) return original.dispatch(options, handler);
      return original.dispatch({ ...options, origin: server, headers: withHost(options.headers, host) }, handler);
    },
  };
  // What else a dispatcher can do is the original's.
  Reflect.set(globalThis, shared, Object.setPrototypeOf(redirected, original));
  return () => void Reflect.set(globalThis, shared, original);
}

/** undici gives headers as a record, or as a flat list of names and values. */
function withHost(headers: unknown, host: string): unknown {
  return Array.isArray(headers) ? [...(headers as unknown[]), 'host', host] : { ...(headers as object), host };
}

const server = process.env['EIDER_TEST_BLOB_SERVER'];
if (server !== undefined) redirectBlob(server);
