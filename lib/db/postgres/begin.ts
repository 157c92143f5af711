/** How a transaction begins: what is sent, and what it means when that fails. */
import { AppError } from '../../errors.ts';
import { causeOf } from './errors.ts';
import { tokenSetting } from './schema-of-eider.ts';
import { localSettings, setting } from './session.ts';

export type TransactionMode = 'read' | 'write' | 'upkeep';

const beginSql: Readonly<Record<TransactionMode, string>> = {
  read: 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
  write: 'BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE',
  // Waits for its turn, and then has to see what the one before it did.
  upkeep: 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE',
};

/**
 * A snapshot's xmax is one more than the newest transaction that had ended: all commits that it sees are below it.
 * https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT
 */
const versionSql: Readonly<Record<TransactionMode, string>> = {
  read: 'pg_snapshot_xmax(pg_current_snapshot())::text',
  write: 'pg_current_xact_id()::text',
  upkeep: 'pg_current_xact_id()::text',
};

interface Beginning {
  readonly leftMs: number;
  readonly token: string | null;
  /** Whether the session has its settings. */
  readonly isSet: boolean;
}

/** Answers a row with the version. */
export function beginText(mode: TransactionMode, { leftMs, token, isSet }: Beginning): string {
  const own = token === null ? {} : { [tokenSetting]: token };
  const made = [...(isSet ? [] : [localSettings]), setting({ ...timeouts(leftMs), ...own })].join(', ');
  return `${beginSql[mode]}; SELECT ${versionSql[mode]} AS version, ${made}`;
}

/** The server ends idle transactions (of a frozen instance), so they release their locks. */
function timeouts(leftMs: number): Readonly<Record<string, string>> {
  return { statement_timeout: String(leftMs), idle_in_transaction_session_timeout: String(leftMs) };
}

export function versionOf(text: unknown, mode: TransactionMode): number {
  const version = Number(text) - (mode === 'read' ? 1 : 0);
  if (typeof text === 'string' && Number.isSafeInteger(version)) return version;
  throw new Error('PostgreSQL returned a transaction id that is not a number.');
}

export class LostTransaction extends Error {
  override readonly name = 'LostTransaction';

  constructor(cause: unknown) {
    super('The transaction did not begin.', { cause });
  }
}

export function doneAlone(error: unknown): AppError {
  return new AppError('indeterminate', 'PostgreSQL refused to begin a transaction, and ran its first statement.', {
    cause: causeOf(error),
    hint: 'Read the data before you send it again.',
  });
}
