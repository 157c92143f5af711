/** The body of a request as JSON. */
import { parseJson } from '../rows/json.ts';
import type { PlainValue } from '../values.ts';
import { inQuery, RequestError } from './problem.ts';
import type { Terms } from './terms.ts';

export interface Incoming {
  readonly request: Request;
  readonly terms: Pick<Terms, 'maxBodyBytes'>;
}

/** `of any type`: whatever the header content-type says. @throws RequestError 415 (not JSON by its headers), 413 (too large), 400 (not JSON) */
export async function readJson(
  { request, terms }: Incoming,
  given: 'of any type' | 'as JSON' = 'as JSON',
): Promise<PlainValue> {
  if (given === 'as JSON') requireJsonType(request);
  const text = decodeText(await readBytes(request, terms.maxBodyBytes));
  return inQuery(() => parseJson(text));
}

/** The most that the body can have, as far as the headers say. */
export function announcedBytes({ headers }: Request, maxBytes: number): number {
  const length = headers.get('content-length');
  return length !== null && /^\d{1,15}$/.test(length) ? Math.min(Number(length), maxBytes) : maxBytes;
}

/** Refuses a body where none is read, as the client meant something by it. @throws RequestError 400 */
export function requireNoBody({ headers, method }: Request): void {
  const length = headers.get('content-length') ?? '0';
  if (/^0*$/.test(length)) return;
  throw new RequestError(400, `A ${method} request takes no body here: the address says everything.`);
}

function requireJsonType(request: Request): void {
  const given = request.headers.get('content-type') ?? '';
  const [type = '', ...parameters] = given
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  const merges = request.method === 'PATCH' && type === 'application/merge-patch+json';
  const charset = parameters.find((parameter) => parameter.startsWith('charset='));
  const isUtf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset);
  if ((type === 'application/json' || merges) && isUtf8) return;
  const sent = given === '' ? 'none was sent' : `"${given.slice(0, 100)}" was sent`;
  throw new RequestError(415, `The header content-type has to be application/json, in UTF-8; ${sent}.`);
}

/** The body, decompressed. @throws RequestError 413, 415, 400 (not what its content-encoding says) */
export async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array> {
  const announced = Number(request.headers.get('content-length') ?? 0);
  if (announced > maxBytes) throw tooLarge(maxBytes);
  const encoding = encodingOf(request.headers);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of decompressed(request, encoding)) {
      size += chunk.byteLength;
      if (size > maxBytes) throw tooLarge(maxBytes);
      chunks.push(chunk);
    }
  } catch (cause) {
    if (encoding === null || cause instanceof RequestError || request.signal.aborted) throw cause;
    throw new RequestError(400, `The body is not valid ${encoding}, although its content-encoding says so.`, { cause });
  }
  return Buffer.concat(chunks);
}

type Encoding = 'gzip' | 'deflate';

function encodingOf(headers: Headers): Encoding | null {
  const encoding = headers.get('content-encoding')?.trim().toLowerCase() ?? '';
  if (encoding === '' || encoding === 'identity') return null;
  if (encoding === 'gzip' || encoding === 'deflate') return encoding;
  throw new RequestError(415, 'The content-encoding of a body can be gzip or deflate.', {
    headers: { 'accept-encoding': 'gzip, deflate' },
  });
}

function decompressed({ body }: Request, encoding: Encoding | null): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  if (!body) return [];
  return encoding === null ? body : body.pipeThrough(new DecompressionStream(encoding));
}

function tooLarge(maxBytes: number): RequestError {
  return new RequestError(413, `The body may have ${maxBytes} bytes at most.`);
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new RequestError(400, 'The body is not UTF-8.', { cause: error });
  }
}
