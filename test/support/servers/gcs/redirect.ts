/**
 * Brings the requests for tokens, which go to Google's one address, to a test server. Call `redirectTokens`, or start
 * another process with `--import` of this file and EIDER_TEST_TOKEN_SERVER set.
 */
import { blobHosts } from '../blob-redirect.ts';
import { tokenUrl } from './accounts.ts';

/**
 * A `fetch` that reaches `server` for tokens. Any other address is refused: no test leaves this machine. Those of Vercel Blob
 * are redirected below it.
 */
export function fetchTokensFrom(server: string, real: typeof fetch = globalThis.fetch): typeof fetch {
  return async (input, init) => {
    const url = input instanceof Request ? input.url : input.toString();
    if (url === tokenUrl) return real(`${server}/token`, init);
    if (url.startsWith('http://127.0.0.1:')) return real(url, init);
    if (blobHosts.test(new URL(url).hostname)) return real(input, init);
    throw new Error(`A test asked ${url}.`);
  };
}

/** From now on to `server`, such as `http://127.0.0.1:4000`. Gives back how to end it. */
export function redirectTokens(server: string): () => void {
  const real = globalThis.fetch;
  globalThis.fetch = fetchTokensFrom(server, real);
  return () => void (globalThis.fetch = real);
}

const server = process.env['EIDER_TEST_TOKEN_SERVER'];
if (server !== undefined) redirectTokens(server);
