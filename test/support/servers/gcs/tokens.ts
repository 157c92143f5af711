/** Brings the requests for tokens, which go to Google's one address, to a test server. */
import { vi } from 'vitest';
import { tokenUrl } from './accounts.ts';

/** Until `vi.unstubAllGlobals()`. Any other address is refused: no test leaves this machine. */
export function routeTokens({ url: server }: { readonly url: string }): void {
  const real = globalThis.fetch;
  vi.stubGlobal('fetch', (input: string | URL, init?: RequestInit) => {
    const url = String(input);
    if (url === tokenUrl) return real(`${server}/token`, init);
    if (url.startsWith('http://127.0.0.1:')) return real(url, init);
    throw new Error(`A test asked ${url}.`);
  });
}
