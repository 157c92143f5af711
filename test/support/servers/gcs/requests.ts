/** Requests as the JSON API takes them: strict about what it does not know. */
import type { IncomingMessage } from 'node:http';
import { refuse } from './refusals.ts';

export interface ApiRequest {
  readonly method: string;
  /** Decoded, one each: a name with a slash is one. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  /** Whether the connection broke before the end of the body. */
  readonly isCut: boolean;
}

/** Parameters of every method: https://cloud.google.com/storage/docs/json_api/v1/parameters */
const standard = ['alt', 'fields', 'prettyPrint'];

/** @throws ApiRefusal for a parameter that is unknown or given twice. */
export function requireParameters(query: URLSearchParams, known: readonly string[]): void {
  for (const name of new Set(query.keys())) {
    if (![...standard, ...known].includes(name) || query.getAll(name).length > 1) throw refuse.invalidParameter(name);
  }
  const alt = query.get('alt');
  if (alt !== null && alt !== 'json' && alt !== 'media') throw refuse.invalidParameter('alt');
}

export function requireNumber(query: URLSearchParams, name: string, least: number): number | null {
  const text = query.get(name);
  if (text === null) return null;
  if (!/^\d+$/.test(text) || Number(text) < least) throw refuse.invalidParameter(name);
  return Number(text);
}

/** As far as the body came. */
export async function readBody(request: IncomingMessage, keeps: boolean): Promise<{ body: Buffer; isCut: boolean }> {
  const chunks: Buffer[] = [];
  let size = 0;
  let isCut = false;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.byteLength;
      if (keeps) chunks.push(chunk);
    }
  } catch {
    isCut = true;
  }
  // Nobody looks at bytes that are not kept; only their number counts, and untouched pages cost nothing.
  return { body: keeps ? Buffer.concat(chunks) : Buffer.alloc(size), isCut: isCut || !request.complete };
}

/** The two parts of `multipart/related`: https://cloud.google.com/storage/docs/uploading-objects#uploading-an-object */
export function parseMultipart(contentType: string | undefined, body: Buffer): { metadata: unknown; media: Part } {
  const boundary = /^multipart\/related; boundary="?([^";]+)"?$/.exec(contentType ?? '')?.[1];
  if (boundary === undefined) throw refuse.malformed('A multipart upload needs a boundary.');
  const text = body.toString('latin1');
  const pieces = text.split(`--${boundary}`);
  if (pieces.length !== 4 || pieces[0] !== '' || !/^--\r?\n?$/.test(pieces[3] ?? '')) {
    throw refuse.malformed('A multipart upload has two parts.');
  }
  const [first, second] = [parsePart(pieces[1]), parsePart(pieces[2])];
  return { metadata: JSON.parse(first.body.toString()), media: second };
}

interface Part {
  readonly contentType: string;
  readonly body: Buffer;
}

function parsePart(piece: string | undefined): Part {
  const match = /^\r\nContent-Type: ([^\r\n]+)\r\n\r\n([^]*)\r\n$/i.exec(piece ?? '');
  if (!match) throw refuse.malformed('A part is not well formed.');
  return { contentType: match[1] ?? '', body: Buffer.from(match[2] ?? '', 'latin1') };
}

/** `fields=a,items(b,c)`: only these. https://cloud.google.com/storage/docs/json_api#partial-response */
export function onlyFields(resource: unknown, fields: string | null): unknown {
  if (fields === null || typeof resource !== 'object' || resource === null) return resource;
  if (!/^[\w,()]+$/.test(fields)) throw refuse.invalidParameter('fields');
  const chosen: Record<string, unknown> = {};
  for (const [, name = '', inner] of fields.matchAll(/(\w+)(?:\(([\w,]+)\))?(?:,|$)/g)) {
    const value: unknown = Reflect.get(resource, name);
    if (value === undefined) continue;
    chosen[name] = Array.isArray(value) && inner ? value.map((item) => onlyFields(item, inner)) : value;
  }
  return chosen;
}
