/**
 * Brings requests for Google's access tokens, whose address is the same for everybody, to a server of ours: start a
 * process with `--import` of this file and EIDER_TEST_TOKEN_SERVER set.
 */
import { tokenUrl } from '../support/servers/gcs/accounts.ts';

const server = process.env['EIDER_TEST_TOKEN_SERVER'];
if (server !== undefined) {
  const real = globalThis.fetch;
  globalThis.fetch = (input, init) => real(isTokenUrl(input) ? `${server}/token` : input, init);
}

function isTokenUrl(input: Parameters<typeof fetch>[0]): boolean {
  return (input instanceof Request ? input.url : String(input)) === tokenUrl;
}
