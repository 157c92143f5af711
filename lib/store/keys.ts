import { AppError } from '../errors.ts';
import type { ByteRange, ListOptions } from './store.ts';

const segment = /^[A-Za-z0-9._-]{1,255}$/;
const maxKeyBytes = 900;
const maxPage = 1000;

export function isKey(key: string): boolean {
  return (
    key.length <= maxKeyBytes && key.split('/').every((part) => segment.test(part) && part !== '.' && part !== '..')
  );
}

export function requireKey(key: string): void {
  if (isKey(key)) return;
  throw new AppError('invalid', `${JSON.stringify(key.slice(0, 100))} cannot be an object's key.`, {
    hint: 'Use letters, digits, dots, dashes and underscores, with / between folders.',
  });
}

/** A prefix is the beginning of a key: whole segments, then part of one or nothing. @throws AppError `invalid` */
export function requirePrefix(prefix: string): void {
  if (prefix === '' || isKey(prefix) || isKey(`${prefix}x`)) return;
  requireKey(prefix);
}

export function requirePage({ after, limit = maxPage }: ListOptions): {
  readonly limit: number;
  readonly isAfter: (key: string) => boolean;
} {
  if (after !== undefined) requirePrefix(after);
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new AppError('invalid', `A page cannot have ${limit} objects; ask for 1 to ${maxPage}.`);
  }
  return { limit: Math.min(limit, maxPage), isAfter: (key) => after === undefined || compareKeys(key, after) > 0 };
}

/** They are ASCII: the order of their bytes is that of their code units. */
export function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function requireRange(range: ByteRange | undefined): void {
  if (!range) return;
  const { start, end } = range;
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end) return;
  throw new AppError('invalid', `[${start}, ${end}) is not a range of bytes.`);
}

export function clipRange(range: ByteRange | undefined, size: number): ByteRange {
  const { start, end } = range ?? { start: 0, end: size };
  return { start: Math.min(start, size), end: Math.min(end, size) };
}
