/**
 * The errors of Vercel Blob as kinds, mapped once: what happened, and which variable to look at.
 *
 * Owns: every message of this driver about a failed request. Knows nothing of keys or bodies. The worst that can happen: a write
 * said not to have happened that did; so a refusal counts only when no earlier attempt of the SDK can have gone before
 * it, and everything that is not a refusal is unknown.
 */
import * as blob from '@vercel/blob';
import { AppError, type AppErrorOptions, type ErrorKind } from '../../errors.ts';
import { Interruption } from './patience.ts';
import { withoutSecrets } from './secrets.ts';

export type BlobAccess = 'private' | 'public';

export interface FailedRequest {
  /** Whether it may have changed what others see. */
  readonly changes: boolean;
  /** Whether the SDK may have sent it more than once. */
  readonly repeated: boolean;
  readonly access: BlobAccess;
  readonly secret: string | null;
}

interface Refusal {
  readonly kind: ErrorKind;
  readonly message: string;
  readonly hint: string;
  readonly retryAfterMs?: number;
}

const tokenHint =
  'Set BLOB_READ_WRITE_TOKEN to the read-write token of this store, as its page on Vercel shows it, and redeploy.';

/** In the order of the SDK's own list: https://vercel.com/docs/vercel-blob/using-blob-sdk#handling-errors */
const refusals: readonly [type: new (...args: never[]) => Error, refusal: Refusal][] = [
  [
    blob.BlobStoreSuspendedError,
    {
      kind: 'unavailable',
      message: 'The Blob store is suspended: its quota has ended, or Vercel has blocked it.',
      hint: 'Look on Vercel at the store of BLOB_READ_WRITE_TOKEN (or BLOB_STORE_ID) and at the usage of your team; raise the plan, or wait for the next month.',
      // Nobody gains by asking again within seconds.
      retryAfterMs: 60_000,
    },
  ],
  [
    blob.BlobAccessError,
    { kind: 'denied', message: 'Vercel Blob refuses the token, or it belongs to another store.', hint: tokenHint },
  ],
  [
    blob.BlobStoreNotFoundError,
    {
      kind: 'denied',
      message: 'There is no such Blob store; it was deleted, or the token or id is of another.',
      hint: 'Compare BLOB_READ_WRITE_TOKEN (or BLOB_STORE_ID) with the stores of your team on Vercel.',
    },
  ],
  [
    blob.BlobClientTokenExpiredError,
    { kind: 'denied', message: 'The token of Vercel Blob has expired.', hint: `${tokenHint} Client tokens expire.` },
  ],
  [
    blob.BlobContentTypeNotAllowedError,
    { kind: 'denied', message: 'The token may not store bytes of this type.', hint: tokenHint },
  ],
  [
    blob.BlobPathnameMismatchError,
    { kind: 'denied', message: 'The token may not write this object.', hint: tokenHint },
  ],
  [
    blob.BlobFileTooLargeError,
    { kind: 'invalid', message: 'The object is larger than Vercel Blob takes.', hint: 'Keep the database smaller.' },
  ],
];

/** The AppError for a failed request. An AppError passes through: it means what it says. */
export function mapBlobError(error: unknown, request: FailedRequest): AppError {
  if (error instanceof AppError) return error;
  const refusal = refusalOf(error, request.access);
  const cause = withoutSecrets(error, request.secret);
  if (refusal === null) return unknownOutcome(error, cause, request);
  const { kind, message, ...options } = refusal;
  if (!request.changes || !request.repeated) return new AppError(kind, message, { ...options, cause });
  return new AppError('indeterminate', `${message} An earlier attempt may have taken effect.`, { ...options, cause });
}

/** The store's own 'there is one': no class, and no code that the SDK would show. */
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

/** Whether no request has left this process: there was nobody to talk to. */
export function wasNeverSent(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'].includes(code);
}

/** @throws AppError when the URL that the service gives for an object is of the other access. */
export function requireAccess(url: unknown, access: BlobAccess): void {
  const found = /^https?:\/\/[^/]*\.(private|public)\.blob\.vercel-storage\.com\//.exec(String(url))?.[1];
  if (found !== undefined && found !== access) throw new AppError('denied', ...wrongAccess(access));
}

function refusalOf(error: unknown, access: BlobAccess): Refusal | null {
  const known = refusals.find(([type]) => error instanceof type);
  if (known) return known[1];
  if (error instanceof blob.BlobServiceRateLimited) return rateLimited(error.retryAfter);
  // The SDK puts the token into a header; undici refuses what no header can hold, before anything is sent.
  if (error instanceof TypeError && /header/i.test(error.message) && error.cause === undefined) {
    return { kind: 'denied', message: 'The token of Vercel Blob has characters that none has.', hint: tokenHint };
  }
  return error instanceof blob.BlobError ? worded(error, access) : null;
}

/** What only the text tells apart. Texts that are not known come from a `bad_request` of the service. */
function worded(error: Error, access: BlobAccess): Refusal | null {
  // https://vercel.com/docs/vercel-blob#private-and-public-storage
  if (/cannot use \w+ access on a \w+ store/i.test(error.message)) {
    const [message, { hint }] = wrongAccess(access);
    return { kind: 'denied', message, hint };
  }
  if (/OIDC/.test(error.message)) {
    const hint = 'Allow this environment in the settings of the Blob store on Vercel, or set BLOB_READ_WRITE_TOKEN.';
    return { kind: 'denied', message: 'Vercel Blob does not take the OIDC token of this environment.', hint };
  }
  if (/client token|credentials|token/i.test(error.message)) {
    return { kind: 'denied', message: 'Vercel Blob does not take this token for this.', hint: tokenHint };
  }
  if (Object.getPrototypeOf(error) !== blob.BlobError.prototype || statusOf(error) !== null) return null;
  const hint = 'The cause in the log says what it does not like; BLOB_NAME is what you can change.';
  return { kind: 'invalid', message: 'Vercel Blob refuses the request as wrong.', hint };
}

function rateLimited(seconds: number): Refusal {
  const wait = Number.isFinite(seconds) && seconds > 0 ? { retryAfterMs: seconds * 1000 } : {};
  return {
    kind: 'unavailable',
    message: 'Vercel Blob takes no more requests for the moment: the rate of the plan is reached.',
    hint: 'Try again later; a larger plan has a higher rate, and reads ask less often with a larger DB_MAX_STALENESS_MS.',
    ...wait,
  };
}

function wrongAccess(access: BlobAccess): [message: string, options: { readonly hint: string }] {
  return access === 'private'
    ? [
        'This Blob store is public, and a Blob store is public or private from its birth.',
        {
          hint: 'Create a private store and use its token in BLOB_READ_WRITE_TOKEN, or set BLOB_ACCESS=public to allow anyone who knows the URL to read your data.',
        },
      ]
    : [
        'This Blob store is private, and a Blob store is public or private from its birth.',
        { hint: 'Remove BLOB_ACCESS, or set BLOB_ACCESS=private.' },
      ];
}

function unknownOutcome(error: unknown, cause: unknown, { changes, repeated }: FailedRequest): AppError {
  const kind = changes && (repeated || !wasNeverSent(error)) ? 'indeterminate' : 'unavailable';
  const tail = kind === 'indeterminate' ? 'whether it happened is not known' : 'nothing was changed';
  const options: AppErrorOptions = { cause, hint: 'Try again; see https://www.vercel-status.com if it lasts.' };
  return new AppError(kind, `${problemOf(error)}; ${tail}.`, options);
}

function problemOf(error: unknown): string {
  if (error instanceof Interruption) {
    return error.why === 'stopped' ? 'The operation was stopped' : 'Vercel Blob did not answer in time';
  }
  if (error instanceof blob.BlobServiceNotAvailable) return 'Vercel Blob says that it is not available';
  if (error instanceof blob.BlobRequestAbortedError) return 'The request to Vercel Blob was aborted';
  if (error instanceof blob.BlobNotFoundError) return 'Vercel Blob does not know what the request names';
  const status = statusOf(error);
  if (status !== null) return `Vercel Blob answered with status ${status}`;
  if (error instanceof blob.BlobError) return 'Vercel Blob failed without saying why';
  return wasNeverSent(error) ? 'Vercel Blob cannot be reached' : 'The answer of Vercel Blob was lost';
}
