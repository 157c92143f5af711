/**
 * DuckDB's errors as kinds. DuckDB tells classes of errors by the beginning of their text only; the texts are those of
 * DuckDB 1.5 and a test holds each of them.
 *
 * The worst that can happen: row values in a message that reaches a log, so only names of columns are taken from it.
 */
import { AppError } from '../../errors.ts';
import { mapLocalError } from '../../sync/local-disk.ts';

/** The error to throw for one that DuckDB threw: an AppError where a caller can act on it, else the error itself. */
export function mapDuckDbError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof AppError) return error;
  const text = error.message.replace(/^Error: /, '');
  if (text.startsWith('Constraint Error')) return mapConstraint(text, error);
  if (
    text.startsWith('Conversion Error') ||
    text.startsWith('Out of Range Error') ||
    text.startsWith('Invalid Input Error')
  ) {
    return new AppError('invalid', 'A value does not fit the type of its column.', { cause: error });
  }
  if (text.startsWith('Out of Memory Error')) {
    return new AppError('unavailable', 'The query needs more memory than this instance has.', { cause: error });
  }
  if (text.startsWith('INTERRUPT Error')) {
    return new AppError('unavailable', 'The query was stopped.', { cause: error });
  }
  return mapLocalError(error);
}

function mapConstraint(text: string, cause: Error): AppError {
  const duplicate = /Duplicate key "(.*)" violates (primary key|unique) constraint/s.exec(text);
  if (duplicate) {
    const columns = keyColumns(duplicate[1] ?? '');
    return new AppError('conflict', `A row with the same ${columns.join(', ') || 'key'} exists already.`, {
      cause,
      fields: columns.map((path) => ({ path, message: 'is taken' })),
    });
  }
  // Against a row of the same transaction DuckDB names no column.
  if (text.includes('PRIMARY KEY or UNIQUE constraint violation')) {
    return new AppError('conflict', 'A row with the same key exists already.', { cause });
  }
  const missing = /NOT NULL constraint failed: (?:.*\.)?(\w+)/.exec(text)?.[1];
  if (missing) {
    return new AppError('invalid', `${missing} must not be null.`, {
      cause,
      fields: [{ path: missing, message: 'must not be null' }],
    });
  }
  if (/foreign key constraint/i.test(text))
    return new AppError('conflict', 'Another row refers to this one, or one that is referred to is missing.', {
      cause,
    });
  return new AppError('invalid', 'A value breaks a rule of its table.', { cause });
}

/** The columns of `email: ada@example.com` or `a: 1, b: 2`; values are left behind. */
function keyColumns(key: string): string[] {
  return [...key.matchAll(/(?:^|, )(\w+): /g)].map((match) => match[1] ?? '');
}
