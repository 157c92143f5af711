/**
 * An answer of Google Cloud Storage that is no success, taken apart.
 *
 * Owns: the forms of its errors: JSON for most requests, plain text for those that ask for an object's bytes
 * (https://cloud.google.com/storage/docs/json_api/v1/status-codes). The worst that can happen: 'no such object' read
 * out of an answer that says something else.
 */

/** Longer texts are pages of proxies. */
const maxTextChars = 300;

export class Refusal {
  readonly status: number;
  /** A web page, or nothing: not the API's own word, but that of something before it. */
  readonly isPage: boolean;
  /** The first `reason` of the error, such as `conditionNotMet`. */
  readonly reason: string | null;
  /** What the answer says, shortened, without anything that looks like a secret. */
  readonly text: string;
  readonly retryAfterMs: number | null;
  /** Google's name for the request. */
  readonly uploadId: string | null;

  constructor(status: number, body: string, header: (name: string) => string | null) {
    const error = parseError(body);
    this.status = status;
    this.reason = error.reason;
    this.isPage = body.trim() === '' || /^\s*</.test(body);
    this.text = withoutSecrets(error.message ?? (this.isPage ? `${status}, without a text of the API` : body));
    this.retryAfterMs = parseRetryAfter(header('retry-after'));
    this.uploadId = header('x-guploader-uploadid');
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

  /** The right that Google says is lacking. */
  get permission(): string | null {
    return /\bstorage\.(?:objects|buckets)\.[a-zA-Z]+/.exec(this.text)?.[0] ?? null;
  }
}

function parseError(body: string): { readonly message: string | null; readonly reason: string | null } {
  let error: unknown;
  try {
    error = field(JSON.parse(body), 'error');
  } catch {
    return { message: null, reason: null };
  }
  const [first] = listOf(field(error, 'errors'));
  const [detail] = listOf(field(error, 'details')).filter((item) => textOf(field(item, 'reason')) !== null);
  const reason = textOf(field(first, 'reason')) ?? textOf(field(detail, 'reason'));
  const isWord = reason !== null && /^\w{1,60}$/.test(reason);
  return { message: textOf(field(error, 'message')), reason: isWord ? reason : null };
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Emulators and proxies may echo a request. */
function withoutSecrets(text: string): string {
  return text
    .replace(/-----BEGIN[^]*?(-----END[^-]*-----|$)/g, '[key]')
    .replace(/\b(bearer\s+|ya29\.)[^\s"'<>]+/gi, '[token]')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, maxTextChars);
}

/** Seconds, or the date, which cannot be told without a clock and is left out. */
function parseRetryAfter(value: string | null): number | null {
  return value !== null && /^\d{1,6}$/.test(value) ? Number(value) * 1000 : null;
}
