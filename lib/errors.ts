/**
 * Every failure that a caller can act on is an `AppError` with a coarse kind; anything else that is thrown is a
 * defect.
 */
/**
 * What the caller should do:
 *
 * - `conflict`: the state refuses this (a duplicate, a row still referenced). Change the request; repeating it is useless.
 * - `indeterminate`: it may or may not have happened, and could not be found out. Read before you repeat.
 * - `unavailable`: the backend is away, too slow, full or busy. Nothing happened; repeat later.
 * - `denied`: credentials or permissions are wrong. Someone has to change the configuration.
 * - `invalid`: the input is wrong. Change it.
 * - `outdated`: a newer version of this program wrote what is stored. Nothing is wrong with it; deploy that version.
 * - `corrupt`: stored bytes are not what was written. Never retried blindly, never served.
 * - `not-found`: the store, or the database, said that the thing is not there.
 * - `read-only`: this deployment may not write.
 */
export type ErrorKind =
  | 'conflict'
  | 'indeterminate'
  | 'unavailable'
  | 'denied'
  | 'invalid'
  | 'outdated'
  | 'corrupt'
  | 'not-found'
  | 'read-only';

/** What is wrong with one field of the input. `path` is a JSON-pointer-like name: `email`, `items/3/credits`. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

export interface AppErrorOptions {
  /** The underlying failure; kept whole for the log, never sent to a client. */
  readonly cause?: unknown;
  /** What to do about it, one sentence, safe to show to anyone who may see the message. */
  readonly hint?: string;
  /** One entry a wrong field, for `invalid` and `conflict`. */
  readonly fields?: readonly FieldError[];
  /** For `unavailable`: when to come back, in milliseconds. */
  readonly retryAfterMs?: number;
  /** The SQLSTATE that PostgreSQL has for it, on either engine: `23505`. */
  readonly sqlState?: string;
  /** The violated constraint. */
  readonly constraint?: ConstraintName;
}

/** A constraint of a table, as the catalog calls it. */
export interface ConstraintName {
  readonly name: string;
  readonly schema: string;
  readonly table: string;
}

/** A failure with a kind. Messages and hints hold no secrets; locations appear in them only where an operator reads. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly kind: ErrorKind;
  readonly hint: string | undefined;
  readonly fields: readonly FieldError[] | undefined;
  readonly retryAfterMs: number | undefined;
  readonly sqlState: string | undefined;
  readonly constraint: ConstraintName | undefined;

  constructor(kind: ErrorKind, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.hint = options.hint;
    this.fields = options.fields;
    this.retryAfterMs = options.retryAfterMs;
    this.sqlState = options.sqlState;
    this.constraint = options.constraint;
  }
}

/** Whether `error` is an `AppError`, of one of `kinds` when any are given. */
export function isAppError(error: unknown, ...kinds: ErrorKind[]): error is AppError {
  return error instanceof AppError && (kinds.length === 0 || kinds.includes(error.kind));
}
