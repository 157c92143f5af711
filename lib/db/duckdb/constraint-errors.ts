/**
 * Violated constraints as errors that name the fields and the constraint.
 *
 * Names are PostgreSQL's, as DuckDB keeps none of its own.
 */
import { DuckDBTypeId } from '@duckdb/node-api';
import { AppError, type ConstraintName, type FieldError } from '../../errors.ts';
import type { Constraint, Shape } from '../../sync/shapes.ts';

/** `text`: DuckDB's message without its class. `shape`: of the table that was written, where it is known. */
export function mapConstraint(text: string, cause: Error, shape: Shape | undefined): AppError {
  const duplicate = /^Duplicate key "(.*)" violates (primary key|unique) constraint/s.exec(text);
  if (duplicate) return duplicateKey(duplicate[1] ?? '', duplicate[2] === 'primary key', { cause, shape });
  const inTransaction = /^PRIMARY KEY or UNIQUE constraint violation: duplicate key "(.*)"/s.exec(text);
  if (inTransaction) return duplicateValues(inTransaction[1] ?? '', { cause, shape });
  const [, table, missing] = /^NOT NULL constraint failed: (.*?)\.(.*)/s.exec(text) ?? [];
  if (missing !== undefined) return notNull(columnAfterTable(`${table}.${missing}`, missing, shape), cause);
  const [, condition] = /^CHECK constraint failed on table .*? with expression (CHECK\(.*\))/s.exec(text) ?? [];
  if (condition !== undefined) return checkFailed(condition, { cause, shape });
  if (/foreign key constraint/i.test(text)) {
    return new AppError('conflict', 'Another row refers to this one, or one that is referred to is missing.', {
      cause: unquoted(cause),
      sqlState: '23503',
    });
  }
  return new AppError('invalid', 'A value breaks a rule of its table.', { cause: unquoted(cause), sqlState: '23000' });
}

interface Context {
  readonly cause: Error;
  readonly shape: Shape | undefined;
}

/** `key` is `email: ada@example.com`, or `a: 1, b: 2`. */
function duplicateKey(key: string, isPrimary: boolean, { cause, shape }: Context): AppError {
  const kind = isPrimary ? 'primary' : 'unique';
  const found = shape?.constraints.find((each) => each.kind === kind && begins(key, each.columns));
  const columns = found?.columns ?? [...key.matchAll(/(?:^|, )(\w+): /g)].map((match) => match[1] ?? '');
  const name = shape && constraintName(shape, found ?? { kind, columns, text: '' });
  return taken(columns, cause, name);
}

/** Whether the text is of values of these columns. */
function begins(key: string, columns: readonly string[]): boolean {
  let at = 0;
  return columns.every((column, index) => {
    const label = `${index === 0 ? '' : ', '}${column}: `;
    const found = index === 0 ? (key.startsWith(label) ? 0 : -1) : key.indexOf(label, at);
    at = found + label.length;
    return found >= 0;
  });
}

/** For a row of the same transaction DuckDB names no column: it is found by the form of the values. */
function duplicateValues(values: string, { cause, shape }: Context): AppError {
  const sets = shape?.constraints.filter(({ kind }) => kind !== 'check') ?? [];
  const fitting = sets.filter(({ columns }) => shape && mayBe(shape, columns, values));
  const [only, ...others] = fitting;
  if (!shape || !only || others.length > 0) return taken([], cause);
  return taken(only.columns, cause, constraintName(shape, only));
}

/** In one way over the values, which may be long and have commas in them. */
function mayBe(shape: Shape, columns: readonly string[], values: string): boolean {
  const parts = values.split(', ');
  /** How many of the parts the columns so far may be, in order. */
  let counts: readonly number[] = [0];
  for (const column of columns) {
    const type = shape.columns.find(({ name }) => name === column)?.type.typeId;
    const pattern = type === undefined ? undefined : writtenAs[type];
    const [least = parts.length] = counts;
    counts = pattern
      ? counts.flatMap((count) => (pattern.test(parts[count] ?? '') ? count + 1 : []))
      : parts.slice(least).map((_, index) => least + index + 1);
  }
  return counts.at(-1) === parts.length;
}

const whole = /^-?\d+$/;
const writtenAs: Partial<Record<DuckDBTypeId, RegExp>> = {
  [DuckDBTypeId.TINYINT]: whole,
  [DuckDBTypeId.SMALLINT]: whole,
  [DuckDBTypeId.INTEGER]: whole,
  [DuckDBTypeId.BIGINT]: whole,
  [DuckDBTypeId.HUGEINT]: whole,
  [DuckDBTypeId.UUID]: /^[0-9a-f-]{36}$/,
  [DuckDBTypeId.DATE]: /^\d+-\d\d-\d\d$/,
};

function taken(columns: readonly string[], cause: Error, constraint?: ConstraintName): AppError {
  return new AppError('conflict', `A row with the same ${columns.join(', ') || 'key'} exists already.`, {
    cause: unquoted(cause),
    sqlState: '23505',
    ...(columns.length === 0 ? {} : { fields: fieldsOf(columns, 'is taken') }),
    ...(constraint ? { constraint } : {}),
  });
}

/** DuckDB writes `table.column` without quotes, and either may have dots. */
function columnAfterTable(text: string, column: string, shape: Shape | undefined): string {
  return shape && text.startsWith(`${shape.table}.`) ? text.slice(shape.table.length + 1) : column;
}

function notNull(column: string, cause: Error): AppError {
  const fields = fieldsOf([column], 'must not be null');
  return new AppError('invalid', `${column} must not be null.`, { cause: unquoted(cause), fields, sqlState: '23502' });
}

function checkFailed(condition: string, { cause, shape }: Context): AppError {
  const found = shape?.constraints.find(({ kind, text }) => kind === 'check' && text === condition);
  const rule = condition.slice('CHECK('.length, -1);
  const columns = found?.columns ?? [];
  return new AppError('invalid', `${columns.join(', ') || 'A value'} must satisfy ${rule}.`, {
    cause: unquoted(cause),
    sqlState: '23514',
    ...(columns.length === 0 ? {} : { fields: fieldsOf(columns, `must satisfy ${rule}`) }),
    ...(shape && found ? { constraint: constraintName(shape, found) } : {}),
  });
}

function fieldsOf(columns: readonly string[], message: string): FieldError[] {
  return columns.map((path) => ({ path, message }));
}

/** `books_pkey`, `books_isbn_key`, `books_price_check`, `books_check`; a second one of a name has a number behind it. */
function constraintName({ schema, table, constraints }: Shape, constraint: Constraint): ConstraintName {
  const base = baseName(table, constraint);
  const alike = constraints.filter((each) => baseName(table, each) === base).indexOf(constraint);
  return { name: alike > 0 ? `${base}${alike}` : base, schema, table };
}

function baseName(table: string, { kind, columns }: Constraint): string {
  if (kind === 'primary') return `${table}_pkey`;
  if (kind === 'unique') return [table, ...columns, 'key'].join('_');
  return columns.length === 1 ? `${table}_${columns[0]}_check` : `${table}_check`;
}

/** The message of the cause quotes the row. */
function unquoted(cause: Error): Error {
  const kept = new Error('Constraint Error of DuckDB');
  if (cause.stack !== undefined) kept.stack = cause.stack.replace(cause.message, kept.message);
  return kept;
}
