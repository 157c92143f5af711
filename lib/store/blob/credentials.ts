import { AppError } from '../../errors.ts';
import { ProviderFailure } from '../driver/failure.ts';
import type { ObjectInfo } from '../store.ts';

export type BlobCredentials =
  | { readonly kind: 'token'; readonly token: string }
  /** The store's id, with or without `store_` before it, as Vercel gives it in BLOB_STORE_ID. */
  | { readonly kind: 'oidc'; readonly storeId: string };

export type SdkCredentials = { readonly token: string } | { readonly oidcToken: string; readonly storeId: string };

/** The id in `vercel_blob_rw_<id>_<secret>`; null for any other text. */
export function storeIdOfToken(token: string): string | null {
  return /^vercel_blob_rw_([A-Za-z0-9]+)_[A-Za-z0-9]+$/.exec(token)?.[1] ?? null;
}

/** @throws AppError `denied` for a token that names no store. */
export function storeIdOf(credentials: BlobCredentials): string {
  if (credentials.kind === 'oidc') return credentials.storeId.replace(/^store_/, '');
  const id = storeIdOfToken(credentials.token);
  if (id !== null) return id;
  throw new AppError('denied', 'The token of Vercel Blob is malformed.', {
    hint: 'Set BLOB_READ_WRITE_TOKEN to the token shown with the Blob store on Vercel: vercel_blob_rw_<store id>_<secret>.',
  });
}

/**
 * The OIDC token belongs to the request being served and must not be kept: https://vercel.com/docs/oidc/reference
 * Without one, the SDK would take any BLOB_READ_WRITE_TOKEN that it finds, and so perhaps another store.
 */
export async function sdkCredentials(credentials: BlobCredentials): Promise<SdkCredentials> {
  if (credentials.kind === 'token') return { token: credentials.token };
  return { oidcToken: await oidcToken(), storeId: storeIdOf(credentials) };
}

async function oidcToken(): Promise<string> {
  const { getVercelOidcToken } = await import('@vercel/oidc');
  let cause: ProviderFailure | undefined;
  try {
    const token = (await getVercelOidcToken()).trim();
    if (token !== '') return token;
  } catch (error) {
    cause = new ProviderFailure(error, { code: 'oidc' });
  }
  throw new AppError('denied', 'There is no OIDC token for Vercel Blob.', {
    cause,
    hint: 'Connect the Blob store to this project, redeploy, and keep BLOB_STORE_ID; or set BLOB_READ_WRITE_TOKEN.',
  });
}

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
  return new AppError('unavailable', `Vercel Blob sent an unexpected answer: ${problem}.`, {
    hint: 'Try again; update @vercel/blob if its API has changed.',
  });
}
