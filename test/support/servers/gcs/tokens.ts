/** Brings the requests for tokens, which go to Google's one address, to a test server. */
import { vi } from 'vitest';
import { fetchTokensFrom } from './redirect.ts';

/** Until `vi.unstubAllGlobals()`. */
export function routeTokens({ url: server }: { readonly url: string }): void {
  vi.stubGlobal('fetch', fetchTokensFrom(server));
}
