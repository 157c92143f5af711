/**
 * The one place where errors of the SDK become kinds.
 *
 * Owns: what an error says of the request that met it. Knows nothing of operations. The worst that can happen: a write
 * that took effect is called refused; so whatever is not a refusal by name leaves its outcome open.
 */
import { AppError } from '../../errors.ts';
import { headerOf, type ProviderError, S3Failure, statusOf } from './cause.ts';
import {
  deniedAccess,
  deniedRead,
  failedInside,
  type Meaning,
  meaningOfCode,
  noCredentials,
  notS3,
  roleRefused,
} from './meanings.ts';

/** Where and how the request was made. */
export interface RequestContext {
  /** As `Store.location`. */
  readonly location: string;
  /** As the provider calls it. */
  readonly name: string;
  readonly writes: boolean;
  /** Never to be shown. */
  readonly secrets: readonly string[];
}

/** The provider's code; for an answer without a body, one that its status stands for; else that of the system call. */
export function codeOf(error: ProviderError): string {
  if (typeof error.Code === 'string') return error.Code;
  const status = statusOf(error);
  if (status === undefined) return typeof error.code === 'string' ? error.code : error.name;
  const named = /^(Unknown|UnknownError|Error|SyntaxError|\d+)$/.test(error.name) ? undefined : error.name;
  return bareStatuses[status] ?? named ?? `HTTP ${status}`;
}

/** Answers that say all by their status. */
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

/** Whether the request that failed so may have taken effect. */
export function mayHaveHappened(error: unknown): boolean {
  if (!isProviderError(error)) return true;
  const meaning = meaningOfCode(codeOf(error));
  const status = statusOf(error);
  if (status === undefined) return !neverSent(error) && meaning === undefined;
  // An error may come in a 200: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
  return meaning === undefined && (status >= 500 || status < 300);
}

const unconnected = /^(ENOTFOUND|EAI_\w+|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|EADDRNOTAVAIL)$/;
const certificate = /CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET)|^ERR_TLS|^EPROTO$|^ERR_SSL/;

/** Whether no connection came about. */
function neverSent({ code, syscall, message }: ProviderError): boolean {
  if (syscall === 'connect' || syscall === 'getaddrinfo') return true;
  if (typeof code === 'string') return unconnected.test(code) || certificate.test(code);
  return message.includes('did not establish a connection');
}

/** The error that a caller sees. `unsure`: this attempt or one before it may have taken effect. */
export function mapError(error: ProviderError, context: RequestContext, unsure: boolean): AppError {
  const code = codeOf(error);
  const meaning = meaningOf(error, code, context);
  const cause = new S3Failure(error, code, context.secrets);
  const retryAfterMs = meaning.kind === 'unavailable' ? retryAfterOf(error, code) : undefined;
  const timing = retryAfterMs === undefined ? {} : { retryAfterMs };
  if (context.writes && unsure) return unknownOutcome(context, meaning, { cause, ...timing });
  return new AppError(meaning.kind, sentence(context, meaning, code), { cause, hint: meaning.hint, ...timing });
}

function sentence({ location, name }: RequestContext, { problem }: Meaning, code: string): string {
  return `${location} ${problem} (${name}: ${code}).`;
}

function unknownOutcome(
  { location, name }: RequestContext,
  { problem, hint }: Meaning,
  options: { readonly cause: unknown },
): AppError {
  const message = `${location} ${problem}, and whether ${name} took effect is not known.`;
  return new AppError('indeterminate', message, { ...options, hint: `Read before repeating. ${hint}` });
}

/** What a caller sees of a request that he stopped himself. */
export function stoppedError(context: RequestContext, signal: AbortSignal, unsure: boolean): AppError {
  const indeterminate = context.writes && unsure;
  const message = indeterminate
    ? `${context.name} was stopped after it was sent to ${context.location}: whether it took effect is not known.`
    : 'The operation was stopped; nothing was changed.';
  return new AppError(indeterminate ? 'indeterminate' : 'unavailable', message, { cause: signal.reason });
}

/** Wrong arguments and the like; not what happens to connections. */
const nodesOwn = /^ERR_(?!TLS|SSL|STREAM|SOCKET|HTTP)/;

/** Whether this is the SDK's word, and not a defect of ours. */
export function isProviderError(error: unknown): error is ProviderError {
  if (!(error instanceof Error)) return false;
  const isAnswer = '$metadata' in error || '$response' in error;
  const isNetwork = 'code' in error && typeof error.code === 'string' && !nodesOwn.test(error.code);
  return isAnswer || isNetwork || /^(TimeoutError|AbortError|\w*(Credentials|Token)\w*Error)$/.test(error.name);
}

function meaningOf(error: ProviderError, code: string, context: RequestContext): Meaning {
  const known = meaningOfCode(code);
  if (known?.topic === 'region') return regionMeaning(error, known);
  if (known) return known;
  const status = statusOf(error);
  if (status === undefined) return networkMeaning(error, code);
  if (/AssumeRole|WebIdentity|IdentityToken|^ExpiredTokenException|^IDP/.test(`${code} ${error.message}`))
    return roleRefused;
  if (status === 401 || status === 403) return context.writes ? deniedAccess : deniedRead;
  if (status >= 500) return failedInside;
  if (/JSON|XML|Deserialization|Syntax/i.test(error.name) || code === 'NotFound' || status < 400) return notS3;
  return { kind: 'invalid', problem: 'refused the request', hint: 'Check S3_ENDPOINT, S3_BUCKET and AWS_REGION.' };
}

/** Names the region when the provider does: in the error, or in a header. */
function regionMeaning(error: ProviderError, meaning: Meaning): Meaning {
  const given = typeof error.Region === 'string' ? error.Region : headerOf(error, 'x-amz-bucket-region');
  if (given === undefined || !/^[a-z0-9-]{2,40}$/.test(given)) return meaning;
  return { ...meaning, problem: `has its bucket in the region ${given}`, hint: `Set AWS_REGION to ${given}.` };
}

function networkMeaning(error: ProviderError, code: string): Meaning {
  if (/Credentials|Token/.test(error.name)) return noCredentials;
  if (certificate.test(code)) {
    return {
      kind: 'unavailable',
      problem: 'has a certificate that is not trusted',
      hint: 'Check S3_ENDPOINT; with dots in S3_BUCKET, set S3_FORCE_PATH_STYLE=true.',
    };
  }
  const isUnconnected = neverSent(error);
  return {
    kind: 'unavailable',
    problem: isUnconnected ? 'cannot be reached' : 'cut the connection, or took too long to answer',
    hint: isUnconnected
      ? 'Check S3_ENDPOINT (or AWS_REGION), and the network.'
      : 'Try again; if it happens often, look at the network between this machine and S3 (or S3_ENDPOINT).',
  };
}

/** The provider's word in whole seconds, or a second for one that is asked to slow down. */
function retryAfterOf(error: ProviderError, code: string): number | undefined {
  const seconds = headerOf(error, 'retry-after');
  if (seconds !== undefined && /^\d{1,4}$/.test(seconds)) return Number(seconds) * 1000;
  return meaningOfCode(code)?.topic === 'pace' ? 1000 : undefined;
}
