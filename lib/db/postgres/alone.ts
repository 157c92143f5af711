/**
 * Statements that are transactions of their own: one round trip, no BEGIN and no COMMIT.
 *
 * One that writes brings its token, which the triggers keep with its changes. When its answer is lost, the session behind it
 * is ended first, and then the token tells whether it was committed; what it returned is read from its changes. That needs a
 * session of its own (session.ts), and a table of which nothing but those triggers knows. All else runs in a transaction.
 */
import type { RelationName } from '../../catalog/catalog.ts';
import { AppError } from '../../errors.ts';
import type { PlainValue, Row } from '../../values.ts';
import { causeOf, codeOf, isConnectionLoss, isServerError, mapStatementError, notARead, tooLate } from './errors.ts';
import { type Limits, within } from './limits.ts';
import { findChanged, type LostStatement } from './outcome.ts';
import type { Connection, PostgresResult, PostgresStatement } from './pool.ts';
import { tokenSetting } from './schema-of-eider.ts';
import type { ServerProcess } from './session.ts';
import { StatementNames } from './statement-names.ts';
import { graceMs, type PostgresTransaction } from './transaction.ts';
import type { Transactions } from './transactions.ts';
import { toParameter } from './values.ts';

export interface LoneOptions {
  readonly transactions: Transactions;
  readonly limits: Limits;
  /** Whether every change of the table is noted, and is all that a statement on it does. */
  readonly isTold: (table: RelationName) => boolean;
}

export interface LoneStatement extends Pick<PostgresStatement, 'text' | 'values'> {
  /** The table that it changes: then it ends in `returning *`. Null for a SELECT. */
  readonly changes: RelationName | null;
  /** Whether its plan does not depend on its values, so that the session can keep it. */
  readonly isKept: boolean;
}

export class LoneStatements {
  readonly #options: LoneOptions;
  readonly #names = new StatementNames();

  constructor(options: LoneOptions) {
    this.#options = options;
  }

  /** Rows come as lists. In a transaction that has begun already, it is one of its statements. @throws AppError */
  async run(transaction: PostgresTransaction, statement: LoneStatement): Promise<PostgresResult> {
    const { text, values = [], changes } = statement;
    const inTransaction = { text, values, rowMode: 'array' } as const;
    if (transaction.isBegun) return transaction.run(inTransaction);
    const connection = await transaction.connect();
    const { process } = connection.session;
    const isTold = changes === null || this.#options.isTold(changes);
    if (!process || !isTold || !connection.session.isReady(transaction.runtime)) {
      await transaction.beginForOne();
      return transaction.run(inTransaction);
    }
    return changes === null
      ? this.#read(transaction, connection, statement)
      : this.#write(transaction, connection, { ...statement, changes, process });
  }

  async #read(
    transaction: PostgresTransaction,
    connection: Connection,
    { text, values = [], isKept }: LoneStatement,
  ): Promise<PostgresResult> {
    const { runtime, deadlineMs, signal } = transaction.options;
    const wrapped = readingText(text);
    const sent = this.#statement(wrapped, values, isKept);
    const leftMs = deadlineMs - runtime.monotonicMs();
    try {
      const result = await within(runtime, leftMs + graceMs, connection.run(sent), signal);
      connection.session.noteAnswer(runtime);
      return resultOfRead(transaction, result);
    } catch (error) {
      throw this.#failed(transaction, error, signal?.aborted === true);
    }
  }

  async #write(
    transaction: PostgresTransaction,
    connection: Connection,
    statement: LoneStatement & { readonly changes: RelationName; readonly process: ServerProcess },
  ): Promise<PostgresResult> {
    const { runtime, deadlineMs, signal } = transaction.options;
    const { text, values = [], isKept } = statement;
    const { transactions, limits } = this.#options;
    const { latestVersion } = transactions;
    const sent = this.#statement(writingText(text, values.length + 1), [...values, transaction.token], isKept);
    const untilMs = Math.max(deadlineMs, runtime.monotonicMs() + limits.commitMs);
    // From here on it may be committed, whether anyone waits for it or not.
    signal?.throwIfAborted();
    try {
      const result = await within(runtime, untilMs - runtime.monotonicMs(), connection.run(sent));
      connection.session.noteAnswer(runtime);
      return resultOfWrite(transaction, result, latestVersion);
    } catch (error) {
      if (isServerError(error) && !isConnectionLoss(error)) throw this.#failed(transaction, error, false);
      transaction.giveUpConnection();
      const lost: LostStatement = { ...statement, token: transaction.token ?? '', after: latestVersion };
      return this.#resolve(transaction, lost, error);
    }
  }

  /** What became of a statement that was not answered. */
  async #resolve(transaction: PostgresTransaction, lost: LostStatement, error: unknown): Promise<PostgresResult> {
    const { transactions, limits } = this.#options;
    const { runtime } = transaction;
    const untilMs = Math.max(transaction.options.outcomeMs, runtime.monotonicMs() + limits.commitMs);
    const found = await findChanged(transactions, runtime, lost, untilMs);
    if (found.kind === 'committed') {
      transaction.noteVersion(found.version);
      return found.result;
    }
    if (found.kind === 'aborted') throw this.#failed(transaction, error, true);
    throw new AppError(
      'indeterminate',
      found.kind === 'overtaken'
        ? 'PostgreSQL committed the write, but its answer was lost, and another write has changed the rows since.'
        : 'PostgreSQL did not confirm the write, and could not be asked whether it happened.',
      { cause: causeOf(error), hint: 'Read the data before you send it again.' },
    );
  }

  #statement(text: string, values: readonly unknown[], isKept: boolean): PostgresStatement {
    const name = isKept ? this.#names.of(text) : undefined;
    return { text, values: values.map(toParameter), rowMode: 'array', name };
  }

  /** The error to throw; the transaction knows what it means for another attempt. */
  #failed(transaction: PostgresTransaction, error: unknown, isCut: boolean): unknown {
    const { runtime, deadlineMs, signal, mapError = mapStatementError } = transaction.options;
    transaction.failure = error;
    transaction.isLost = isCut || isConnectionLoss(error);
    if (isOutOfDate(error)) {
      this.#names.forget();
      transaction.isLost = true;
    }
    if (signal?.aborted) return error;
    if (runtime.monotonicMs() >= deadlineMs) return tooLate(error);
    return transaction.token === null && codeOf(error) === '25006' ? notARead(error) : mapError(error);
  }
}

/** Always a row, so that there is a version. Functions in views must not write, as in a transaction that reads. */
function readingText(text: string): string {
  return `select v.version, r.* from (
    select case when set_config('transaction_read_only', 'on', true) = 'on' then pg_snapshot_xmax(pg_current_snapshot())::text end as version
  ) v left join (select true as there, q.* from (\n${text}\n) q) r on true`;
}

/** RETURNING is evaluated before the triggers fire that keep the token. */
function writingText(text: string, place: number): string {
  return `${text}, case when set_config('${tokenSetting}', $${place}, true) <> '' then pg_current_xact_id()::text end as eider_version`;
}

/** A kept statement whose table has changed, or that the session no longer has. Nothing was run. */
function isOutOfDate(error: unknown): boolean {
  const routine: unknown = error instanceof Error ? Reflect.get(error, 'routine') : undefined;
  return codeOf(error) === '26000' || (codeOf(error) === '0A000' && routine === 'RevalidateCachedQuery');
}

function resultOfRead(transaction: PostgresTransaction, result: PostgresResult): PostgresResult {
  const lists = listsOf(result);
  transaction.noteVersion(Number(lists[0]?.[0]) - 1);
  const rows = lists.filter(([, there]) => there === true).map((row) => row.slice(2));
  return { ...result, fields: result.fields.slice(2), rows: rows as unknown as Row[], rowCount: rows.length };
}

/** One that changed no row made no version. */
function resultOfWrite(transaction: PostgresTransaction, result: PostgresResult, latest: number): PostgresResult {
  const lists = listsOf(result);
  const version = lists[0]?.at(-1);
  transaction.noteVersion(version === undefined ? latest : Number(version));
  const rows = lists.map((row) => row.slice(0, -1));
  return { ...result, fields: result.fields.slice(0, -1), rows: rows as unknown as Row[] };
}

function listsOf({ rows }: PostgresResult): readonly (readonly PlainValue[])[] {
  return rows as unknown as readonly (readonly PlainValue[])[];
}
