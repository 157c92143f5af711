/**
 * What is kept of an error of the SDK: enough to find the request in the provider's logs, and no secret.
 *
 * S3 repeats in its errors what it was sent: the session token (ExpiredToken), the request with its token header
 * (SignatureDoesNotMatch). So only named fields are taken over. The worst that can happen: a secret in a log.
 */

/** An answer, or the lack of one, as the SDK tells of it. */
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

/** The error behind an `AppError` of this driver. */
export class S3Failure extends Error {
  /** Of the provider, or of the system call. */
  readonly code: string;
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  readonly extendedRequestId: string | undefined;
  readonly attempts: number | undefined;

  constructor(error: ProviderError, code: string, secrets: readonly string[]) {
    const inner = error.cause instanceof Error ? { cause: new Error(redact(error.cause.message, secrets)) } : undefined;
    super(redact(error.message, secrets), inner);
    this.name = error.name;
    this.code = code;
    this.status = statusOf(error);
    this.requestId = error.$metadata?.requestId ?? headerOf(error, 'x-amz-request-id');
    this.extendedRequestId = error.$metadata?.extendedRequestId ?? headerOf(error, 'x-amz-id-2');
    this.attempts = error.$metadata?.attempts;
    this.stack = redact(error.stack ?? '', secrets);
  }
}

export function statusOf(error: ProviderError): number | undefined {
  return error.$metadata?.httpStatusCode ?? error.$response?.statusCode;
}

export function headerOf(error: ProviderError, name: string): string | undefined {
  return error.$response?.headers?.[name];
}

function redact(text: string, secrets: readonly string[]): string {
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
}
