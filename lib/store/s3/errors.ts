import type { AppError } from '../../errors.ts';
import {
  denied,
  explain,
  type FailedRequest,
  failing,
  foreign,
  garbled,
  isUnconnected,
  meaningsOf,
  type Meaning,
  parseRetryAfter,
  ProviderFailure,
  tooManyRequests,
  unanswered,
} from '../driver/failure.ts';

export interface ProviderError extends Error {
  readonly Code?: unknown;
  readonly code?: unknown;
  readonly syscall?: unknown;
  readonly Region?: unknown;
  readonly $response?: {
    readonly statusCode?: number;
    readonly headers?: Readonly<Record<string, string | undefined>>;
  };
  readonly $metadata?: {
    readonly httpStatusCode?: number | undefined;
    readonly requestId?: string | undefined;
    readonly extendedRequestId?: string | undefined;
    readonly attempts?: number | undefined;
  };
}

export interface S3Request extends FailedRequest {
  readonly writes: boolean;
  readonly secrets: readonly string[];
}

/** Wrong arguments and the like; not what happens to connections. */
const nodesOwn = /^ERR_(?!TLS|SSL|STREAM|SOCKET|HTTP)/;

export function isProviderError(error: unknown): error is ProviderError {
  if (!(error instanceof Error)) return false;
  const isAnswer = '$metadata' in error || '$response' in error;
  const isNetwork = 'code' in error && typeof error.code === 'string' && !nodesOwn.test(error.code);
  return isAnswer || isNetwork || /^(TimeoutError|AbortError|\w*(Credentials|Token)\w*Error)$/.test(error.name);
}

const bareStatuses: Readonly<Record<number, string>> = {
  301: 'PermanentRedirect',
  304: 'NotModified',
  307: 'TemporaryRedirect',
  404: 'NotFound',
  412: 'PreconditionFailed',
  416: 'InvalidRange',
  429: 'TooManyRequests',
  507: 'InsufficientStorage',
};

/** The provider's code; for an answer without a body, one that its status stands for; else that of the system call. */
export function codeOf(error: ProviderError): string {
  if (typeof error.Code === 'string') return error.Code;
  const status = statusOf(error);
  if (status === undefined) return typeof error.code === 'string' ? error.code : error.name;
  const named = /^(Unknown|UnknownError|Error|SyntaxError|\d+)$/.test(error.name) ? undefined : error.name;
  return bareStatuses[status] ?? named ?? `HTTP ${status}`;
}

function statusOf(error: ProviderError): number | undefined {
  return error.$metadata?.httpStatusCode ?? error.$response?.statusCode;
}

/** Whether the request that failed so may have taken effect: whatever is not a refusal by name may have. */
export function mayHaveHappened(error: unknown): boolean {
  if (!isProviderError(error)) return true;
  const code = codeOf(error);
  if (slowDown.test(code) || elsewhere.test(code) || meanings.get(code)) return false;
  const status = statusOf(error);
  // An error may come in a 200: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
  return status === undefined ? !neverSent(error) : status >= 500 || status < 300;
}

function neverSent({ code, syscall, message }: ProviderError): boolean {
  if (syscall === 'connect' || syscall === 'getaddrinfo') return true;
  return typeof code === 'string' ? isUnconnected(code) : message.includes('did not establish a connection');
}

export function mapError(error: ProviderError, request: S3Request): AppError {
  const code = codeOf(error);
  const header = (name: string): string | undefined => error.$response?.headers?.[name];
  const {
    requestId = header('x-amz-request-id'),
    extendedRequestId = header('x-amz-id-2'),
    attempts,
  } = error.$metadata ?? {};
  const details = { code, status: statusOf(error), requestId, extendedRequestId, attempts };
  return explain(meaningOf(error, code, request), request, new ProviderFailure(error, details, request.secrets));
}

function meaningOf(error: ProviderError, code: string, { writes }: S3Request): Meaning {
  const headers = error.$response?.headers ?? {};
  const afterMs = parseRetryAfter(headers['retry-after']);
  if (slowDown.test(code)) return tooManyRequests(afterMs ?? 1000);
  if (elsewhere.test(code)) {
    return otherRegion(typeof error.Region === 'string' ? error.Region : headers['x-amz-bucket-region']);
  }
  const known = meanings.get(code);
  if (known) return known.kind === 'unavailable' ? { ...known, retryAfterMs: afterMs } : known;
  const status = statusOf(error);
  if (status === undefined) {
    if (/Credentials|Token/.test(error.name)) return noCredentials;
    return unanswered(code, !neverSent(error), 'S3_ENDPOINT (or AWS_REGION)');
  }
  if (/AssumeRole|WebIdentity|IdentityToken|^ExpiredTokenException|^IDP/.test(`${code} ${error.message}`)) {
    return roleRefused;
  }
  if (status === 401 || status === 403) return writes ? deniedAccess : deniedRead;
  if (status >= 500) return failing('the status page of the provider', afterMs);
  if (status < 300) return headers['content-type']?.startsWith('text/html') ? notS3 : garbled('S3', s3Hint);
  const isOther = /JSON|XML|Deserialization|Syntax/i.test(error.name) || code === 'NotFound' || status < 400;
  // XML that cannot be read was cut on its way.
  if (isOther && headers['content-type']?.includes('xml')) return garbled('S3', s3Hint);
  return isOther ? notS3 : refused;
}

/**
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList, and those of stores that speak its
 * protocol. A code that is not listed is judged by its status: an unknown outcome that is called a refusal loses a write.
 */
const meanings = new Map([
  ...meaningsOf(
    'denied',
    `InvalidAccessKeyId Unauthorized: does not know the access key
    Check AWS_ACCESS_KEY_ID, and that it belongs to S3_ENDPOINT if that is set.
  SignatureDoesNotMatch InvalidSecurity: refused the signature: the secret key does not belong to the access key
    Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY again, from one and the same key, without spaces.
  ExpiredToken TokenRefreshRequired RequestExpired: refused the credentials: they have expired
    Temporary keys end with AWS_SESSION_TOKEN: renew all three, or use AWS_ROLE_ARN, or a key that lasts.
  InvalidToken: refused the session token
    AWS_SESSION_TOKEN belongs to temporary keys (ASIA…) only: remove it, or renew it together with them.
  RequestTimeTooSkewed: refused the request: the clock of this machine is wrong
    Set the clock of the machine (or of the server at S3_ENDPOINT); S3 accepts 15 minutes of difference.
  NoSuchBucket: does not exist: there is no such bucket
    Create the bucket, or correct S3_BUCKET (and AWS_REGION, S3_ENDPOINT).
  InvalidBucketName: refused the name of the bucket
    Correct S3_BUCKET; for stores other than AWS, try S3_FORCE_PATH_STYLE=true.
  AccountProblem AllAccessDisabled NotSignedUp InvalidPayer: is closed: there is a problem with the account
    Check the account with the provider: it may be suspended, unpaid, or not signed up for S3.
  KMS.DisabledException KMS.InvalidStateException KMS.NotFoundException KMS.KMSInvalidStateException: could not use the encryption key of the bucket
    Enable the KMS key, and allow the user of AWS_ACCESS_KEY_ID (or AWS_ROLE_ARN) kms:Decrypt and kms:GenerateDataKey.
  NotImplemented: does not implement what is needed
    Use a store with conditional writes (If-None-Match), such as AWS S3 or Cloudflare R2; check S3_ENDPOINT.
  InvalidObjectState ObjectNotInActiveTierError: has moved the object to an archive, from which it cannot be read
    Restore the object, and exempt the database from the lifecycle rules of the bucket.`,
  ),
  ...meaningsOf(
    'unavailable',
    `ServiceUnavailable Busy: is not available at the moment
    Try again later; nothing happened.
  QuotaExceeded StorageQuotaExceeded ServiceQuotaExceeded InsufficientStorage XMinioStorageFull XMinioAdminBucketQuotaExceeded: is full: a quota or the disk is used up; nothing was written
    Free some space in the bucket of S3_BUCKET, or raise its quota.
  RequestTimeout IncompleteBody BadDigest XAmzContentSHA256Mismatch: did not receive the whole request; nothing was written
    Try again; if it happens often, check the network between this machine and S3.
  NoSuchUpload InvalidPart: no longer knows the upload that was under way
    Try again; check that no lifecycle rule of the bucket removes uploads within hours.`,
  ),
  ...meaningsOf(
    'invalid',
    `EntityTooLarge: does not take an object that large
    Make the database smaller, or use another store.`,
  ),
]);

export const slowDown =
  /^(SlowDown|Throttling(Exception)?|TooManyRequests(Exception)?|(Request|Bandwidth)LimitExceeded)$/;
const elsewhere = /^(AuthorizationHeaderMalformed|(Permanent|Temporary)?Redirect|IllegalLocationConstraintException)$/;

function otherRegion(region: string | undefined): Meaning {
  return region !== undefined && /^[a-z0-9-]{2,40}$/.test(region)
    ? denied(`has its bucket in the region ${region}`, `Set AWS_REGION to ${region}.`)
    : denied('has its bucket in another region', 'Set AWS_REGION to the region of the bucket.');
}

/** Without the right to list, S3 says 403 for what is absent: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html */
const deniedRead = denied(
  'denied access; it also does so for an absent object when the bucket may not be listed',
  'Allow s3:GetObject on the objects and s3:ListBucket on the bucket to the user of AWS_ACCESS_KEY_ID (or AWS_ROLE_ARN).',
);

const deniedAccess = denied(
  'denied access',
  'Allow s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload on the objects, and s3:ListBucket on the bucket, to the user of AWS_ACCESS_KEY_ID (or AWS_ROLE_ARN).',
);

const s3Hint = 'Check S3_ENDPOINT: it must be the base URL of an S3-compatible API, without the bucket.';
const notS3 = foreign('S3', s3Hint);

const noCredentials = denied(
  'was not asked: there are no credentials',
  'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_ROLE_ARN with OIDC enabled for the Vercel project.',
);

const roleRefused = denied(
  'was not asked: the role could not be assumed',
  'Check AWS_ROLE_ARN, and that its trust policy names the OIDC provider of Vercel, the team and the project.',
);

const refused: Meaning = {
  kind: 'invalid',
  problem: 'refused the request',
  hint: 'Check S3_ENDPOINT, S3_BUCKET and AWS_REGION.',
};
