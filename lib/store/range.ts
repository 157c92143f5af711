/** Byte ranges, the same for every store. */
import { AppError } from '../errors.ts';
import type { ByteRange } from './store.ts';

/** @throws AppError `invalid` for what is no range. */
export function requireRange(range: ByteRange | undefined): void {
  if (!range) return;
  const { start, end } = range;
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end) return;
  throw new AppError('invalid', `[${start}, ${end}) is not a range of bytes.`);
}

/** The part of `range` that an object of `size` bytes has. */
export function clipRange(range: ByteRange | undefined, size: number): ByteRange {
  const { start, end } = range ?? { start: 0, end: size };
  return { start: Math.min(start, size), end: Math.min(end, size) };
}
