/** Requests as functions get them. */

/** What `vercel dev` adds to a request that comes from the machine it runs on. */
export const fromThisMachine = { 'x-real-ip': '127.0.0.1' };

/** A request from this machine. */
export function localRequest(
  path: string,
  init: Omit<RequestInit, 'headers'> & { readonly headers?: Readonly<Record<string, string>> } = {},
): Request {
  return new Request(new URL(path, 'http://localhost'), { ...init, headers: { ...fromThisMachine, ...init.headers } });
}
