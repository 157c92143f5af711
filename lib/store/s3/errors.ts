/** What an error of the AWS SDK says of the request that met it. */
import type { AppError } from '../../errors.ts';
import {
  explain,
  type FailedRequest,
  failing,
  isUnconnected,
  type Meaning,
  ProviderFailure,
  parseRetryAfter,
  tooManyRequests,
  unanswered,
} from '../driver/failure.ts';
import * as meanings from './meanings.ts';

/** An answer, or the lack of one, in the SDK's form. */
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

/** Whether this is the SDK's word, and not a defect of ours. */
export function isProviderError(error: unknown): error is ProviderError {
  if (!(error instanceof Error)) return false;
  const isAnswer = '$metadata' in error || '$response' in error;
  const isNetwork = 'code' in error && typeof error.code === 'string' && !nodesOwn.test(error.code);
  return isAnswer || isNetwork || /^(TimeoutError|AbortError|\w*(Credentials|Token)\w*Error)$/.test(error.name);
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
  if (meanings.saysSlowDown(code) || meanings.saysElsewhere(code) || meanings.meaningOfCode(code)) return false;
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
  if (meanings.saysSlowDown(code)) return tooManyRequests(afterMs ?? 1000);
  if (meanings.saysElsewhere(code)) {
    return meanings.otherRegion(typeof error.Region === 'string' ? error.Region : headers['x-amz-bucket-region']);
  }
  const known = meanings.meaningOfCode(code);
  if (known) return known.kind === 'unavailable' ? { ...known, retryAfterMs: afterMs } : known;
  const status = statusOf(error);
  if (status === undefined) {
    if (/Credentials|Token/.test(error.name)) return meanings.noCredentials;
    return unanswered(code, !neverSent(error), 'S3_ENDPOINT (or AWS_REGION)');
  }
  if (/AssumeRole|WebIdentity|IdentityToken|^ExpiredTokenException|^IDP/.test(`${code} ${error.message}`)) {
    return meanings.roleRefused;
  }
  if (status === 401 || status === 403) return writes ? meanings.deniedAccess : meanings.deniedRead;
  if (status >= 500) return failing('the status page of the provider', afterMs);
  const isOther = /JSON|XML|Deserialization|Syntax/i.test(error.name) || code === 'NotFound' || status < 400;
  return isOther ? meanings.notS3 : meanings.refused;
}
