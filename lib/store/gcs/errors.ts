/** https://cloud.google.com/storage/docs/json_api/v1/status-codes */
import type { AppError } from '../../errors.ts';
import {
  denied,
  explain,
  explainStopped,
  type FailedRequest,
  failing,
  foreign,
  garbled,
  meaningsOf,
  type Meaning,
  parseRetryAfter,
  ProviderFailure,
  redact,
  tooManyRequests,
  unanswered,
} from '../driver/failure.ts';
import type { ObjectInfo } from '../store.ts';
import type { Lost, WireAnswer } from './wire.ts';

export interface GcsAttempt extends FailedRequest {
  readonly permission: string;
}

const statusPage = 'https://status.cloud.google.com';

export function explainLost(lost: Lost, attempt: GcsAttempt): AppError {
  const request = { ...attempt, unsure: attempt.unsure && lost.sent };
  if (lost.code === 'ABORTED') return explainStopped(request, lost);
  const meaning = unanswered(lost.code, lost.sent, 'GCS_ENDPOINT (if it is set)');
  return explain(meaning, request, new ProviderFailure(lost, { code: lost.code }));
}

export function explainRefusal(refusal: GcsRefusal, attempt: GcsAttempt): AppError {
  const { status, reason, text, uploadId: requestId } = refusal;
  const isFailure = status >= 500 || status === 408;
  const cause = new ProviderFailure(text, { code: reason ?? String(status), status, requestId });
  return explain(meaningOf(refusal, attempt), { ...attempt, unsure: attempt.unsure && isFailure }, cause);
}

/** A web page comes from something else than the API, and so will the next. */
export function explainForeign(attempt: GcsAttempt, isPage: boolean): AppError {
  const cause = new ProviderFailure('The answer has not the form of the JSON API.', { code: 'unknown answer' });
  return explain(isPage ? notGcs : garbled(jsonApi, gcsHint), attempt, cause);
}

function meaningOf(refusal: GcsRefusal, { permission }: GcsAttempt): Meaning {
  const { status } = refusal;
  if (refusal.isBusy) return tooManyRequests(refusal.retryAfterMs);
  if (status >= 500 || status === 408) return failing(statusPage, refusal.retryAfterMs);
  const known = meanings.get(refusal.reason?.toLowerCase() ?? '') ?? meanings.get(namedBy(refusal));
  if (known) return known;
  if (status === 404) return notGcs;
  return forbidden(/\bstorage\.(?:objects|buckets)\.\w+/.exec(refusal.text)?.[0] ?? permission);
}

/** Empty for a denied access, and for a 404 that is not the API's. */
function namedBy(refusal: GcsRefusal): string {
  const { status } = refusal;
  if (refusal.mentions(/billing account/i)) return 'billingdisabled';
  if (refusal.mentions(/requester pays/i)) return 'userprojectmissing';
  if (status === 401) return 'UNAUTHORIZED';
  if (status === 403) return '';
  if (refusal.mentions(/invalid bucket name/i)) return 'BAD_NAME';
  if (status === 404) return refusal.isMissingBucket ? 'NO_BUCKET' : '';
  return 'OTHER';
}

const jsonApi = 'the JSON API of Cloud Storage';
const gcsHint =
  'Check GCS_BUCKET, and that GCS_ENDPOINT is the base URL of a JSON API of GCS; there may be a proxy in between.';
const notGcs = foreign(jsonApi, gcsHint);

/** Overwriting takes the right to delete: https://cloud.google.com/storage/docs/access-control/iam-json */
function forbidden(permission: string): Meaning {
  return denied(
    `denied access: the account of GOOGLE_APPLICATION_CREDENTIALS lacks ${permission}`,
    'Grant it the role Storage Object User (roles/storage.objectUser) on the bucket; check GCS_BUCKET, too.',
  );
}

/** By reasons, in lower case since the API's own spelling varies, and by names of ours for what has none. */
const meanings = new Map(
  meaningsOf(
    'denied',
    `
  billingdisabled accountdisabled userprojectaccountproblem: is closed: the billing account of its project is disabled or missing
    Enable billing for the project that owns the bucket, or set GCS_BUCKET to a bucket of another.
  userprojectmissing: bills whoever asks (requester pays), which is not supported
    Turn off "requester pays" for the bucket, or set GCS_BUCKET to another.
  accessnotconfigured service_disabled: cannot be used: the Cloud Storage JSON API is not enabled in its project
    Enable "Google Cloud Storage JSON API" in the project.
  orgpolicyconstraintfailed: forbids the request by a policy of the organization
    Ask the administrators of the organization, or set GCS_BUCKET to a bucket of another.
  retentionpolicynotmet objectunderactivehold: has a retention policy or a hold that forbids replacing or deleting an object
    Remove the retention policy, or set GCS_BUCKET to a bucket without one.
  insufficientpermissions access_token_scope_insufficient: refused the credentials: their scope does not include Cloud Storage
    Set GOOGLE_APPLICATION_CREDENTIALS to the key of a service account.
  UNAUTHORIZED: does not accept the credentials
    Set GOOGLE_APPLICATION_CREDENTIALS to a key that is in use; check the clock of this machine, too.
  BAD_NAME: does not exist: that is no valid name of a bucket
    Correct GCS_BUCKET.
  NO_BUCKET: does not exist: there is no such bucket
    Create the bucket, or correct GCS_BUCKET (and GCS_ENDPOINT).
  OTHER: refused the request
    Check GCS_BUCKET and the settings of the bucket (and GCS_ENDPOINT).`,
  ),
);

export class GcsRefusal {
  readonly status: number;
  /** A web page, or nothing: not the API's own word, but that of something before it. */
  readonly isPage: boolean;
  readonly reason: string | null;
  /** What the answer says, shortened and without secrets: emulators and proxies may echo a request. */
  readonly text: string;
  readonly retryAfterMs: number | undefined;
  readonly uploadId: string | undefined;

  constructor({ status, header, body: bytes }: WireAnswer) {
    const body = new TextDecoder().decode(bytes);
    const error = field(parseJson(body), 'error');
    this.status = status;
    this.reason = reasonOf(error);
    this.isPage = body.trim() === '' || /^\s*</.test(body);
    const own = this.isPage ? `${status}, without a text of the API` : body;
    this.text = redact(textOf(field(error, 'message')) ?? own);
    this.retryAfterMs = parseRetryAfter(header('retry-after'));
    this.uploadId = header('x-guploader-uploadid') ?? undefined;
  }

  mentions(pattern: RegExp): boolean {
    return pattern.test(this.text);
  }

  /** The store's own word that there is no such object. A missing bucket has the same status and reason. */
  get isMissingObject(): boolean {
    return this.status === 404 && this.mentions(/^No such object: /);
  }

  get isMissingBucket(): boolean {
    return this.status === 404 && this.mentions(/bucket does not exist/i);
  }

  /** The condition of a create was not met: some object has the key. Policies are refused with 412, too. */
  get isConditionNotMet(): boolean {
    return this.status === 412 && (this.reason === 'conditionNotMet' || (this.reason === null && !this.isPage));
  }

  /** Too many requests, also in the 403 that older quotas answer. */
  get isBusy(): boolean {
    return this.status === 429 || (this.status === 403 && /^(user)?ratelimitexceeded$/i.test(this.reason ?? ''));
  }
}

function reasonOf(error: unknown): string | null {
  const [errors, details] = [field(error, 'errors'), field(error, 'details')];
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  const reasons = [first, ...(Array.isArray(details) ? details : [])].map((each) => textOf(field(each, 'reason')));
  const reason = reasons.find((each) => each !== null) ?? null;
  return reason !== null && /^\w{1,60}$/.test(reason) ? reason : null;
}

export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

export function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

interface ObjectPage {
  readonly objects: readonly ObjectInfo[];
  readonly nextPageToken: string | null;
}

/** Null for what is no object. The time is that of the bytes: `updated` follows changes of the metadata, too. */
export function infoOf(resource: unknown): ObjectInfo | null {
  const key = textOf(field(resource, 'name'));
  const size = Number(field(resource, 'size') ?? Number.NaN);
  const modifiedAt = new Date(String(field(resource, 'timeCreated')));
  if (key === null || !Number.isSafeInteger(size) || Number.isNaN(modifiedAt.getTime())) return null;
  return { key, size, modifiedAt };
}

/**
 * Null for what is no page: a page of something else must not be read as an empty bucket. Without objects there are no
 * `items`.
 */
export function pageOf(resource: unknown): ObjectPage | null {
  const items = field(resource, 'items') ?? [];
  if (field(resource, 'kind') !== 'storage#objects' || !Array.isArray(items)) return null;
  const objects = items.map((item) => infoOf(item)).filter((info) => info !== null);
  if (objects.length < items.length) return null;
  return { objects, nextPageToken: textOf(field(resource, 'nextPageToken')) || null };
}

export function isWritten(resource: unknown, key: string, size: number): boolean {
  return field(resource, 'name') === key && Number(field(resource, 'size')) === size;
}
