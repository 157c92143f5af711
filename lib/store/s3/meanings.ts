/**
 * What S3's error codes mean: a kind, a sentence, and what to do about it.
 *
 * Owns: the words. Knows nothing of the SDK. Codes are those of AWS, and of the stores that speak its protocol:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
 * The worst that can happen: a refusal for good that is called an outage is tried again for ever; an unknown outcome
 * that is called a refusal loses a write. A code that is not here is judged by its status.
 */
import type { ErrorKind } from '../../errors.ts';

export interface Meaning {
  readonly kind: ErrorKind;
  /** Goes on after the store's name. */
  readonly problem: string;
  readonly hint: string;
  /** What the answer itself may tell more of: which region, how long to wait. */
  readonly topic?: 'region' | 'pace';
}

const wrongKey: Meaning = {
  kind: 'denied',
  problem: 'does not know the access key',
  hint: 'Check AWS_ACCESS_KEY_ID, and that it belongs to S3_ENDPOINT if that is set.',
};

const wrongSecret: Meaning = {
  kind: 'denied',
  problem: 'refused the signature: the secret key does not belong to the access key',
  hint: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY anew, from one and the same key, without spaces.',
};

const expired: Meaning = {
  kind: 'denied',
  problem: 'refused the credentials: they have expired',
  hint: 'Temporary keys end with AWS_SESSION_TOKEN: renew all three, or use AWS_ROLE_ARN, or a key that lasts.',
};

const wrongToken: Meaning = {
  kind: 'denied',
  problem: 'refused the session token',
  hint: 'AWS_SESSION_TOKEN belongs to temporary keys (ASIA…) only: remove it, or set it anew together with them.',
};

const clock: Meaning = {
  kind: 'denied',
  problem: 'refused the request: the clock of this machine is wrong',
  hint: 'Set the clock of the machine (or of the server at S3_ENDPOINT); S3 accepts 15 minutes of difference.',
};

const region: Meaning = {
  kind: 'denied',
  problem: 'has its bucket in another region',
  hint: 'Set AWS_REGION to the region of the bucket.',
  topic: 'region',
};

const noBucket: Meaning = {
  kind: 'denied',
  problem: 'does not exist: there is no such bucket',
  hint: 'Create the bucket, or correct S3_BUCKET (and AWS_REGION, S3_ENDPOINT).',
};

const badBucket: Meaning = {
  kind: 'denied',
  problem: 'refused the name of the bucket',
  hint: 'Correct S3_BUCKET; for stores other than AWS, try S3_FORCE_PATH_STYLE=true.',
};

const account: Meaning = {
  kind: 'denied',
  problem: 'is closed: something is wrong with the account',
  hint: 'Look into the account of the provider: it may be suspended, unpaid, or not signed up for S3.',
};

const slowDown: Meaning = {
  kind: 'unavailable',
  problem: 'asked to slow down: too many requests',
  hint: 'Try again later; nothing happened. Reads ask less often with a larger DB_MAX_STALENESS_MS.',
  topic: 'pace',
};

const busy: Meaning = {
  kind: 'unavailable',
  problem: 'is not available at the moment',
  hint: 'Try again later; nothing happened.',
};

const full: Meaning = {
  kind: 'unavailable',
  problem: 'is full: a quota or the disk is used up; nothing was written',
  hint: 'Free some room in the bucket of S3_BUCKET, or raise its quota.',
};

const encryption: Meaning = {
  kind: 'denied',
  problem: 'could not use the encryption key of the bucket',
  hint: 'Enable the KMS key, and allow the user of AWS_ACCESS_KEY_ID (or AWS_ROLE_ARN) kms:Decrypt and kms:GenerateDataKey.',
};

const notSupported: Meaning = {
  kind: 'denied',
  problem: 'does not implement what is needed',
  hint: 'Use a store with conditional writes (If-None-Match), such as AWS S3 or Cloudflare R2; check S3_ENDPOINT.',
};

const tooLarge: Meaning = {
  kind: 'invalid',
  problem: 'does not take an object that large',
  hint: 'Make the database smaller, or use a store with a higher limit.',
};

const interrupted: Meaning = {
  kind: 'unavailable',
  problem: 'did not receive the whole request; nothing was written',
  hint: 'Try again; if it happens often, look at the network between this machine and S3.',
};

const uploadGone: Meaning = {
  kind: 'unavailable',
  problem: 'no longer knows the upload that was under way',
  hint: 'Try again; see that no lifecycle rule of the bucket removes uploads within hours.',
};

const archived: Meaning = {
  kind: 'denied',
  problem: 'has moved the object to an archive, from which it cannot be read',
  hint: 'Restore the object, and exempt the database from the lifecycle rules of the bucket.',
};

/** The request may have taken effect, or not. */
export const failedInside: Meaning = {
  kind: 'unavailable',
  problem: 'failed inside',
  hint: 'Try again; if it goes on, look at the health page of the provider.',
};

/** Without the right to list, S3 says 403 for what is absent: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html */
export const deniedRead: Meaning = {
  kind: 'denied',
  problem: 'denied access; it says so, too, of an object that is absent to whoever may not list the bucket',
  hint: 'Allow s3:GetObject on the objects and s3:ListBucket on the bucket to the user of AWS_ACCESS_KEY_ID (or AWS_ROLE_ARN).',
};

export const deniedAccess: Meaning = {
  kind: 'denied',
  problem: 'denied access',
  hint: 'Allow s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload on the objects, and s3:ListBucket on the bucket, to the user of AWS_ACCESS_KEY_ID (or AWS_ROLE_ARN).',
};

/** Perhaps a gateway for a moment, perhaps something else for ever. */
export const notS3: Meaning = {
  kind: 'unavailable',
  problem: 'does not answer as S3 does',
  hint: 'Check S3_ENDPOINT: it must be the base URL of an S3-compatible API, without the bucket.',
};

export const noCredentials: Meaning = {
  kind: 'denied',
  problem: 'could not be asked: there are no credentials',
  hint: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_ROLE_ARN with OIDC enabled for the Vercel project.',
};

export const roleRefused: Meaning = {
  kind: 'denied',
  problem: 'could not be asked: the role could not be assumed',
  hint: 'Check AWS_ROLE_ARN, and that its trust policy names the OIDC provider of Vercel, the team and the project.',
};

const meanings = new Map<string, Meaning>([
  ['InvalidAccessKeyId', wrongKey],
  ['Unauthorized', wrongKey],
  ['SignatureDoesNotMatch', wrongSecret],
  ['InvalidSecurity', wrongSecret],
  ['AuthorizationHeaderMalformed', region],
  ['ExpiredToken', expired],
  ['TokenRefreshRequired', expired],
  ['RequestExpired', expired],
  ['InvalidToken', wrongToken],
  ['RequestTimeTooSkewed', clock],
  ['PermanentRedirect', region],
  ['TemporaryRedirect', region],
  ['Redirect', region],
  ['IllegalLocationConstraintException', region],
  ['NoSuchBucket', noBucket],
  ['InvalidBucketName', badBucket],
  ['AccountProblem', account],
  ['AllAccessDisabled', account],
  ['NotSignedUp', account],
  ['InvalidPayer', account],
  ['SlowDown', slowDown],
  ['Throttling', slowDown],
  ['ThrottlingException', slowDown],
  ['TooManyRequests', slowDown],
  ['TooManyRequestsException', slowDown],
  ['RequestLimitExceeded', slowDown],
  ['BandwidthLimitExceeded', slowDown],
  ['ServiceUnavailable', busy],
  ['Busy', busy],
  ['QuotaExceeded', full],
  ['StorageQuotaExceeded', full],
  ['ServiceQuotaExceeded', full],
  ['InsufficientStorage', full],
  ['XMinioStorageFull', full],
  ['XMinioAdminBucketQuotaExceeded', full],
  ['KMS.DisabledException', encryption],
  ['KMS.InvalidStateException', encryption],
  ['KMS.NotFoundException', encryption],
  ['KMS.KMSInvalidStateException', encryption],
  ['NotImplemented', notSupported],
  ['EntityTooLarge', tooLarge],
  ['RequestTimeout', interrupted],
  ['IncompleteBody', interrupted],
  ['BadDigest', interrupted],
  ['XAmzContentSHA256Mismatch', interrupted],
  ['NoSuchUpload', uploadGone],
  ['InvalidPart', uploadGone],
  ['InvalidObjectState', archived],
  ['ObjectNotInActiveTierError', archived],
]);

export function meaningOfCode(code: string): Meaning | undefined {
  return meanings.get(code);
}
