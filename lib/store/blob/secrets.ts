/**
 * Keeps tokens out of errors.
 *
 * The SDK's errors carry texts of the server, and undici's quote a header that they refuse: the bearer token itself.
 * The worst that can happen: a token in a log.
 */
import { inspect } from 'node:util';

const tokens = /Bearer\s+[^\s"',]+|vercel_blob_\w+|eyJ[\w-]+\.[\w-]+\.[\w-]*/g;

/** `error` itself, or what can be told of it when it holds `secret` or anything that looks like a token. */
export function withoutSecrets(error: unknown, secret: string | null): unknown {
  const text = inspect(error, { depth: 10, showHidden: true, maxStringLength: null });
  if (hide(text, secret) === text) return error;
  const name = error instanceof Error ? error.name : 'Error';
  const message = error instanceof Error ? error.message : text;
  return new Error(`${name}: ${hide(message, secret)}`);
}

function hide(text: string, secret: string | null): string {
  const shown = secret === null ? text : text.replaceAll(secret, '[hidden]');
  return shown.replaceAll(tokens, '[hidden]');
}
