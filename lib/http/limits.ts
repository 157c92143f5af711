/** How large the parts of a request may be that are there before its body; what a query in the sandbox may take. */
import { RequestError } from './problem.ts';

/** What Vercel takes: https://vercel.com/docs/errors/url_too_long */
const maxAddressBytes = 14 * 1024;
const maxParameters = 100;
const maxHeaders = 100;
/** Vercel takes 32 kB: https://vercel.com/docs/functions/limitations */
const maxHeaderBytes = 32 * 1024;

/** Vercel ends answers at 4.5 MB that are not streamed. */
export const queryLimits = { maxBytes: 4_000_000, timeoutMs: 10_000 } as const;

/** @throws RequestError 414, 431 or 400 */
export function requireModest({ url, headers }: Request): void {
  if (url.length > maxAddressBytes)
    throw new RequestError(414, `An address may have ${maxAddressBytes} characters at most.`);
  const sizes = [...headers].map(([name, value]) => name.length + value.length);
  if (sizes.length > maxHeaders) throw new RequestError(431, `A request may have ${maxHeaders} headers at most.`);
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  if (bytes > maxHeaderBytes) throw new RequestError(431, `The headers may have ${maxHeaderBytes} bytes at most.`);
  const parameters = url.slice(url.indexOf('?') + 1).split('&').length;
  if (parameters > maxParameters)
    throw new RequestError(400, `A request may have ${maxParameters} parameters at most.`);
}
