/**
 * An answer of Google Cloud Storage that is no success: JSON for most requests, plain text for those that ask for an
 * object's bytes. https://cloud.google.com/storage/docs/json_api/v1/status-codes
 */
import { parseRetryAfter, redact } from '../driver/failure.ts';
import type { ObjectInfo } from '../store.ts';
import type { WireAnswer } from './wire.ts';

export class Refusal {
  readonly status: number;
  /** A web page, or nothing: not the API's own word, but that of something before it. */
  readonly isPage: boolean;
  /** The first `reason` of the error, such as `conditionNotMet`. */
  readonly reason: string | null;
  /** What the answer says, shortened and without secrets: emulators and proxies may echo a request. */
  readonly text: string;
  readonly retryAfterMs: number | undefined;
  /** Google's name for the request. */
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

/** Null for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not quoted: it may be anything.
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

/** Null for what is no page of objects. A page without objects has no `items`. */
export function pageOf(resource: unknown): ObjectPage | null {
  const items = field(resource, 'items') ?? [];
  if (field(resource, 'kind') !== 'storage#objects' || !Array.isArray(items)) return null;
  const objects = items.map((item) => infoOf(item)).filter((info) => info !== null);
  if (objects.length < items.length) return null;
  return { objects, nextPageToken: textOf(field(resource, 'nextPageToken')) || null };
}

/** Whether a resource is the object that was written. */
export function isWritten(resource: unknown, key: string, size: number): boolean {
  return field(resource, 'name') === key && Number(field(resource, 'size')) === size;
}
