/**
 * https://www.postgresql.org/docs/current/errcodes-appendix.html. Drivers' errors hold passwords and rows: causes are
 * copies with the message and the code alone.
 */
import type { Catalog } from '../../catalog/catalog.ts';
import { AppError, type AppErrorOptions, type ErrorKind } from '../../errors.ts';
import { mapConstraint } from './constraints.ts';
import type { ServerError } from './server-error.ts';

/** An error that the server answered, as opposed to one of the network or the driver. */
export function isServerError(error: unknown): error is ServerError {
  return error instanceof Error && /^[0-9A-Z]{5}$/.test(codeOf(error)) && 'severity' in error;
}

/** SQLSTATE, or the code of a system error; empty without one. */
export function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : '';
}

/** Others got in the way; the same transaction may succeed when it runs again. */
export function isSerializationFailure(error: unknown): boolean {
  return ['40001', '40P01'].includes(codeOf(error));
}

/** A duplicate or a missing reference that a check of ours would have found, had another transaction not come first. */
export function isRaceOfConstraints(error: unknown): boolean {
  return ['23505', '23503'].includes(codeOf(error));
}

/**
 * The server ended the session, or is unreachable: the transaction is undone, unless it was
 * committed. What is no error of the server, nor a defect, comes from the network; Neon's driver throws events, too.
 */
export function isConnectionLoss(error: unknown): boolean {
  if (error instanceof AppError || error instanceof TypeError || error instanceof RangeError) return false;
  if (!isServerError(error)) return true;
  // 08P01 is also the number of parameters that a statement does not have.
  return error.severity === 'FATAL' || error.severity === 'PANIC' || /^(?:08(?!P01)|57P0[1-5])/.test(error.code);
}

/** The error of a statement: an AppError, or the error itself where it is a defect of ours. `catalog`: as far as it is known. */
export function mapStatementError(error: unknown, catalog: Catalog | null = null): unknown {
  if (isConnectionLoss(error)) return away('The connection to PostgreSQL was lost, and nothing was changed.', error);
  if (!isServerError(error)) return error;
  if (error.code === '25006') return mapReadOnly(error);
  if (error.code.startsWith('23')) return mapConstraint(error, causeOf(error), catalog);
  return mapClass(error) ?? mapOwnWords(error);
}

/** Those of which the server's words may hold values, in ours. */
const dataExceptions: Readonly<Record<string, string>> = {
  '22001': 'A text is too long for its column.',
  '22003': 'A number is out of the range of its type.',
  '22007': 'A text is not a valid date or time.',
  '22008': 'A date or time is out of the range of its type.',
  '22012': 'Division by zero.',
  '22021': 'A text has a character that PostgreSQL cannot store.',
  '22P02': 'A value is not written as its type requires.',
  '22P05': 'A text has a character that PostgreSQL cannot store.',
};

function mapOwnWords(error: ServerError): AppError {
  const { code, message, hint } = error;
  const words = code.startsWith('22')
    ? (dataExceptions[code] ?? 'A value does not fit the type of its column or of an operation.')
    : message.slice(0, 1000);
  const kind = ownWordsKinds.find(([pattern]) => pattern.test(code))?.[1] ?? 'invalid';
  const isOfTable = code !== '42P01' || error.routine !== 'errorMissingRTE';
  return new AppError(isOfTable ? kind : 'invalid', words, {
    cause: causeOf(error),
    sqlState: code,
    ...(hint === undefined ? {} : { hint }),
    ...(kind === 'unavailable' ? { retryAfterMs: 2000 } : {}),
    ...(error.column === undefined ? {} : { fields: [{ path: error.column, message: words.replace(/\.$/, '') }] }),
  });
}

/** All others are `invalid`: what a function raises (P0001 and codes of its own), what is wrong in the text (42), and so on. */
const ownWordsKinds: readonly (readonly [RegExp, ErrorKind])[] = [
  [/^42P01$/, 'not-found'],
  [/^(?:2BP01|2B000|42P0[4-7]|42710|42723)$/, 'conflict'],
  // Of the server, and not of the statement.
  [/^XX00[12]$/, 'corrupt'],
  [/^(?:57|58|72|F0|HV|XX)/, 'unavailable'],
];

export function mapBeginError(error: unknown): unknown {
  // A standby: 25006, or 0A000 and 55000 for what cannot be done during recovery.
  if (isServerError(error) && ['25006', '0A000', '55000'].includes(error.code)) return mapReadOnly(error);
  return mapStatementError(error);
}

export function mapConnectError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const code = codeOf(error);
  if (code.startsWith('28')) {
    const hint = 'Correct the user and password in DATABASE_URL; special characters are percent-encoded.';
    return failed('denied', 'PostgreSQL refuses the user or the password.', error, hint);
  }
  if (code === '3D000') {
    const hint = 'Create it, or correct the name at the end of DATABASE_URL.';
    return failed('denied', 'PostgreSQL has no database of this name.', error, hint);
  }
  if (code === 'ENOTFOUND')
    return failed('denied', 'The host of DATABASE_URL does not exist.', error, 'Correct the host in DATABASE_URL.');
  return mapTls(error, code) ?? mapClass(error) ?? away('PostgreSQL cannot be reached.', error);
}

function mapClass(error: unknown): AppError | null {
  const code = codeOf(error);
  if (code === '42501') {
    const hint = 'Grant the rights that docs/postgresql.md lists.';
    return failed('denied', 'The user of DATABASE_URL lacks the rights for this.', error, hint);
  }
  if (code === '57014') return failed('unavailable', 'The query was stopped.', error);
  if (code === '53300') return away('PostgreSQL has no free connection.', error, 'Use the address of a pooler.');
  if (code.startsWith('53')) return away('PostgreSQL has no memory or disk space left.', error);
  if (code === '55P03') return away('PostgreSQL is busy: a lock could not be acquired.', error);
  return isSerializationFailure(error) ? busy(error) : null;
}

export function busy(error: unknown): AppError {
  return new AppError('unavailable', 'Other writes changed the same rows again and again. Nothing was changed.', {
    cause: causeOf(error),
    sqlState: '40001',
  });
}

export function notARead(error: unknown): AppError {
  return new AppError('invalid', 'A read cannot run a statement that changes something.', {
    cause: causeOf(error),
    sqlState: '25006',
    hint: 'Run the statement in a write.',
  });
}

export function tooLate(error: unknown): AppError {
  return new AppError('unavailable', 'The query exceeded its time limit and was stopped.', {
    cause: causeOf(error),
    hint: 'Use a narrower filter, or one that matches the beginning of the text.',
  });
}

const tlsCodes = /^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH)/;

function mapTls(error: unknown, code: string): AppError | null {
  const text = error instanceof Error ? error.message : '';
  if (text.includes('does not support SSL')) {
    const hint = 'Turn on TLS on the server. On a private network, sslmode=disable turns it off here.';
    const message = 'The server does not offer TLS, which the sslmode in DATABASE_URL requires.';
    return failed('denied', message, error, hint);
  }
  if (!tlsCodes.test(code) && !/certificate/i.test(text)) return null;
  const hint = 'Set sslrootcert in DATABASE_URL to its authority, and use the host name of the certificate.';
  return failed('denied', `The certificate of PostgreSQL is not accepted (${code || 'TLS'}).`, error, hint);
}

function mapReadOnly(error: ServerError): AppError {
  const message = 'PostgreSQL refused the write: the transaction or the server is read-only.';
  const hint = 'Point DATABASE_URL to the primary, not to a replica. Some hosts make a full database read-only.';
  return failed('unavailable', message, error, hint);
}

function failed(kind: ErrorKind, message: string, error: unknown, hint?: string, more: AppErrorOptions = {}): AppError {
  const sqlState = isServerError(error) ? { sqlState: error.code } : {};
  return new AppError(kind, message, { cause: causeOf(error), ...sqlState, ...(hint && { hint }), ...more });
}

function away(message: string, error: unknown, hint?: string): AppError {
  return failed('unavailable', message, error, hint, { retryAfterMs: 2000 });
}

/** Classes whose messages quote values, or the user: data exceptions, constraints, authorization. */
const quoting = /^2[238]/;

/** A copy for the log: what the drivers hang on their errors (the client, its settings, a row's values) stays behind. */
export function causeOf(error: unknown): Error {
  const code = codeOf(error);
  const text = error instanceof Error ? error.message : String(Reflect.get(Object(error), 'message') ?? 'no message');
  const cause: Error & { code?: string } = new Error(
    quoting.test(code) ? `SQLSTATE ${code}` : code === '' ? text : `${text} (${code})`,
  );
  if (code !== '') cause.code = code;
  cause.name = error instanceof Error ? error.name : 'Error';
  if (error instanceof Error && error.stack) cause.stack = error.stack.replace(error.message, cause.message);
  return cause;
}
