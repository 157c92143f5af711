/** The header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header), and what a request asks for, as a hash. */
import { createHash } from 'node:crypto';
import { momentOfMillis } from '../datetime.ts';
import type { Idempotency } from '../rows/idempotency.ts';
import type { PlainValue } from '../values.ts';
import type { RequestContext } from './handle.ts';
import { RequestError } from './problem.ts';

const mostCharacters = 255;

/** What the command has to have for the key that the request came with; nothing without one. @throws RequestError 400 */
export function parseIdempotencyKey(
  { request, address, runtime }: Pick<RequestContext, 'request' | 'address' | 'runtime'>,
  input: PlainValue,
): { readonly idempotency?: Idempotency } {
  const header = request.headers.get('idempotency-key');
  if (header === null) return {};
  const { segments, parameters } = address;
  const asked = [request.method, segments, parameters.map(([name, value]) => [name, value]), input];
  const at = momentOfMillis(runtime.now());
  return { idempotency: { key: sha256(parseKey(header)), fingerprint: sha256(canonicalJson(asked)), at } };
}

/** A string as RFC 9651 writes it, in quotes; the bare form that many clients send means the same. */
function parseKey(header: string): string {
  const quoted = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"(?:;.*)?$/.exec(header.trim());
  const key = quoted ? (quoted[1] ?? '').replaceAll(/\\(.)/g, '$1') : header.trim();
  if (/^[\x20-\x7e]+$/.test(key) && key.length <= mostCharacters && (quoted || !key.includes('"'))) return key;
  const message = `expects 1 to ${mostCharacters} printable ASCII characters in quotes, such as "8e03978e-40d5-43dd-bc93-6894a57f9324"`;
  throw new RequestError(400, `The header Idempotency-Key ${message}.`, {
    fields: [{ path: 'idempotency-key', message }],
  });
}

/** One text for equal values: the members of objects in the order of their names. */
function canonicalJson(value: PlainValue): string {
  return JSON.stringify(value, (_, part: PlainValue) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
