/**
 * What a key may be, the same for every store: safe as a path, a URL and an object name.
 *
 * The worst that can happen: a key that one store takes for another, or that leaves its folder.
 */
import { AppError } from '../errors.ts';

const segment = /^[A-Za-z0-9._-]+$/;
const maxKeyBytes = 900;

export function isKey(key: string): boolean {
  return (
    key.length <= maxKeyBytes && key.split('/').every((part) => segment.test(part) && part !== '.' && part !== '..')
  );
}

/** Throws `invalid` for what is no key. */
export function requireKey(key: string): void {
  if (isKey(key)) return;
  throw new AppError('invalid', `${JSON.stringify(key.slice(0, 100))} cannot be an object's key.`, {
    hint: 'Use letters, digits, dots, dashes and underscores, with / between folders.',
  });
}

/** A prefix is the beginning of a key: whole segments, then part of one or nothing. */
export function requirePrefix(prefix: string): void {
  if (prefix === '' || isKey(prefix) || isKey(`${prefix}x`)) return;
  requireKey(prefix);
}

/** Order of keys by their bytes; they are ASCII, so it is the order of their code units. */
export function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
