/** What a key may be, the same for every store: safe as a path, a URL and an object name. */
import { AppError } from '../errors.ts';
import type { ListOptions } from './store.ts';

const segment = /^[A-Za-z0-9._-]{1,255}$/;
const maxKeyBytes = 900;
const maxPage = 1000;

export function isKey(key: string): boolean {
  return (
    key.length <= maxKeyBytes && key.split('/').every((part) => segment.test(part) && part !== '.' && part !== '..')
  );
}

/** @throws AppError `invalid` for what is no key. */
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

/** How many objects a page may have, and whether a key comes after those already seen. @throws AppError `invalid` */
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

/** Order of keys by their bytes; they are ASCII, so it is the order of their code units. */
export function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
