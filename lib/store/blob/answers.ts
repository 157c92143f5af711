/**
 * What the service answers, looked at before it is believed: the SDK hands on whatever JSON it was sent.
 *
 * The worst that can happen: a write taken for done because somebody else, a proxy say, answered `{}`.
 */
import { AppError } from '../../errors.ts';
import type { ObjectInfo } from '../store.ts';

/** Of what the SDK hands on as the service sent it. */
export function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

/** Its size and time, once it is known that the service told them. */
export function infoOf({
  pathname,
  size,
  uploadedAt,
}: {
  pathname: string;
  size: number;
  uploadedAt: Date;
}): ObjectInfo {
  const isTold = Number.isSafeInteger(size) && size >= 0 && !Number.isNaN(uploadedAt.getTime());
  if (typeof pathname !== 'string' || !isTold) throw notUnderstood('it tells no name, size and time');
  return { key: pathname, size, modifiedAt: uploadedAt };
}

export function requireKeyKept(key: string, pathname: unknown): void {
  if (pathname === key) return;
  throw new AppError('indeterminate', `Vercel Blob did not confirm that it stored ${key} under this name.`, {
    hint: 'Look into the store on Vercel; update @vercel/blob if its API has changed.',
  });
}

export function notUnderstood(problem: string): AppError {
  return new AppError('unavailable', `An answer of Vercel Blob is not understood: ${problem}.`, {
    hint: 'Try again; update @vercel/blob if its API has changed.',
  });
}
