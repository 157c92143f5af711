/** Checks of what the service answers: the SDK hands on whatever JSON it was sent. */
import { AppError } from '../../errors.ts';
import type { ObjectInfo } from '../store.ts';

export function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

export function infoOf({
  pathname,
  size,
  uploadedAt,
}: {
  pathname: string;
  size: number;
  uploadedAt: Date;
}): ObjectInfo {
  const isThere = isText(pathname) && Number.isSafeInteger(size) && size >= 0 && !Number.isNaN(uploadedAt.getTime());
  if (!isThere) throw notUnderstood('it lacks a name, size or time');
  return { key: pathname, size, modifiedAt: uploadedAt };
}

export function requireKeyKept(key: string, pathname: unknown): void {
  if (pathname === key) return;
  throw new AppError('indeterminate', `Vercel Blob did not confirm that it stored ${key} under this name.`, {
    hint: 'Check the store on Vercel; update @vercel/blob if its API has changed.',
  });
}

export function notUnderstood(problem: string): AppError {
  return new AppError('unavailable', `An answer of Vercel Blob is not understood: ${problem}.`, {
    hint: 'Try again; update @vercel/blob if its API has changed.',
  });
}
