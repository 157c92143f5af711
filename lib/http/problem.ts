/**
 * Errors as clients see them: RFC 9457 problem details. The one map from kinds of errors to statuses.
 *
 * Of what went wrong behind the request it learns the kind alone; the log has the rest.
 */
import { AppError, type AppErrorOptions, type ErrorKind, type FieldError } from '../errors.ts';
import { PreconditionFailed } from '../rows/version.ts';

const errorPage = 'https://github.com/eider-db/eider/blob/main/docs/errors.md';

type RequestStatus = 400 | 401 | 403 | 404 | 405 | 406 | 410 | 413 | 414 | 415 | 431 | 503 | 507;

/** The request itself is wrong, independent of the database. */
export class RequestError extends AppError {
  readonly status: RequestStatus;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: RequestStatus,
    message: string,
    options: AppErrorOptions & { readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super('invalid', message, options);
    this.status = status;
    this.headers = options.headers ?? {};
  }
}

/** Runs `parse`; what it finds wrong is wrong with the query of the request: 400. */
export function inQuery<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof AppError) || error.kind !== 'invalid' || error instanceof RequestError) throw error;
    const { fields, hint } = error;
    throw new RequestError(400, error.message, {
      cause: error,
      ...(fields === undefined ? {} : { fields }),
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

export interface Problem {
  /** Names the kind of problem, never changes, and leads to the page that explains it. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly hint?: string;
  readonly errors?: readonly FieldError[];
}

interface ProblemKind {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** Instead of the error's own words, which are for operators. */
  readonly detail?: string;
  /** Seconds. */
  readonly retryAfter?: number;
}

const requestKinds: Readonly<Record<RequestStatus, Omit<ProblemKind, 'status'>>> = {
  400: { type: 'invalid-request', title: 'The request is not valid' },
  401: { type: 'unauthorized', title: 'A token is required' },
  403: { type: 'forbidden', title: 'This is not allowed' },
  404: { type: 'not-found', title: 'Not found' },
  405: { type: 'method-not-allowed', title: 'Method not allowed' },
  406: { type: 'not-acceptable', title: 'None of the accepted types is available' },
  410: { type: 'gone', title: 'This is no longer kept' },
  413: { type: 'too-large', title: 'The body is too large' },
  414: { type: 'address-too-long', title: 'The address is too long' },
  415: { type: 'unsupported-media-type', title: 'The type of the body is not supported' },
  431: { type: 'headers-too-large', title: 'The headers are too large' },
  503: { type: 'overloaded', title: 'The server is busy' },
  507: { type: 'answer-too-large', title: 'The answer is too large' },
};

const kinds: Readonly<Record<ErrorKind, ProblemKind>> = {
  invalid: { type: 'invalid-input', title: 'The input is not valid', status: 422 },
  'not-found': { type: 'not-found', title: 'Not found', status: 404 },
  conflict: { type: 'conflict', title: 'The data do not allow this', status: 409 },
  'read-only': { type: 'read-only', title: 'The database is read-only here', status: 403 },
  unavailable: {
    type: 'unavailable',
    title: 'The database is not available',
    status: 503,
    detail:
      'The database cannot be reached, is busy, or is not configured correctly. Nothing was changed. Try again later; /api/db-status has the cause.',
    retryAfter: 5,
  },
  denied: {
    type: 'backend-denied',
    title: 'The database refuses this server',
    status: 503,
    detail:
      'The database refuses the credentials or rights of this server. Nothing was changed. Correct the configuration; /api/db-status has the cause.',
    retryAfter: 60,
  },
  // No 503: clients and proxies repeat those on their own.
  indeterminate: {
    type: 'indeterminate',
    title: 'It is not known whether this was done',
    status: 500,
    detail: 'The write may have been done or not. Read the data before you send it again.',
  },
  outdated: {
    type: 'outdated',
    title: 'This server is older than its database',
    status: 503,
    detail:
      'A newer version of this server has written to the database, and this one cannot read that. Nothing was changed. Try again: another instance may be newer.',
    retryAfter: 5,
  },
  corrupt: {
    type: 'corrupt',
    title: 'Stored data are damaged',
    status: 500,
    detail: 'Stored data are not what was written. Nothing was changed. The operator of this server has to look at it.',
  },
};

const preconditionFailed: ProblemKind = { type: 'precondition-failed', title: 'The row has changed', status: 412 };

const defect: ProblemKind = {
  type: 'internal',
  title: 'This server has a defect',
  status: 500,
  detail: 'Something went wrong in this server. Its log has the details, under the id in the header x-request-id.',
};

/** The answer to `error`. Anything that is no `AppError` is a defect, whose details stay in the log. */
export function problemResponse(error: unknown): Response {
  const { problem, headers } = problemOf(error);
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}

/** The same, with more to say. */
export function problemOf(error: unknown): { readonly problem: Problem; readonly headers: Headers } {
  const kind = kindOf(error);
  const problem: Problem = {
    type: `${errorPage}#${kind.type}`,
    title: kind.title,
    status: kind.status,
    detail: kind.detail ?? (error instanceof Error ? error.message : kind.title),
    ...(error instanceof AppError && kind.detail === undefined ? extras(error) : {}),
  };
  const headers = new Headers({ 'content-type': 'application/problem+json' });
  if (error instanceof RequestError)
    for (const [name, value] of Object.entries(error.headers)) headers.set(name, value);
  if (kind.retryAfter !== undefined) headers.set('retry-after', retryAfter(error, kind.retryAfter));
  return { problem, headers };
}

function kindOf(error: unknown): ProblemKind {
  if (error instanceof RequestError) return { ...requestKinds[error.status], status: error.status };
  if (error instanceof PreconditionFailed) return preconditionFailed;
  return error instanceof AppError ? kinds[error.kind] : defect;
}

function extras({ hint, fields }: AppError): Pick<Problem, 'hint' | 'errors'> {
  return { ...(hint === undefined ? {} : { hint }), ...(fields === undefined ? {} : { errors: fields }) };
}

/** Whole seconds, at least one. */
function retryAfter(error: unknown, otherwise: number): string {
  const ms = error instanceof AppError ? error.retryAfterMs : undefined;
  return String(ms === undefined ? otherwise : Math.max(1, Math.ceil(ms / 1000)));
}
