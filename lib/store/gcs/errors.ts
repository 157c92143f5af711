/** What goes wrong with Google Cloud Storage: https://cloud.google.com/storage/docs/json_api/v1/status-codes */
import type { AppError } from '../../errors.ts';
import {
  denied,
  explain,
  explainStopped,
  type FailedRequest,
  failing,
  foreign,
  type Meaning,
  ProviderFailure,
  tooManyRequests,
  unanswered,
} from '../driver/failure.ts';
import type { Refusal } from './refusal.ts';
import type { Lost } from './wire.ts';

export interface Attempt extends FailedRequest {
  /** The right that it needs first of all: `storage.objects.get`. */
  readonly permission: string;
}

const statusPage = 'https://status.cloud.google.com';

/** The AppError for a request that got no answer. */
export function explainLost(lost: Lost, attempt: Attempt): AppError {
  const request = { ...attempt, unsure: attempt.unsure && lost.sent };
  if (lost.code === 'ABORTED') return explainStopped(request, lost);
  const meaning = unanswered(lost.code, lost.sent, 'GCS_ENDPOINT (if it is set)');
  return explain(meaning, request, new ProviderFailure(lost, { code: lost.code }));
}

/** The AppError for an answer that is no success. */
export function explainRefusal(refusal: Refusal, attempt: Attempt): AppError {
  const { status, reason, text, uploadId: requestId } = refusal;
  const isFailure = status >= 500 || status === 408;
  const cause = new ProviderFailure(text, { code: reason ?? String(status), status, requestId });
  return explain(meaningOf(refusal, attempt), { ...attempt, unsure: attempt.unsure && isFailure }, cause);
}

/** For a success that does not look like one of this API. */
export function explainForeign(attempt: Attempt): AppError {
  const cause = new ProviderFailure('The answer has not the form of the JSON API.', { code: 'unknown answer' });
  return explain(notGcs, attempt, cause);
}

function meaningOf(refusal: Refusal, { permission }: Attempt): Meaning {
  const { status } = refusal;
  if (refusal.isBusy) return tooManyRequests(refusal.retryAfterMs);
  if (status >= 500 || status === 408) return failing(statusPage, refusal.retryAfterMs);
  const byReason = reasons[refusal.reason?.toLowerCase() ?? ''];
  if (byReason) return byReason;
  if (refusal.mentions(/billing account/i)) return billing;
  if (refusal.mentions(/requester pays/i)) return requesterPays;
  if (status === 401) return unauthorized;
  if (status === 403) return forbidden(/\bstorage\.(?:objects|buckets)\.\w+/.exec(refusal.text)?.[0] ?? permission);
  if (refusal.mentions(/invalid bucket name/i)) return badName;
  if (status === 404) return refusal.isMissingBucket ? noBucket : notGcs;
  return denied('refused the request', 'Check GCS_BUCKET and the settings of the bucket (and GCS_ENDPOINT).');
}

const notGcs = foreign(
  'the JSON API of Cloud Storage',
  'Check GCS_BUCKET, and that GCS_ENDPOINT is the base URL of a JSON API of GCS; there may be a proxy in between.',
);

const billing = denied(
  'is closed: the billing account of its project is disabled or missing',
  'Enable billing for the project that owns the bucket, or set GCS_BUCKET to a bucket of another.',
);

const requesterPays = denied(
  'bills whoever asks (requester pays), which is not supported',
  'Turn off "requester pays" for the bucket, or set GCS_BUCKET to another.',
);

const apiDisabled = denied(
  'cannot be used: the Cloud Storage JSON API is not enabled in its project',
  'Enable "Google Cloud Storage JSON API" in the project.',
);

const policy = denied(
  'forbids the request by a policy of the organization',
  'Ask the administrators of the organization, or set GCS_BUCKET to a bucket of another.',
);

const retention = denied(
  'has a retention policy or a hold that forbids replacing or deleting an object',
  'Remove the retention policy, or set GCS_BUCKET to a bucket without one.',
);

const scopes = denied(
  'refused the credentials: their scope does not include Cloud Storage',
  'Set GOOGLE_APPLICATION_CREDENTIALS to the key of a service account.',
);

const unauthorized = denied(
  'does not accept the credentials',
  'Set GOOGLE_APPLICATION_CREDENTIALS to a key that is in use; check the clock of this machine, too.',
);

const badName = denied('does not exist: that is no valid name of a bucket', 'Correct GCS_BUCKET.');

const noBucket = denied(
  'does not exist: there is no such bucket',
  'Create the bucket, or correct GCS_BUCKET (and GCS_ENDPOINT).',
);

/** Overwriting takes the right to delete: https://cloud.google.com/storage/docs/access-control/iam-json */
function forbidden(permission: string): Meaning {
  return denied(
    `denied access: the account of GOOGLE_APPLICATION_CREDENTIALS lacks ${permission}`,
    'Grant it the role Storage Object User (roles/storage.objectUser) on the bucket; check GCS_BUCKET, too.',
  );
}

/** Reasons that say more than their status, in lower case: the API's own spelling varies. */
const reasons: Readonly<Record<string, Meaning>> = {
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
