/**
 * A refusal counts only when no earlier attempt of the SDK can have preceded it; anything else leaves the outcome of a
 * write unknown.
 */
import * as blob from '@vercel/blob';
import { AppError, type ErrorKind } from '../../errors.ts';
import {
  denied,
  explain,
  explainStopped,
  failing,
  isUnconnected,
  type Meaning,
  ProviderFailure,
  tooManyRequests,
  unanswered,
  unavailable,
} from '../driver/failure.ts';
import { Interruption } from '../driver/patience.ts';

export type BlobAccess = 'private' | 'public';

export interface FailedBlobRequest {
  readonly location: string;
  readonly name: string;
  readonly changes: boolean;
  readonly repeated: boolean;
  readonly access: BlobAccess;
  readonly secrets: readonly string[];
}

const statusPage = 'https://www.vercel-status.com';
const tokenHint =
  'Set BLOB_READ_WRITE_TOKEN to the read-write token of this store, as its page on Vercel shows it, and redeploy.';

type ErrorClass = new (...args: never[]) => Error;

/** In the order of the SDK's own list: https://vercel.com/docs/vercel-blob/using-blob-sdk#handling-errors */
const refusals: readonly [type: ErrorClass, kind: ErrorKind, problem: string, hint: string][] = [
  [
    blob.BlobStoreSuspendedError,
    'unavailable',
    'is suspended: its quota has ended, or Vercel has blocked it',
    'Check the store of BLOB_READ_WRITE_TOKEN (or BLOB_STORE_ID) and the usage of your team on Vercel; raise the plan, or wait for the next month.',
  ],
  [blob.BlobAccessError, 'denied', 'refuses the token, or it belongs to another store', tokenHint],
  [
    blob.BlobStoreNotFoundError,
    'denied',
    'does not exist: there is no such Blob store, or the token or id is of another',
    'Compare BLOB_READ_WRITE_TOKEN (or BLOB_STORE_ID) with the stores of your team on Vercel.',
  ],
  [
    blob.BlobClientTokenExpiredError,
    'denied',
    'refuses the token: it has expired',
    `${tokenHint} Client tokens expire.`,
  ],
  [blob.BlobContentTypeNotAllowedError, 'denied', 'refuses the token: it may not store bytes of this type', tokenHint],
  [blob.BlobPathnameMismatchError, 'denied', 'refuses the token: it may not write this object', tokenHint],
  [blob.BlobFileTooLargeError, 'invalid', 'does not take an object that large', 'Make the database smaller.'],
];

export function mapBlobError(error: unknown, request: FailedBlobRequest): AppError {
  if (error instanceof AppError) return error;
  const { changes, repeated, access, secrets } = request;
  const refusal = refusalOf(error, access);
  const unsure = changes && (repeated || (refusal === null && !wasNeverSent(error)));
  if (error instanceof Interruption && error.why === 'stopped') {
    return explainStopped({ ...request, unsure }, error.cause);
  }
  const cause = new ProviderFailure(error, { code: codeOf(error), status: statusOf(error) ?? undefined }, secrets);
  return explain(refusal ?? failureOf(error), { ...request, unsure }, cause);
}

export function saysAlreadyExists(error: unknown): boolean {
  return error instanceof blob.BlobError && /\balready exists\b/i.test(error.message);
}

/** A failure after which the object may be there, ours or another's: it is worth a look. */
export function mayMeanExists(error: unknown): boolean {
  const types = [blob.BlobUnknownError, blob.BlobPreconditionFailedError, blob.BlobNotFoundError];
  return types.some((type) => error instanceof type);
}

export function saysNotFound(error: unknown): boolean {
  return error instanceof blob.BlobNotFoundError;
}

/** The status of an answer that `get` did not take; null when the failure was another. */
export function statusOf(error: unknown): number | null {
  if (!(error instanceof blob.BlobError)) return null;
  const status = /Failed to fetch blob: (\d{3})\b/.exec(error.message)?.[1];
  return status === undefined ? null : Number(status);
}

export function wasNeverSent(error: unknown): boolean {
  return isUnconnected(networkCodeOf(error));
}

/** @throws AppError when the URL that the service gives for an object is of the other access. */
export function requireAccess(url: unknown, request: FailedBlobRequest): void {
  const found = /^https?:\/\/[^/]*\.(private|public)\.blob\.vercel-storage\.com\//.exec(String(url))?.[1];
  if (found === undefined || found === request.access) return;
  const cause = new ProviderFailure(`An object of the store is ${found}.`, { code: 'access' });
  throw explain(wrongAccess(request.access), { ...request, unsure: false }, cause);
}

function networkCodeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : '';
}

function codeOf(error: unknown): string {
  const status = statusOf(error);
  if (status !== null) return `status ${status}`;
  return networkCodeOf(error) || (error instanceof Error ? error.constructor.name : 'unknown');
}

function refusalOf(error: unknown, access: BlobAccess): Meaning | null {
  const known = refusals.find(([type]) => error instanceof type);
  if (known) {
    const [type, kind, problem, hint] = known;
    // Asking a suspended store again within seconds is useless.
    const retryAfterMs = type === blob.BlobStoreSuspendedError ? 60_000 : undefined;
    return { kind, problem, hint, retryAfterMs };
  }
  if (error instanceof blob.BlobServiceRateLimited) {
    return tooManyRequests(error.retryAfter > 0 ? error.retryAfter * 1000 : undefined);
  }
  // The SDK puts the token into a header; undici refuses what no header can hold, before anything is sent.
  if (error instanceof TypeError && /header/i.test(error.message) && error.cause === undefined) {
    return denied('was not asked: no token has such characters', tokenHint);
  }
  return error instanceof blob.BlobError ? worded(error, access) : null;
}

/** Texts that are not known come from a `bad_request` of the service. */
function worded(error: Error, access: BlobAccess): Meaning | null {
  // https://vercel.com/docs/vercel-blob#private-and-public-storage
  if (/cannot use \w+ access on a \w+ store/i.test(error.message)) return wrongAccess(access);
  if (/OIDC/.test(error.message)) {
    const hint = 'Allow this environment in the settings of the Blob store on Vercel, or set BLOB_READ_WRITE_TOKEN.';
    return denied('does not take the OIDC token of this environment', hint);
  }
  if (/credentials|token/i.test(error.message)) return denied('does not take this token for this request', tokenHint);
  if (Object.getPrototypeOf(error) !== blob.BlobError.prototype || statusOf(error) !== null) return null;
  const hint = 'The cause in the log says why; BLOB_NAME is what you can change.';
  return { kind: 'invalid', problem: 'refused the request', hint };
}

function wrongAccess(access: BlobAccess): Meaning {
  const kept = 'and a store keeps the access that it was created with';
  return access === 'public'
    ? denied(`is private, ${kept}`, 'Remove BLOB_ACCESS, or set BLOB_ACCESS=private.')
    : denied(
        `is public, ${kept}`,
        'Create a private store and use its token in BLOB_READ_WRITE_TOKEN, or set BLOB_ACCESS=public to allow anyone who knows the URL to read your data.',
      );
}

function failureOf(error: unknown): Meaning {
  const hint = `Try again; if it lasts, see ${statusPage}.`;
  if (error instanceof blob.BlobServiceNotAvailable) return unavailable('is not available at the moment', hint);
  if (error instanceof blob.BlobNotFoundError) return unavailable('does not know what the request names', hint);
  const isAnswer = error instanceof blob.BlobError && !(error instanceof blob.BlobRequestAbortedError);
  return isAnswer ? failing(statusPage) : unanswered(networkCodeOf(error), !wasNeverSent(error), statusPage);
}
