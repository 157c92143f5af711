import { AppError } from '../../errors.ts';
import type { Runtime } from '../../runtime.ts';
import type { Row } from '../../values.ts';
import { causeOf, codeOf, isConnectionLoss, isServerError, mapBeginError, mapStatementError } from './errors.ts';
import type { Connection, PostgresStatement, PostgresResult } from './pool.ts';
import { tokenSetting } from './schema-of-eider.ts';
import { toParameter } from './values.ts';
import { within } from './limits.ts';

export type TransactionMode = 'read' | 'write' | 'upkeep';

/**
 * - `committed`: the server said so.
 * - `aborted`: the server said so; nothing is kept.
 * - `unknown`: it said nothing.
 */
export type CommitOutcome =
  | { readonly kind: 'committed' }
  | { readonly kind: 'aborted'; readonly error: unknown }
  | { readonly kind: 'unknown'; readonly error: unknown };

export interface TransactionOptions {
  readonly connection: Connection;
  readonly runtime: Runtime;
  readonly mode: TransactionMode;
  readonly deadlineMs: number;
  readonly beginMs: number;
  readonly signal?: AbortSignal | undefined;
  /** The error of a statement as it is thrown; without it, nothing is known of the catalog. */
  readonly mapError?: (error: unknown) => unknown;
}

const begin: Readonly<Record<TransactionMode, string>> = {
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

/** Tables are never looked for in Eider's own schema, where those of a user called `eider` would go. */
const searchPath = `set_config('search_path', (
  SELECT coalesce(string_agg(quote_ident(name), ', ' ORDER BY place), '')
  FROM unnest(current_schemas(false)) WITH ORDINALITY AS path (name, place) WHERE name <> 'eider'
), true)`;

/** What the text of values depends on, for this transaction alone: a pooler gives the session to others. */
const settings: Readonly<Record<string, string>> = {
  TimeZone: 'UTC',
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'iso_8601',
  bytea_output: 'hex',
  extra_float_digits: '1',
  standard_conforming_strings: 'on',
};

/** An answered commit is durable, even if the server's default is asynchronous commit. */
const durable = `CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', true) END`;

export class PostgresTransaction {
  /** Of the state that is read, or that this transaction makes. */
  readonly version: number;
  /** Its own, unlike the version: kept with its changes. Null for one that reads. */
  readonly token: string | null;
  readonly #options: TransactionOptions;
  readonly #ended = new AbortController();
  #turn: Promise<unknown> = Promise.resolve();
  /** The first error of a statement: after it, COMMIT would roll back. */
  failure: unknown;
  /** Whether the connection went: nothing of it is kept. */
  isLost = false;

  private constructor(options: TransactionOptions, token: string | null, row: Row) {
    this.#options = options;
    this.token = token;
    this.version = versionOf(row['version'], options.mode);
  }

  get runtime(): Runtime {
    return this.#options.runtime;
  }

  /** Takes over the connection. @throws AppError when the transaction does not begin; the connection is closed then. */
  static async begin(options: TransactionOptions): Promise<PostgresTransaction> {
    const { connection, runtime, mode, deadlineMs, beginMs } = options;
    const leftMs = Math.max(Math.ceil(deadlineMs - runtime.monotonicMs()), 1);
    const token = mode === 'read' ? null : runtime.uuid();
    const own = token === null ? {} : { [tokenSetting]: token };
    const made = Object.entries({ ...settings, ...timeouts(leftMs), ...own });
    const configured = made.map(([name, value]) => `set_config('${name}', '${value}', true)`).join(', ');
    const text = `${begin[mode]}; SELECT ${versionSql[mode]} AS version, ${searchPath}, ${mode === 'read' ? configured : `${durable}, ${configured}`}`;
    try {
      const { rows } = await within(runtime, Math.min(beginMs, leftMs), connection.run({ text }));
      return new PostgresTransaction(options, token, rows[0] ?? {});
    } catch (error) {
      connection.destroy();
      throw isConnectionLoss(error) ? new LostTransaction(error) : mapBeginError(error);
    }
  }

  /** One statement at a time; callers in parallel wait for each other. @throws AppError */
  run(statement: PostgresStatement): Promise<PostgresResult> {
    const values = statement.values?.map(toParameter);
    const result = this.#turn.then(() => this.#runNow(values ? { ...statement, values } : statement));
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async rows<R extends Row = Row>(text: string, values: readonly unknown[] = []): Promise<R[]> {
    return (await this.run({ text, values })).rows as R[];
  }

  /** Sends COMMIT, and waits for its answer at least until `untilMs` on the monotonic clock. */
  async commit(untilMs: number): Promise<CommitOutcome> {
    await this.#turn;
    if (this.failure !== undefined) {
      await this.rollback();
      return { kind: 'aborted', error: this.failure };
    }
    this.#ended.abort();
    const { connection, runtime } = this.#options;
    try {
      const { command } = await within(runtime, untilMs - runtime.monotonicMs(), connection.run({ text: 'COMMIT' }));
      connection.release();
      return command === 'COMMIT'
        ? { kind: 'committed' }
        : { kind: 'aborted', error: new Error('It was rolled back.') };
    } catch (error) {
      return this.#endBadly(error);
    }
  }

  /** Undoes it. Never fails: a connection that does not answer is ended, and the server undoes it then. */
  async rollback(): Promise<void> {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    const { connection, runtime, beginMs } = this.#options;
    if (this.isLost) return connection.destroy();
    try {
      await this.#turn;
      await within(runtime, beginMs, connection.run({ text: 'ROLLBACK' }));
      connection.release();
    } catch {
      connection.destroy();
    }
  }

  #endBadly(error: unknown): CommitOutcome {
    const { connection } = this.#options;
    if (isServerError(error) && !isConnectionLoss(error)) {
      connection.release();
      return { kind: 'aborted', error };
    }
    connection.destroy();
    return { kind: 'unknown', error };
  }

  async #runNow(statement: PostgresStatement): Promise<PostgresResult> {
    const { connection, runtime, mode, deadlineMs, signal, mapError = mapStatementError } = this.#options;
    signal?.throwIfAborted();
    if (this.#ended.signal.aborted || this.isLost) throw new AppError('unavailable', 'This transaction has ended.');
    const leftMs = deadlineMs - runtime.monotonicMs();
    try {
      // The server stops long statements; a little later this stops waiting for a server that does not.
      return await within(runtime, leftMs + graceMs, connection.run(statement), signal);
    } catch (error) {
      this.failure ??= error;
      this.isLost ||= isConnectionLoss(error) || signal?.aborted === true;
      if (signal?.aborted) throw error;
      if (runtime.monotonicMs() >= deadlineMs) throw tooLate(error);
      // In a read it is the work's fault, and not the server's state.
      throw mode === 'read' && codeOf(error) === '25006' ? notARead(error) : mapError(error);
    }
  }
}

const graceMs = 500;

/** The server ends idle transactions (of a frozen instance), so they release their locks. */
function timeouts(leftMs: number): Readonly<Record<string, string>> {
  return { statement_timeout: String(leftMs), idle_in_transaction_session_timeout: String(leftMs) };
}

export class LostTransaction extends Error {
  override readonly name = 'LostTransaction';

  constructor(cause: unknown) {
    super('The transaction did not begin.', { cause });
  }
}

function notARead(error: unknown): AppError {
  return new AppError('invalid', 'A read cannot run a statement that changes something.', {
    cause: causeOf(error),
    sqlState: '25006',
    hint: 'Run the statement in a write.',
  });
}

function tooLate(error: unknown): AppError {
  return new AppError('unavailable', 'The query exceeded its time limit and was stopped.', {
    cause: causeOf(error),
    hint: 'Use a narrower filter, or one that matches the beginning of the text.',
  });
}

function versionOf(text: unknown, mode: TransactionMode): number {
  const version = Number(text) - (mode === 'read' ? 1 : 0);
  if (typeof text === 'string' && Number.isSafeInteger(version)) return version;
  throw new Error('PostgreSQL returned a transaction id that is not a number.');
}
