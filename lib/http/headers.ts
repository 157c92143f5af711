/** The headers that answers carry about the database, and the one that a client sends back. */
import type { Answer, Timings } from '../db/database.ts';
import { RequestError } from './problem.ts';

/** The version that the client has seen. @throws RequestError 400 */
export function parseBookmark(headers: Headers): number | undefined {
  const text = headers.get('db-bookmark');
  if (text === null) return undefined;
  const version = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(version)) return version;
  throw new RequestError(400, 'The header db-bookmark has to be a version from the db-bookmark of an earlier answer.', {
    fields: [{ path: 'db-bookmark', message: 'expects a whole number' }],
  });
}

export function writeAnswerHeaders(headers: Headers, answer: Omit<Answer<unknown>, 'value' | 'timings'>): void {
  if (!answer.isOfOtherLog) headers.set('db-bookmark', String(answer.version));
  headers.set('db-durability', answer.durability);
  if (answer.ageMs !== undefined) headers.set('age', String(Math.round(answer.ageMs / 1000)));
  if (answer.servedBy !== undefined) headers.set('db-backend', answer.servedBy);
  if (answer.degraded !== undefined) headers.set('db-degraded', headerText(answer.degraded));
}

/** For answers that are data, never a page: nothing in them may run, be framed, be guessed at or be kept. */
export function writeSecurityHeaders(headers: Headers): void {
  headers.set('cache-control', 'no-store');
  headers.set('content-security-policy', "default-src 'none'; frame-ancestors 'none'");
  headers.set('referrer-policy', 'no-referrer');
  headers.set('x-content-type-options', 'nosniff');
  headers.set('x-frame-options', 'DENY');
}

/** What a billed store was sent for one request, by the classes that providers bill by. */
export type StoreCounts = Readonly<Record<'write' | 'read' | 'free' | 'bytesUp' | 'bytesDown', number>>;

/** `open;dur=12.3, total;dur=20`: milliseconds. Then `store;desc="1 write, 2 read, …"`, if a billed store was used. */
export function serverTiming(timings: Timings, sent: StoreCounts): string {
  const entries = Object.entries(timings).map(([name, ms]) => `${name};dur=${Math.round(ms * 100) / 100}`);
  const { write, read, free, bytesUp, bytesDown } = sent;
  if (write + read + free > 0) {
    entries.push(`store;desc="${write} write, ${read} read, ${free} free, ${bytesUp} bytes up, ${bytesDown} down"`);
  }
  return entries.join(', ');
}

/** One id a request, the platform's when it gave one. */
export function requestIdOf(headers: Headers, otherwise: () => string): string {
  const given = headers.get('x-vercel-id') ?? '';
  return /^[\x21-\x7e]{1,200}$/.test(given) ? given : otherwise();
}

/** Headers hold printable ASCII. */
function headerText(text: string): string {
  return text.replace(/[^\x21-\x7e]+/g, ' ').slice(0, 300);
}
