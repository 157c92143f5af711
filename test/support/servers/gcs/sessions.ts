/** Resumable uploads: https://cloud.google.com/storage/docs/performing-resumable-uploads */
import type { Conditions, StoredObject } from './bucket.ts';
import { refuse } from './refusals.ts';

const unit = 256 * 1024;

export interface Session {
  readonly id: string;
  readonly bucket: string;
  readonly name: string;
  readonly conditions: Conditions;
  readonly contentType: string;
  /** As promised when it began; null when it was not. */
  readonly size: number | null;
  readonly keepsBytes: boolean;
  chunks: Buffer[];
  received: number;
  /** Once it is complete. */
  stored: StoredObject | null;
}

/** `bytes 0-5/10`, `bytes 0-5/*`, `bytes 0-* /*`, `bytes * /10`: `first` is null for a question. */
export interface ContentRange {
  readonly first: number | null;
  /** Null for "up to the end of this body". */
  readonly last: number | null;
  readonly total: number | null;
}

export function parseContentRange(header: string | undefined): ContentRange {
  if (header === undefined) return { first: 0, last: null, total: null };
  const match = /^bytes (?:(\d+)-(\d+|\*)|\*)\/(\d+|\*)$/.exec(header);
  if (!match) throw refuse.malformed(`Invalid Content-Range: ${header}`);
  const [, first, last, total] = match;
  const numberOf = (text: string | undefined) => (text === undefined || text === '*' ? null : Number(text));
  return { first: numberOf(first), last: numberOf(last), total: numberOf(total) };
}

/** Takes a part's bytes. Returns whether the upload is complete with it. */
export function takePart(session: Session, range: ContentRange, body: Buffer, isCut: boolean): boolean {
  const first = range.first ?? 0;
  const streams = range.last === null;
  const total = range.total ?? (streams && !isCut ? first + body.byteLength : null);
  if (first > session.received) throw refuse.malformed(`Expected bytes from ${session.received} on, got ${first}.`);
  if (session.size !== null && range.total !== null && range.total !== session.size) {
    throw refuse.malformed(`The upload was to have ${session.size} bytes, not ${range.total}.`);
  }
  if (!isCut && !streams && body.byteLength !== (range.last ?? 0) - first + 1) {
    throw refuse.malformed('The body is not as long as its Content-Range.');
  }
  const isLast = !isCut && total !== null && first + body.byteLength === total;
  if (!isLast && !isCut && body.byteLength % unit !== 0) {
    throw refuse.malformed(`Parts but the last must be multiples of ${unit} bytes, not ${body.byteLength}.`);
  }
  const end = isLast ? body.byteLength : body.byteLength - ((first + body.byteLength) % unit);
  keep(session, body.subarray(session.received - first, Math.max(end, session.received - first)));
  return isLast;
}

function keep(session: Session, bytes: Buffer): void {
  if (session.keepsBytes) session.chunks.push(Buffer.from(bytes));
  session.received += bytes.byteLength;
}
