/**
 * A transaction is repeated when its connection broke before COMMIT was sent, or the server aborted it; one whose end
 * is unknown is looked up, never repeated on a guess.
 */
import type { Catalog } from '../../catalog/catalog.ts';
import { AppError } from '../../errors.ts';
import type { Runtime } from '../../runtime.ts';
import { busy, causeOf, isRaceOfConstraints, isSerializationFailure, mapStatementError } from './errors.ts';
import type { Limits } from './limits.ts';
import type { ConnectionPool } from './pool.ts';
import type { TransactionMode } from './begin.ts';
import { PostgresTransaction } from './transaction.ts';

export interface TransactionsOptions {
  readonly pool: ConnectionPool;
  readonly runtime: Runtime;
  readonly limits: Limits;
  readonly catalog?: () => Catalog | null;
  /** Called before a write's COMMIT is sent, and when it was answered. For tests that cut the connection there. */
  readonly onStep?: (step: 'worked' | 'committed') => void | Promise<void>;
}

interface TransactionRun<T> {
  readonly value: T;
  readonly version: number;
  readonly timings: { readonly run: number; readonly commit: number };
}

interface RunOptions {
  readonly mode: TransactionMode;
  /** Default: as long as an operation may take. */
  readonly withinMs?: number;
  readonly signal?: AbortSignal | undefined;
}

type TransactionWork<T> = (transaction: PostgresTransaction) => Promise<T>;

interface Repeat {
  readonly repeat: 'lost' | 'serialization' | 'race';
  readonly error: unknown;
}

/** As many connections of a pool may have died while an instance was frozen. */
const mostLosses = 4;

export class Transactions {
  readonly #options: TransactionsOptions;
  #latest = 0;

  constructor(options: TransactionsOptions) {
    this.#options = options;
  }

  /** The newest version that this process knows of. */
  get latestVersion(): number {
    return this.#latest;
  }

  /** Runs `work` until an attempt of it ends for good. @throws AppError, or what `work` throws */
  async run<T>(work: TransactionWork<T>, options: RunOptions): Promise<TransactionRun<T>> {
    const { runtime, limits } = this.#options;
    const beganMs = runtime.monotonicMs();
    const deadlineMs = beganMs + (options.withinMs ?? limits.operationMs);
    const seen = { lost: 0, serialization: 0, race: 0 };
    for (;;) {
      const ended = await this.#attempt(work, options, beganMs, deadlineMs);
      if (!('repeat' in ended)) return ended;
      const { repeat, error } = ended;
      const most = { lost: mostLosses, serialization: limits.attempts - 1, race: 1 }[repeat];
      seen[repeat]++;
      const pauseMs = repeat === 'serialization' ? runtime.random() * Math.min(5 * 2 ** seen.serialization, 250) : 0;
      if (seen[repeat] > most || runtime.monotonicMs() + pauseMs >= deadlineMs) {
        throw repeat === 'serialization' ? busy(error) : this.#map(error);
      }
      if (pauseMs > 0) await runtime.sleep(pauseMs, options.signal);
    }
  }

  async #attempt<T>(
    work: TransactionWork<T>,
    options: RunOptions,
    beganMs: number,
    deadlineMs: number,
  ): Promise<TransactionRun<T> | Repeat> {
    const { runtime } = this.#options;
    const startedMs = runtime.monotonicMs();
    const transaction = this.#open(options, beganMs, deadlineMs);
    const worked = await this.#work(transaction, work, options);
    if ('repeat' in worked) return worked;
    const workedMs = runtime.monotonicMs();
    const run = workedMs - startedMs;
    const { version } = transaction;
    this.#latest = Math.max(this.#latest, version);
    if (options.mode === 'read') {
      void transaction.rollback();
      return { value: worked.value, version, timings: { run, commit: 0 } };
    }
    const repeat = await this.#commit(transaction, beganMs, deadlineMs);
    if (repeat) return repeat;
    return { value: worked.value, version, timings: { run, commit: runtime.monotonicMs() - workedMs } };
  }

  #open(
    { mode, signal }: Pick<RunOptions, 'mode' | 'signal'>,
    beganMs: number,
    deadlineMs: number,
  ): PostgresTransaction {
    const { pool, runtime, limits } = this.#options;
    return new PostgresTransaction({
      pool,
      runtime,
      mode,
      deadlineMs,
      outcomeMs: beganMs + limits.outcomeMs,
      beginMs: limits.beginMs,
      statementMs: limits.operationMs,
      signal,
      mapError: this.#map,
    });
  }

  async #work<T>(
    transaction: PostgresTransaction,
    work: TransactionWork<T>,
    options: RunOptions,
  ): Promise<{ value: T } | Repeat> {
    try {
      const value = await work(transaction);
      if (!transaction.isVersionKnown) await transaction.begin();
      return { value };
    } catch (error) {
      await transaction.rollback();
      const repeat = options.signal?.aborted ? null : repeatFor(transaction);
      if (repeat) return repeat;
      throw error;
    }
  }

  async #commit(transaction: PostgresTransaction, beganMs: number, deadlineMs: number): Promise<Repeat | null> {
    const { runtime, limits, onStep } = this.#options;
    await onStep?.('worked');
    const untilMs = Math.max(deadlineMs, runtime.monotonicMs() + limits.commitMs);
    const outcome = await transaction.commit(untilMs);
    await onStep?.('committed');
    if (outcome.kind === 'committed') return null;
    if (outcome.kind === 'aborted') {
      const repeat = repeatFor(transaction, outcome.error);
      if (repeat) return repeat;
      throw this.#map(outcome.error);
    }
    const outcomeMs = Math.max(beganMs + limits.outcomeMs, untilMs + limits.commitMs);
    const found = await this.#findOutcome(transaction, outcomeMs);
    if (found === 'committed') return null;
    if (found === 'aborted') return { repeat: 'lost', error: outcome.error };
    throw new AppError(
      'indeterminate',
      'PostgreSQL did not confirm the write, and could not be asked whether it happened.',
      {
        cause: causeOf(outcome.error),
        hint: 'Read the data before you send it again.',
      },
    );
  }

  /**
   * Null when it could not be found out in time. A server that crashed gives the number of a lost transaction to another
   * one: 'committed' counts only with the transaction's own token.
   * https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT
   */
  async #findOutcome(transaction: PostgresTransaction, untilMs: number): Promise<'committed' | 'aborted' | null> {
    const { runtime } = this.#options;
    for (let wasCommitted = false; ;) {
      const { status, isOurs, isAnothers } = await this.#ask(transaction, untilMs);
      if (status === 'aborted' || (status === 'committed' && isOurs)) return status;
      // Another's, or one that kept no token. It may have been committed while it was asked: so asked again.
      if (status === 'committed' && wasCommitted) return isAnothers ? 'aborted' : null;
      wasCommitted = status === 'committed';
      if (runtime.monotonicMs() + pauseMs >= untilMs) return null;
      await runtime.sleep(pauseMs);
    }
  }

  async #ask({ version, token }: PostgresTransaction, untilMs: number): Promise<FoundOutcome> {
    const { runtime } = this.#options;
    try {
      const transaction = this.#open({ mode: 'read' }, runtime.monotonicMs(), untilMs);
      try {
        const [row] = await transaction.rows(question, [version, token]);
        return {
          status: row?.['status'] ?? null,
          isOurs: row?.['ours'] === true,
          isAnothers: row?.['others'] === true,
        };
      } finally {
        await transaction.rollback();
      }
    } catch {
      // No answer; or the id is in the future: another server answers now, without our transaction's history.
      return { status: null, isOurs: false, isAnothers: false };
    }
  }

  readonly #map = (error: unknown): unknown => mapStatementError(error, this.#options.catalog?.() ?? null);
}

function repeatFor(transaction: PostgresTransaction, error: unknown = transaction.failure): Repeat | null {
  if (transaction.isLost) return { repeat: 'lost', error };
  if (isSerializationFailure(error)) return { repeat: 'serialization', error };
  return isRaceOfConstraints(error) ? { repeat: 'race', error } : null;
}

const pauseMs = 100;

interface FoundOutcome {
  /** Null when unknown: no answer, or the server has forgotten the transaction or never had it. */
  readonly status: unknown;
  readonly isOurs: boolean;
  /** Whether there are changes of that number with another token. */
  readonly isAnothers: boolean;
}

const question = `SELECT pg_xact_status($1::xid8) AS status,
  EXISTS (SELECT FROM eider.changes WHERE version = $1::xid8 AND token = $2) AS ours,
  EXISTS (SELECT FROM eider.changes WHERE version = $1::xid8 AND token <> $2) AS others`;
