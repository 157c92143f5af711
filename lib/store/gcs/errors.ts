/**
 * What goes wrong with Google Cloud Storage, as kinds, messages and hints; mapped here and nowhere else.
 *
 * Owns: the reading of Google's answers: https://cloud.google.com/storage/docs/json_api/v1/status-codes
 * The worst that can happen: a bucket that is missing, or a right that is missing, read as 'there is no such object';
 * and a secret in an error. So absence is recognised by its own text only, and errors are built from chosen words of an
 * answer, never from an error or answer as it came.
 */
import { AppError, type AppErrorOptions, type ErrorKind } from '../../errors.ts';
import type { Refusal } from './refusal.ts';
import type { Lost } from './wire.ts';

/** What was tried, for the messages. */
export interface Attempt {
  readonly bucket: string;
  readonly endpoint: string | null;
  /** The right that it needs first of all: `storage.objects.get`. */
  readonly permission: string;
  /** Whether it changes something visible, so that without an answer its outcome is unknown. */
  readonly commits: boolean;
}

/** What is kept of a failure as an error's cause: enough to ask Google about it, and no secret. */
class GcsFailure extends Error {
  override readonly name = 'GcsFailure';
  readonly code: string | number;
  readonly reason: string | null;
  /** Google's name for the request, for its support. */
  readonly uploadId: string | null;

  constructor(code: string | number, reason: string | null, text: string, uploadId: string | null = null) {
    super(text);
    this.code = code;
    this.reason = reason;
    this.uploadId = uploadId;
  }
}

/** The AppError for a request that got no answer. */
export function explainLost(lost: Lost, attempt: Attempt): AppError {
  const cause = new GcsFailure(lost.code, null, lost.message);
  if (attempt.commits && lost.sent) return unknownOutcome(attempt, `no answer came (${lost.code})`, cause);
  if (lost.code === 'ABORTED') {
    return new AppError('unavailable', 'The operation was stopped; nothing was changed.', { cause });
  }
  if (/CERT|TLS|SSL|EPROTO|UNABLE_TO_/.test(lost.code)) return explainTls(attempt, cause);
  const hint = attempt.endpoint === null ? 'Check the network, and https://status.cloud.google.com.' : checkEndpoint;
  return new AppError('unavailable', `${place(attempt)} could not be reached (${lost.code}).`, { cause, hint });
}

const checkEndpoint = 'Check that GCS_ENDPOINT is right, and that it answers.';

function explainTls(attempt: Attempt, cause: Error): AppError {
  return new AppError('unavailable', `${place(attempt)} offers no TLS connection that is trusted.`, {
    cause,
    hint: 'Check GCS_ENDPOINT and the clock of this machine; a proxy may stand in between.',
  });
}

/** The AppError for an answer that is no success. */
export function explainRefusal(refusal: Refusal, attempt: Attempt): AppError {
  const { status, reason, uploadId } = refusal;
  const cause = new GcsFailure(status, reason, refusal.text, uploadId);
  if (refusal.isBusy) return explainBusy(refusal, attempt, cause);
  if (status >= 500 || status === 408) return explainOutage(refusal, attempt, cause);
  const meaning = meaningOf(refusal, attempt);
  const [kind, message, hint] = meaning;
  return new AppError(kind, message, { cause, hint });
}

function explainBusy({ retryAfterMs }: Refusal, attempt: Attempt, cause: Error): AppError {
  return new AppError('unavailable', `${place(attempt)} asks for fewer requests at a time.`, {
    cause,
    hint: 'It passes by itself; if it lasts, look at the quotas of the Google Cloud project; reads ask less often with a larger DB_MAX_STALENESS_MS.',
    ...after(retryAfterMs),
  });
}

/**
 * Google does not say whether a write that it answered with 5xx took effect:
 * https://cloud.google.com/storage/docs/retry-strategy
 */
function explainOutage({ status, retryAfterMs }: Refusal, attempt: Attempt, cause: Error): AppError {
  if (attempt.commits) return unknownOutcome(attempt, `it was answered ${status}`, cause, retryAfterMs);
  return new AppError('unavailable', `${place(attempt)} is not available now (${status}).`, {
    cause,
    hint: attempt.endpoint === null ? 'Look at https://status.cloud.google.com.' : checkEndpoint,
    ...after(retryAfterMs),
  });
}

/** A write that may or may not have taken effect. */
export function unknownOutcome(attempt: Attempt, why: string, cause?: Error, retryAfterMs?: number | null): AppError {
  return new AppError('indeterminate', `A write to ${place(attempt)} may or may not have happened: ${why}.`, {
    cause,
    hint: 'Read what is there before you repeat it.',
    ...after(retryAfterMs ?? null),
  });
}

function after(retryAfterMs: number | null): AppErrorOptions {
  return retryAfterMs === null ? {} : { retryAfterMs };
}

function place({ bucket, endpoint }: Attempt): string {
  return endpoint === null ? `Google Cloud Storage (bucket ${bucket})` : `the bucket ${bucket} at ${endpoint}`;
}

type Meaning = readonly [kind: ErrorKind, message: string, hint: string];

/** Reasons that say more than their status; in the JSON API's words, which differ in case from time to time. */
const meanings: Readonly<Record<string, (attempt: Attempt) => Meaning>> = {
  userprojectaccountproblem: billing,
  accountdisabled: billing,
  billingdisabled: billing,
  userprojectmissing: requesterPays,
  accessnotconfigured: apiDisabled,
  service_disabled: apiDisabled,
  orgpolicyconstraintfailed: policy,
  retentionpolicynotmet: retention,
  objectunderactivehold: retention,
  insufficientpermissions: scopes,
  access_token_scope_insufficient: scopes,
};

function meaningOf(refusal: Refusal, attempt: Attempt): Meaning {
  const byReason = meanings[refusal.reason?.toLowerCase() ?? ''];
  if (byReason) return byReason(attempt);
  if (refusal.mentions(/billing account/i)) return billing(attempt);
  if (refusal.mentions(/requester pays/i)) return requesterPays(attempt);
  if (refusal.status === 401) return unauthorized(attempt);
  if (refusal.status === 403) return forbidden(refusal.permission ?? attempt.permission, attempt);
  if (refusal.mentions(/invalid bucket name/i)) return badBucketName(attempt);
  if (refusal.status === 404) return refusal.isMissingBucket ? noBucket(attempt) : strangeAbsence(attempt);
  return [
    'denied',
    `${place(attempt)} refused a request (${refusal.status}${refusal.reason === null ? '' : `, ${refusal.reason}`}).`,
    attempt.endpoint === null ? 'Check GCS_BUCKET and the settings of the bucket.' : checkEndpoint,
  ];
}

function billing({ bucket }: Attempt): Meaning {
  return [
    'denied',
    `Google has closed the bucket ${bucket}: the billing account of its project is disabled or missing.`,
    'Enable billing for the project that owns the bucket, or set GCS_BUCKET to a bucket of another.',
  ];
}

function requesterPays({ bucket }: Attempt): Meaning {
  return [
    'denied',
    `The bucket ${bucket} bills whoever asks (requester pays), which is not supported.`,
    'Turn off "requester pays" for the bucket, or set GCS_BUCKET to another.',
  ];
}

function apiDisabled({ bucket }: Attempt): Meaning {
  return [
    'denied',
    `The Cloud Storage JSON API is not enabled in the project of the bucket ${bucket}.`,
    'Enable "Google Cloud Storage JSON API" in the project.',
  ];
}

function policy({ bucket }: Attempt): Meaning {
  return [
    'denied',
    `A policy of the organization forbids this use of the bucket ${bucket}.`,
    'Ask the administrators of the organization, or set GCS_BUCKET to a bucket of another.',
  ];
}

function retention({ bucket }: Attempt): Meaning {
  return [
    'denied',
    `The bucket ${bucket} has a retention policy or a hold that forbids to replace or delete an object.`,
    'Remove the retention policy, or set GCS_BUCKET to a bucket without one.',
  ];
}

function scopes({ bucket }: Attempt): Meaning {
  return [
    'denied',
    `The credentials are not meant for Cloud Storage (bucket ${bucket}): their scope does not include it.`,
    'Set GOOGLE_APPLICATION_CREDENTIALS to the key of a service account.',
  ];
}

function unauthorized(attempt: Attempt): Meaning {
  return [
    'denied',
    `${place(attempt)} does not accept the credentials.`,
    'Set GOOGLE_APPLICATION_CREDENTIALS to a key that is in use; look at the clock of this machine, too.',
  ];
}

/** Overwriting takes the right to delete: https://cloud.google.com/storage/docs/access-control/iam-json */
function forbidden(permission: string, { bucket }: Attempt): Meaning {
  return [
    'denied',
    `The account of GOOGLE_APPLICATION_CREDENTIALS may not use the bucket ${bucket}: it lacks ${permission}.`,
    `Grant it the role Storage Object User (roles/storage.objectUser) on the bucket; check GCS_BUCKET, too.`,
  ];
}

function badBucketName({ bucket }: Attempt): Meaning {
  return ['denied', `${JSON.stringify(bucket)} cannot be a bucket's name.`, 'Correct GCS_BUCKET.'];
}

function noBucket(attempt: Attempt): Meaning {
  return [
    'denied',
    `There is no bucket ${attempt.bucket}${attempt.endpoint === null ? '' : ` at ${attempt.endpoint}`}.`,
    'Create it, or correct GCS_BUCKET.',
  ];
}

function strangeAbsence(attempt: Attempt): Meaning {
  return [
    'unavailable',
    `${place(attempt)} answered 404, but says neither that the object nor that the bucket is missing.`,
    attempt.endpoint === null ? 'Check GCS_BUCKET.' : 'Check that GCS_ENDPOINT is the base URL of a JSON API of GCS.',
  ];
}
