/**
 * Errors as clients of PostgREST read them: the problem document with `code`, `message`, `details` and `hint` beside.
 */
import { AppError, isAppError } from '../../errors.ts';
import { RestError } from '../../rest/faults.ts';
import { PreconditionFailed } from '../../rows/version.ts';
import { problemOf, RequestError } from '../problem.ts';

const restMethods = 'GET, HEAD, POST, PATCH, PUT, DELETE';

/** Of requests that are wrong by themselves. */
const requestCodes: Readonly<Record<number, string>> = {
  401: 'PGRST301',
  403: '42501',
  404: 'PGRST205',
  405: 'PGRST117',
  406: 'PGRST107',
  413: 'PGRST102',
  415: 'PGRST102',
  503: 'PGRST003',
};

const kindCodes = {
  invalid: 'PGRST102',
  conflict: '23000',
  'not-found': 'PGRST205',
  unavailable: 'PGRST000',
  denied: 'PGRST000',
  outdated: 'PGRST002',
  indeterminate: '08007',
  corrupt: 'XX001',
  'read-only': '25006',
} as const;

interface RestFields {
  readonly status: number;
  readonly code: string;
  readonly details: unknown;
}

/** The answer to `error`. What operators alone may know stays out of it, as in any problem document. */
export function restProblem(error: unknown): Response {
  const { problem, headers } = problemOf(error);
  const { status, code, details } = restFieldsOf(error, problem.status);
  if (status === 405 && !headers.has('allow')) headers.set('allow', restMethods);
  const body = { ...problem, status, code, message: problem.detail, details, hint: problem.hint ?? null };
  return new Response(JSON.stringify(body), { status, headers });
}

function restFieldsOf(error: unknown, status: number): RestFields {
  if (error instanceof RestError) return { status: error.status, code: error.code, details: error.details };
  const details = fieldsOf(error);
  if (error instanceof RequestError) {
    const isAnonymous = error.status === 401 && !error.headers['www-authenticate']?.includes('error=');
    return { status, code: isAnonymous ? 'PGRST302' : (requestCodes[error.status] ?? 'PGRST100'), details };
  }
  if (!(error instanceof AppError)) return { status, code: 'XX000', details };
  if (!isAppError(error, 'invalid', 'conflict', 'not-found') || error instanceof PreconditionFailed)
    return { status, code: error.sqlState ?? kindCodes[error.kind], details };
  const { sqlState } = error;
  if (sqlState !== undefined) return { status: statusOf(sqlState), code: codeOf(sqlState), details };
  return { status: status === 422 ? 400 : status, code: kindCodes[error.kind], details };
}

function codeOf(sqlState: string): string {
  return sqlState === '42P01' ? 'PGRST205' : sqlState;
}

/** https://docs.postgrest.org/en/stable/references/errors.html#http-status-codes */
function statusOf(sqlState: string): number {
  if (sqlState === '23505' || sqlState === '23503') return 409;
  if (sqlState === '42883' || sqlState === '42P01') return 404;
  if (sqlState === '42501') return 403;
  return sqlState === '25006' ? 405 : 400;
}

function fieldsOf(error: unknown): string | null {
  const fields = error instanceof AppError ? (error.fields ?? []) : [];
  return fields.length === 0 ? null : fields.map(({ path, message }) => `${path} ${message}`.trim()).join('; ');
}
