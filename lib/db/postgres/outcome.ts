/**
 * What became of a transaction whose COMMIT was not answered: asked of the server, on another connection.
 *
 * Owns: the asking. The worst that can happen: a guess. `pg_xact_status` knows each transaction of the last billions;
 * one that is still in progress is waited for, as the server ends it when its connection is gone. But a server that
 * crashes forgets a transaction that was not committed, and gives its number to another one: so 'committed' counts only
 * where the changes kept under that number have the transaction's own token.
 * https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT
 */
import type { Runtime } from '../../runtime.ts';
import type { Limits } from './limits.ts';
import type { ConnectionPool } from './pool.ts';
import { Transaction } from './transaction.ts';

export interface OutcomeOptions {
  readonly pool: ConnectionPool;
  readonly runtime: Runtime;
  readonly limits: Limits;
  readonly transaction: Pick<Transaction, 'version' | 'token'>;
  /** On the monotonic clock. */
  readonly untilMs: number;
}

const pauseMs = 100;

/** Null when it could not be found out in time. */
export async function findOutcome(options: OutcomeOptions): Promise<'committed' | 'aborted' | null> {
  const { runtime, untilMs } = options;
  for (let wasCommitted = false; ;) {
    const { status, isOurs, isAnothers } = await ask(options);
    if (status === 'aborted' || (status === 'committed' && isOurs)) return status;
    // Another's, or one that kept no token. It may have been committed while it was asked: so asked again.
    if (status === 'committed' && wasCommitted) return isAnothers ? 'aborted' : null;
    wasCommitted = status === 'committed';
    if (runtime.monotonicMs() + pauseMs >= untilMs) return null;
    await runtime.sleep(pauseMs);
  }
}

interface Found {
  /** Null when nobody answered; also what the server has forgotten, or never heard of, is not known. */
  readonly status: unknown;
  /** Whether there are changes with the token. */
  readonly isOurs: boolean;
  /** Whether there are changes of that number with another token. */
  readonly isAnothers: boolean;
}

const nothing: Found = { status: null, isOurs: false, isAnothers: false };

const question = `SELECT pg_xact_status($1::xid8) AS status,
  EXISTS (SELECT FROM eider.changes WHERE version = $1::xid8 AND token = $2) AS ours,
  EXISTS (SELECT FROM eider.changes WHERE version = $1::xid8 AND token <> $2) AS others`;

async function ask({ pool, runtime, limits, transaction: sought, untilMs }: OutcomeOptions): Promise<Found> {
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
      const [row] = await transaction.rows(question, [sought.version, sought.token]);
      return { status: row?.['status'] ?? null, isOurs: row?.['ours'] === true, isAnothers: row?.['others'] === true };
    } finally {
      await transaction.rollback();
    }
  } catch {
    // Nobody answered; or the id is one of the future: another server answers now, without our transaction's history.
    return nothing;
  }
}
