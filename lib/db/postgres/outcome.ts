/**
 * What became of a transaction whose COMMIT was not answered: asked of the server, on another connection.
 *
 * Owns: the asking. The worst that can happen: a guess. `pg_xact_status` knows each transaction of the last billions;
 * one that is still in progress is waited for, as the server ends it when its connection is gone.
 * https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT
 */
import type { Runtime } from '../../runtime.ts';
import { isConnectionLoss } from './errors.ts';
import type { Limits } from './limits.ts';
import type { ConnectionPool } from './pool.ts';
import { LostTransaction, Transaction } from './transaction.ts';
import { AppError } from '../../errors.ts';

export interface OutcomeOptions {
  readonly pool: ConnectionPool;
  readonly runtime: Runtime;
  readonly limits: Limits;
  /** Of the transaction. */
  readonly version: number;
  /** On the monotonic clock. */
  readonly untilMs: number;
}

const pauseMs = 100;

/** Null when it could not be found out in time. */
export async function findOutcome(options: OutcomeOptions): Promise<'committed' | 'aborted' | null> {
  const { runtime, untilMs } = options;
  for (;;) {
    const status = await askStatus(options);
    if (status === 'committed' || status === 'aborted') return status;
    if (runtime.monotonicMs() + pauseMs >= untilMs) return null;
    await runtime.sleep(pauseMs);
  }
}

/** Null when nobody answered; also what the server has forgotten, or never heard of, is not known. */
async function askStatus({ pool, runtime, limits, version, untilMs }: OutcomeOptions): Promise<unknown> {
  try {
    const connection = await pool.connect();
    const transaction = await Transaction.begin({
      connection,
      runtime,
      mode: 'read',
      deadlineMs: untilMs,
      beginMs: limits.beginMs,
    });
    try {
      const [row] = await transaction.rows('SELECT pg_xact_status($1::xid8) AS status', [version]);
      return row?.['status'] ?? null;
    } finally {
      await transaction.rollback();
    }
  } catch (error) {
    if (error instanceof LostTransaction || error instanceof AppError || isConnectionLoss(error)) return null;
    // A transaction id in the future: another server answers now, without our transaction's history.
    return null;
  }
}
