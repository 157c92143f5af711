/**
 * What S3's error codes mean. They are those of AWS, and of the stores that speak its protocol:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
 * A code that is not here is judged by its status: an unknown outcome that is called a refusal loses a write.
 */
import type { ErrorKind } from '../../errors.ts';
import { denied, foreign, type Meaning } from '../driver/failure.ts';

type Words = readonly [codes: string, problem: string, hint: string];

const refusals: readonly Words[] = [
  [
    'InvalidAccessKeyId Unauthorized',
    'does not know the access key',
    'Check AWS_ACCESS_KEY_ID, and that it belongs to S3_ENDPOINT if that is set.',
  ],
  [
    'SignatureDoesNotMatch InvalidSecurity',
    'refused the signature: the secret key does not belong to the access key',
    'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY again, from one and the same key, without spaces.',
  ],
  [
    'ExpiredToken TokenRefreshRequired RequestExpired',
    'refused the credentials: they have expired',
    'Temporary keys end with AWS_SESSION_TOKEN: renew all three, or use AWS_ROLE_ARN, or a key that lasts.',
  ],
  [
    'InvalidToken',
    'refused the session token',
    'AWS_SESSION_TOKEN belongs to temporary keys (ASIA…) only: remove it, or renew it together with them.',
  ],
  [
    'RequestTimeTooSkewed',
    'refused the request: the clock of this machine is wrong',
    'Set the clock of the machine (or of the server at S3_ENDPOINT); S3 accepts 15 minutes of difference.',
  ],
  [
    'NoSuchBucket',
    'does not exist: there is no such bucket',
    'Create the bucket, or correct S3_BUCKET (and AWS_REGION, S3_ENDPOINT).',
  ],
  [
    'InvalidBucketName',
    'refused the name of the bucket',
    'Correct S3_BUCKET; for stores other than AWS, try S3_FORCE_PATH_STYLE=true.',
  ],
  [
    'AccountProblem AllAccessDisabled NotSignedUp InvalidPayer',
    'is closed: there is a problem with the account',
    'Check the account with the provider: it may be suspended, unpaid, or not signed up for S3.',
  ],
  [
    'KMS.DisabledException KMS.InvalidStateException KMS.NotFoundException KMS.KMSInvalidStateException',
    'could not use the encryption key of the bucket',
    'Enable the KMS key, and allow the user of AWS_ACCESS_KEY_ID (or AWS_ROLE_ARN) kms:Decrypt and kms:GenerateDataKey.',
  ],
  [
    'NotImplemented',
    'does not implement what is needed',
    'Use a store with conditional writes (If-None-Match), such as AWS S3 or Cloudflare R2; check S3_ENDPOINT.',
  ],
  [
    'InvalidObjectState ObjectNotInActiveTierError',
    'has moved the object to an archive, from which it cannot be read',
    'Restore the object, and exempt the database from the lifecycle rules of the bucket.',
  ],
];

const outages: readonly Words[] = [
  ['ServiceUnavailable Busy', 'is not available at the moment', 'Try again later; nothing happened.'],
  [
    'QuotaExceeded StorageQuotaExceeded ServiceQuotaExceeded InsufficientStorage XMinioStorageFull XMinioAdminBucketQuotaExceeded',
    'is full: a quota or the disk is used up; nothing was written',
    'Free some space in the bucket of S3_BUCKET, or raise its quota.',
  ],
  [
    'RequestTimeout IncompleteBody BadDigest XAmzContentSHA256Mismatch',
    'did not receive the whole request; nothing was written',
    'Try again; if it happens often, check the network between this machine and S3.',
  ],
  [
    'NoSuchUpload InvalidPart',
    'no longer knows the upload that was under way',
    'Try again; check that no lifecycle rule of the bucket removes uploads within hours.',
  ],
];

const meanings = new Map<string, Meaning>([
  ...meaningsOf('denied', refusals),
  ...meaningsOf('unavailable', outages),
  ...meaningsOf('invalid', [
    ['EntityTooLarge', 'does not take an object that large', 'Make the database smaller, or use another store.'],
  ]),
]);

function meaningsOf(kind: ErrorKind, words: readonly Words[]): readonly [string, Meaning][] {
  return words.flatMap(([codes, problem, hint]) => codes.split(' ').map((code) => [code, { kind, problem, hint }]));
}

export function meaningOfCode(code: string): Meaning | undefined {
  return meanings.get(code);
}

const slowDown = /^(SlowDown|Throttling(Exception)?|TooManyRequests(Exception)?|(Request|Bandwidth)LimitExceeded)$/;
const elsewhere = /^(AuthorizationHeaderMalformed|(Permanent|Temporary)?Redirect|IllegalLocationConstraintException)$/;

export function saysSlowDown(code: string): boolean {
  return slowDown.test(code);
}

/** Whether the bucket is in another region. */
export function saysElsewhere(code: string): boolean {
  return elsewhere.test(code);
}

export function otherRegion(region: string | undefined): Meaning {
  return region !== undefined && /^[a-z0-9-]{2,40}$/.test(region)
    ? denied(`has its bucket in the region ${region}`, `Set AWS_REGION to ${region}.`)
    : denied('has its bucket in another region', 'Set AWS_REGION to the region of the bucket.');
}

/** Without the right to list, S3 says 403 for what is absent: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html */
export const deniedRead = denied(
  'denied access; it also does so for an absent object, to whoever may not list the bucket',
  'Allow s3:GetObject on the objects and s3:ListBucket on the bucket to the user of AWS_ACCESS_KEY_ID (or AWS_ROLE_ARN).',
);

export const deniedAccess = denied(
  'denied access',
  'Allow s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload on the objects, and s3:ListBucket on the bucket, to the user of AWS_ACCESS_KEY_ID (or AWS_ROLE_ARN).',
);

export const notS3 = foreign(
  'S3',
  'Check S3_ENDPOINT: it must be the base URL of an S3-compatible API, without the bucket.',
);

export const noCredentials = denied(
  'was not asked: there are no credentials',
  'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_ROLE_ARN with OIDC enabled for the Vercel project.',
);

export const roleRefused = denied(
  'was not asked: the role could not be assumed',
  'Check AWS_ROLE_ARN, and that its trust policy names the OIDC provider of Vercel, the team and the project.',
);

export const refused: Meaning = {
  kind: 'invalid',
  problem: 'refused the request',
  hint: 'Check S3_ENDPOINT, S3_BUCKET and AWS_REGION.',
};
