/**
 * Conditional requests: entity tags out, `If-Match` and `If-None-Match` in.
 * https://www.rfc-editor.org/rfc/rfc9110.html#name-conditional-requests
 */
import { includes, type Precondition, PreconditionFailed, rowVersion, type Versions } from '../rows/version.ts';
import type { Row } from '../values.ts';
import { RequestError } from './problem.ts';

/**
 * The tag of a row. One answer shows all of its columns, another some of them (`?select=`): these are answers at
 * different addresses, and each changes no more often than the tag does, so all may have the same one.
 */
export function entityTag(row: Row): string {
  return `"${rowVersion(row)}"`;
}

/** @throws RequestError 400 */
export function parsePrecondition(headers: Headers): Precondition {
  const match = parseTags(headers, 'if-match');
  const noneMatch = parseTags(headers, 'if-none-match');
  return { ...(match === null ? {} : { match }), ...(noneMatch === null ? {} : { noneMatch }) };
}

/** The answer to a read of the row if it is not to be sent: 304. @throws PreconditionFailed */
export function unmodified(row: Row, { match, noneMatch }: Precondition): Response | null {
  const version = rowVersion(row);
  if (match !== undefined && !includes(match, version))
    throw new PreconditionFailed('The version of the row is not in If-Match.');
  if (noneMatch === undefined || !includes(noneMatch, version)) return null;
  return new Response(null, { status: 304, headers: { etag: entityTag(row) } });
}

/** For writes to no single row: a list has no version that could be expected. @throws PreconditionFailed */
export function refusePrecondition(headers: Headers): void {
  const { match, noneMatch } = parsePrecondition(headers);
  if ((match === undefined || match === '*') && noneMatch !== '*') return;
  throw new PreconditionFailed('If-Match and If-None-Match are for single rows; a list has no ETag.');
}

/** What compresses on the way (Vercel, nginx, Cloudflare) makes strong tags weak; the versions in them are the same. */
function parseTags(headers: Headers, name: string): Versions | null {
  const text = headers.get(name);
  if (text === null) return null;
  if (text.trim() === '*') return '*';
  const tag = /\s*(?:W\/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)/y;
  const versions: string[] = [];
  while (tag.lastIndex < text.length) {
    const found = tag.exec(text);
    if (!found) throw malformed(name);
    versions.push(found[1] ?? '');
  }
  if (versions.length === 0) throw malformed(name);
  return versions;
}

function malformed(name: string): RequestError {
  const message = 'expects "*", or tags in quotes as an ETag has them, separated by commas';
  return new RequestError(400, `The header ${name} ${message}.`, { fields: [{ path: name, message }] });
}
