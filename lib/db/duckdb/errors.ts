/**
 * DuckDB's errors as kinds, with the SQLSTATE that PostgreSQL has for them. DuckDB names the class of an error at the beginning
 * of their text only; the texts are those of DuckDB 1.5 and a test holds each of them.
 *
 * Of the texts that have such in them only names of columns are taken, and of those about the SQL itself not the lines
 * that quote it.
 */
import { AppError, type AppErrorOptions, type ErrorKind } from '../../errors.ts';
import { mapLocalError } from '../../sync/local-disk.ts';
import type { Shape } from '../../sync/shapes.ts';
import { mapConstraint } from './constraint-errors.ts';

export interface ErrorContext {
  /** The table that the statement writes. */
  readonly shape?: Shape | undefined;
  /** The text is the user's own, so that places in it say something. */
  readonly isWritten?: boolean;
}

/** The error to throw for one that DuckDB threw: an AppError where a caller can act on it, else the error itself. */
export function mapDuckDbError(error: unknown, { shape, isWritten }: ErrorContext = {}): unknown {
  if (!(error instanceof Error) || error instanceof AppError) return error;
  const text = error.message.replace(/^(?:Error: |Failed to extract statements: )+/, '');
  const [, name = '', message = ''] = /^([A-Za-z ]+) Error: ([^]*)$/.exec(text) ?? [];
  if (name === 'Constraint') return mapConstraint(message, error, shape);
  const value = valueErrors.find(({ classes, pattern }) => classes.includes(name) && pattern.test(message));
  if (value) return valueError(value, message, error, isWritten === true);
  const statement = statementErrors.find(({ classes, pattern }) => classes.includes(name) && pattern.test(message));
  if (statement) return statementError(statement, message, error);
  if (name === 'Out of Memory') {
    return new AppError('unavailable', 'The query needs more memory than this instance has.', { cause: error });
  }
  // A message that quotes the middle of a character does not come through DuckDB's client.
  if (text === 'Error in native callback') {
    return new AppError('invalid', 'DuckDB does not understand the statement.', { cause: error, sqlState: '42601' });
  }
  if (name === 'INTERRUPT') return new AppError('unavailable', 'The query was stopped.', { cause: error });
  return mapLocalError(error);
}

const outOfRange = /out of range for the destination|Could not cast value/;
const valueClasses = ['Conversion', 'Out of Range', 'Invalid Input'];

interface ValueError {
  readonly classes: readonly string[];
  readonly pattern: RegExp;
  readonly sqlState: string;
  /** Absent: what the type says of it, or nothing more. */
  readonly message?: string;
}

/** About values, which the texts quote. The first that matches counts. */
const valueErrors: readonly ValueError[] = [
  {
    classes: valueClasses,
    pattern: /division by zero|modulo by zero/i,
    sqlState: '22012',
    message: 'Division by zero.',
  },
  {
    classes: ['Out of Range'],
    pattern: /overflow/i,
    sqlState: '22003',
    message: 'A number is too large for its type.',
  },
  {
    classes: ['Out of Range'],
    pattern: /^cannot take/,
    sqlState: '2201E',
    message: 'A number is outside the range of the function.',
  },
  { classes: valueClasses, pattern: outOfRange, sqlState: '22003' },
  {
    classes: valueClasses,
    pattern: /(?:date|time|timestamp|interval) field|Could not parse string .* format spec|Date out of range/,
    sqlState: '22007',
  },
  {
    classes: ['Invalid Input'],
    pattern: /^Attempted to create ENUM type with duplicate value/,
    sqlState: '42710',
    message: 'The ENUM has a value twice.',
  },
  { classes: valueClasses, pattern: /^Malformed JSON/, sqlState: '22P02', message: 'A text is not valid JSON.' },
  { classes: ['Conversion', 'Out of Range'], pattern: /^/, sqlState: '22P02' },
  {
    classes: ['Invalid Input'],
    pattern: /^(?!.*(?:statement|parameters|subquery))/s,
    sqlState: '22P02',
    message: 'A function does not accept its arguments.',
  },
];

/** As DuckDB's texts call types; UINT8 and INT128 may be an ENUM and a UUID as well. No other words are taken from there. */
const typeNames: Readonly<Record<string, string>> = {
  BOOL: 'BOOLEAN',
  INT8: 'TINYINT',
  INT16: 'SMALLINT',
  INT32: 'INTEGER',
  INT64: 'BIGINT',
  FLOAT: 'FLOAT',
  DOUBLE: 'DOUBLE',
  INTERVAL: 'INTERVAL',
  date: 'DATE',
  time: 'TIME',
  timestamp: 'TIMESTAMP',
  interval: 'INTERVAL',
};

function valueError({ message, sqlState }: ValueError, text: string, cause: Error, isWritten: boolean): AppError {
  const said = message ?? misfit(text);
  const place = isWritten ? placeOf(text) : '';
  return new AppError('invalid', place === '' ? said : `${said.slice(0, -1)}${place}.`, {
    cause: withoutValues(cause),
    sqlState,
  });
}

/** Leaves out the value and names the type that it should have. */
function misfit(text: string): string {
  const [said = ''] = text.split('\n\nLINE ');
  const [, target = ''] =
    /\b(?:to|destination type) ([A-Z]+\d*(?:\(\d+,\d+\))?)(?: when casting .*)?$/.exec(said) ?? [];
  const [, field = ''] = /^(?:invalid )?(date|time|timestamp|interval) field/.exec(said) ?? [];
  const type = /^DECIMAL\(\d+,\d+\)$/.test(target) ? target : typeNames[field || target];
  if (type === undefined) return 'A value does not fit its type or an operation.';
  return outOfRange.test(said) ? `A value is out of the range of ${type}.` : `A value cannot be read as ${type}.`;
}

interface StatementError {
  readonly classes: readonly string[];
  readonly pattern: RegExp;
  readonly sqlState: string;
  readonly kind?: ErrorKind;
  readonly hint?: string;
}

/** About the statement itself: DuckDB's own words are the best that there are. */
const statementErrors: readonly StatementError[] = [
  { classes: ['Parser', 'Syntax'], pattern: /^/, sqlState: '42601' },
  {
    classes: ['Catalog'],
    pattern: /^(?:Table|View) with name .* does not exist|does not exist because schema/,
    sqlState: '42P01',
    kind: 'not-found',
  },
  { classes: ['Catalog'], pattern: /^Schema with name .* does not exist/, sqlState: '3F000', kind: 'not-found' },
  { classes: ['Catalog'], pattern: /(?:Function|Macro).* does not exist/, sqlState: '42883' },
  { classes: ['Catalog'], pattern: /does not exist/, sqlState: '42704', kind: 'not-found' },
  { classes: ['Catalog'], pattern: /^Column with name .* already exists/, sqlState: '42701' },
  { classes: ['Catalog'], pattern: /^Schema with name .* already exists/, sqlState: '42P06' },
  { classes: ['Catalog'], pattern: /already exists/, sqlState: '42P07' },
  { classes: ['Catalog'], pattern: /is not an? /, sqlState: '42809' },
  { classes: ['Catalog'], pattern: /^/, sqlState: '42000' },
  { classes: ['Binder'], pattern: /No function matches|Function with name/, sqlState: '42883' },
  { classes: ['Binder'], pattern: /Referenced column|does not have a column|column .* not found/i, sqlState: '42703' },
  { classes: ['Binder'], pattern: /Referenced table/, sqlState: '42P01' },
  { classes: ['Binder'], pattern: /must appear in the GROUP BY/, sqlState: '42803' },
  { classes: ['Binder'], pattern: /Ambiguous/i, sqlState: '42702' },
  { classes: ['Binder'], pattern: /^/, sqlState: '42601' },
  { classes: ['Dependency'], pattern: /^/, sqlState: '2BP01', kind: 'conflict' },
  { classes: ['Mismatch Type'], pattern: /^/, sqlState: '42804' },
  { classes: ['Not implemented', 'Permission'], pattern: /^/, sqlState: '0A000' },
  {
    classes: ['Invalid Input'],
    pattern: /multiple statements/,
    sqlState: '0A000',
    hint: 'A PIVOT names its values: PIVOT t ON column IN (…).',
  },
  { classes: ['Invalid Input'], pattern: /parameters/, sqlState: '08P01' },
  {
    classes: ['TransactionContext'],
    pattern: /outstanding updates/,
    sqlState: '55006',
    hint: 'Run it in a transaction of its own.',
  },
  { classes: ['Invalid Input'], pattern: /^More than one row returned by a subquery/, sqlState: '21000' },
  { classes: ['IO'], pattern: /^No files found that match/, sqlState: '58P01' },
  {
    classes: ['Sequence', 'Invalid type', 'Invalid Type', 'Parameter Not Resolved', 'Parameter Not Allowed'],
    pattern: /^/,
    sqlState: '22023',
  },
];

function statementError({ kind = 'invalid', sqlState, hint }: StatementError, text: string, cause: Error): AppError {
  const [all = ''] = text.split(/\n\nLINE \d+:|\nCandidate /);
  const said = all.split('\n').flatMap((line) => line.trim() || []);
  const place = placeOf(text);
  const options: AppErrorOptions = { cause: withoutValues(cause), sqlState, ...(hint === undefined ? {} : { hint }) };
  return new AppError(kind, `${said.join(' ')}${place}`, options);
}

/** ` (line 2, column 14)`: DuckDB shows the line and points at the place, and cuts long lines off. */
function placeOf(text: string): string {
  const [, line, shown = '', pointer = ''] = /\n\n(LINE \d+: )([^\n]*)\n([ ]*)\^/.exec(text) ?? [];
  if (line === undefined) return '';
  const number = line.slice('LINE '.length, -': '.length);
  if (shown.startsWith('...')) return ` (line ${number})`;
  return ` (line ${number}, column ${pointer.length - line.length + 1})`;
}

/** For the log: what kind of error it was and where it came from, without the text, which quotes values. */
function withoutValues(error: Error): Error {
  const kept = new Error(/^(?:Error: )?[A-Za-z ]+ Error/.exec(error.message)?.[0] ?? 'An error of DuckDB');
  if (error.stack !== undefined) kept.stack = error.stack.replace(error.message, kept.message);
  return kept;
}
