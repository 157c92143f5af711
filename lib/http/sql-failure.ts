/**
 * The error format of /api/sql: PostgreSQL's members, which Neon's driver reads from answers of status 400
 * alone, beside those of a problem.
 */
import { AppError, type ErrorKind } from '../errors.ts';
import { problemOf, RequestError } from './problem.ts';
import { isOfDriver } from './sql-request.ts';

/** Others kept committing first: drivers know by this code that they may repeat it. */
const conflicted = '40001';

/** What SQL cannot do, rather than this server. */
const ofStatement: readonly ErrorKind[] = ['invalid', 'conflict', 'not-found'];

export function sqlFailure(error: unknown, request: Request): Response {
  const { problem, headers } = problemOf(error);
  const isForDriver = isOfDriver(request.headers) && (problem.status === 401 || problem.status === 403);
  const isOfStatement =
    error instanceof AppError &&
    !(error instanceof RequestError) &&
    (ofStatement.includes(error.kind) || error.sqlState === conflicted);
  const status = isForDriver || isOfStatement ? 400 : problem.status;
  if (status === 400) headers.delete('www-authenticate');
  const detail = isOfStatement ? error.message : problem.detail;
  const body = {
    ...problem,
    status,
    message: detail,
    detail,
    code: codeOf(error),
    severity: 'ERROR',
    ...partsOf(error),
  };
  return new Response(JSON.stringify(body), { status, headers });
}

function partsOf(error: unknown): object {
  if (!(error instanceof AppError)) return {};
  const { constraint, fields } = error;
  const [field] = fields ?? [];
  return {
    ...(constraint ? { constraint: constraint.name, schema: constraint.schema, table: constraint.table } : {}),
    ...(field && fields?.length === 1 ? { column: field.path } : {}),
  };
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const codesOfStatuses: Readonly<Record<number, string>> = {
  401: '28P01',
  403: '42501',
  413: '54000',
  503: '57P03',
  507: '54000',
};
const codesOfKinds: Readonly<Record<ErrorKind, string>> = {
  invalid: '22023',
  conflict: '23000',
  'not-found': '42704',
  unavailable: '57P03',
  outdated: '57P03',
  denied: '58000',
  indeterminate: '08007',
  corrupt: 'XX001',
  'read-only': '25006',
};

function codeOf(error: unknown): string {
  if (!(error instanceof AppError)) return 'XX000';
  if (error.sqlState !== undefined) return error.sqlState;
  return error instanceof RequestError ? (codesOfStatuses[error.status] ?? '08P01') : codesOfKinds[error.kind];
}
