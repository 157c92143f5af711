import { AppError, type ErrorKind } from '../../errors.ts';

export interface Meaning {
  readonly kind: ErrorKind;
  readonly problem: string;
  readonly hint: string;
  readonly retryAfterMs?: number | undefined;
}

export function denied(problem: string, hint: string): Meaning {
  return { kind: 'denied', problem, hint };
}

export function unavailable(problem: string, hint: string, afterMs?: number): Meaning {
  return { kind: 'unavailable', problem, hint, retryAfterMs: afterMs };
}

/**
 * Meanings by code, from pairs of lines: codes and what is the matter, then what to do.
 *
 * @example meaningsOf('denied', `Code OtherCode: refused the token\n Renew it.`)
 */
export function meaningsOf(kind: ErrorKind, text: string): readonly (readonly [code: string, meaning: Meaning])[] {
  const pairs = text.trim().matchAll(/^([\w. ]+): (.+)\n\s*(.+)/gm);
  return [...pairs].flatMap(([, codes = '', problem = '', hint = '']) =>
    codes
      .trim()
      .split(' ')
      .map((code) => [code, { kind, problem, hint }] as const),
  );
}

export interface FailedRequest {
  readonly location: string;
  readonly name: string;
  /** Whether it may have changed what others see, in this attempt or one before it. */
  readonly unsure: boolean;
}

export function explain(meaning: Meaning, { location, name, unsure }: FailedRequest, cause: ProviderFailure): AppError {
  const { kind, problem, hint, retryAfterMs } = meaning;
  const timing = retryAfterMs === undefined ? {} : { retryAfterMs };
  if (!unsure)
    return new AppError(kind, `${location} ${problem} (${name}: ${cause.code}).`, { cause, hint, ...timing });
  const message = `${location} ${problem}; whether ${name} took effect is not known.`;
  return new AppError('indeterminate', message, { cause, hint: `Read before you repeat it. ${hint}`, ...timing });
}

export function explainStopped({ location, name, unsure }: FailedRequest, cause: unknown): AppError {
  if (!unsure) return new AppError('unavailable', 'The operation was stopped; nothing was changed.', { cause });
  const message = `${name} was stopped after it was sent to ${location}; whether it took effect is not known.`;
  return new AppError('indeterminate', message, { cause });
}

export interface FailureDetails {
  readonly code: string;
  readonly status?: number | undefined;
  readonly requestId?: string | undefined;
  readonly extendedRequestId?: string | undefined;
  readonly attempts?: number | undefined;
}

/**
 * What is kept of a provider's error as the cause. Providers and SDKs repeat what they were sent, tokens and signed
 * requests included: so only named fields and texts without secrets are taken over.
 */
export class ProviderFailure extends Error {
  override readonly name = 'ProviderFailure';
  declare readonly code: string;
  declare readonly status: number | undefined;

  constructor(error: unknown, details: FailureDetails, secrets: readonly string[] = []) {
    const { message, cause } = error instanceof Error ? error : { message: String(error), cause: undefined };
    super(
      redact(message, secrets),
      cause instanceof Error ? { cause: new Error(redact(cause.message, secrets)) } : undefined,
    );
    Object.assign(this, details);
  }
}

const tokens =
  /-----BEGIN[^]*?(?:-----END[^-]*-----|$)|\bbearer\s+[^\s"',<>]+|\bya29\.[^\s"'<>]+|vercel_blob_\w+|\beyJ[\w-]+\.[\w-]+\.[\w-]*/gi;

const maxTextChars = 300;

export function redact(text: string, secrets: readonly string[] = []): string {
  const shown = secrets.reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
  return shown.replaceAll(tokens, '***').replace(/\s+/g, ' ').trim().slice(0, maxTextChars);
}

/** Whole seconds. A date says nothing without a clock. */
export function parseRetryAfter(header: string | null | undefined): number | undefined {
  return header && /^\d{1,6}$/.test(header) ? Number(header) * 1000 : undefined;
}

export function tooManyRequests(afterMs: number | undefined): Meaning {
  const hint =
    'Try again later; nothing was changed. A larger DB_MAX_STALENESS_MS makes reads ask the store less often.';
  return unavailable('asked to slow down: too many requests', hint, afterMs);
}

export function failing(statusPage: string, afterMs?: number): Meaning {
  return unavailable('failed with an internal error', `Try again; if it lasts, see ${statusPage}.`, afterMs);
}

/** A garbled answer may be temporary; one to a request at the wrong address needs a correction of the address. */
export function garbled(api: string, hint: string): Meaning {
  return unavailable(`does not answer as ${api} does`, hint);
}

export function foreign(api: string, hint: string): Meaning {
  return denied(`does not answer as ${api} does`, hint);
}

const unconnected =
  /^(ENOTFOUND|EAI_\w+|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|EADDRNOTAVAIL|UND_ERR_CONNECT_TIMEOUT)$/;
const certificate = /CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET)|^ERR_TLS|^EPROTO$|^ERR_SSL/;

/** Whether a system call's or Node's code says that no connection came about, so that nothing was sent. */
export function isUnconnected(code: string): boolean {
  return unconnected.test(code) || certificate.test(code);
}

export function unanswered(code: string, wasSent: boolean, address: string): Meaning {
  if (certificate.test(code)) {
    const hint = `Check ${address} and the clock of this machine; there may be a proxy in between.`;
    return denied('has a TLS certificate that is not trusted', hint);
  }
  if (code === 'ENOTFOUND') return denied('has an address that does not exist', `Correct ${address}.`);
  if (!wasSent) return unavailable('cannot be reached', `Check ${address}, and the network.`);
  const hint = `Try again; if it happens often, check the network, and ${address}.`;
  return unavailable('cut the connection, or took too long to answer', hint);
}
