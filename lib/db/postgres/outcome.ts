/** What became of a statement that was a transaction of its own, when its answer was lost. */
import type { RelationName } from '../../catalog/catalog.ts';
import type { Runtime } from '../../runtime.ts';
import { name, type Sql } from '../../sql/compose.ts';
import type { PostgresResult } from './pool.ts';
import type { ServerProcess } from './session.ts';
import type { PostgresTransaction } from './transaction.ts';
import type { Transactions } from './transactions.ts';
import { isTold } from './watch.ts';

export interface LostStatement {
  readonly text: string;
  /** The table that it changes. */
  readonly changes: RelationName;
  readonly token: string;
  readonly process: ServerProcess;
  /** A version that was there before it was sent: its own is higher. */
  readonly after: number;
}

type Found =
  /** `result`: what it returned. */
  | { readonly kind: 'committed'; readonly version: number; readonly result: PostgresResult }
  /** Committed, and another transaction has changed the same rows since: what it returned is lost. */
  | { readonly kind: 'overtaken' }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'unknown' };

const pauseMs = 100;

/**
 * Ends the session first: until then the statement may run, or lie unread before the server. Of one that has ended, what is
 * not committed in a snapshot taken afterwards never will be.
 */
export async function findChanged(
  transactions: Transactions,
  runtime: Runtime,
  lost: LostStatement,
  untilMs: number,
): Promise<Found> {
  for (let hasEnded = false; ;) {
    const asked = await ask(transactions, lost, untilMs - runtime.monotonicMs());
    if (asked?.found) return asked.found;
    // Somebody has switched the triggers off meanwhile, say.
    if (asked && hasEnded) return { kind: asked.isTold ? 'aborted' : 'unknown' };
    hasEnded = asked?.isRunning === false;
    if (hasEnded) continue;
    if (runtime.monotonicMs() + pauseMs >= untilMs) return { kind: 'unknown' };
    await runtime.sleep(pauseMs);
  }
}

interface AskedOutcome {
  readonly found: Found | null;
  readonly isRunning: boolean;
  readonly isTold: boolean;
}

/** Null when no server answers, or one that only follows another. */
async function ask(transactions: Transactions, lost: LostStatement, withinMs: number): Promise<AskedOutcome | null> {
  if (withinMs <= 0) return null;
  try {
    const { value } = await transactions.run((transaction) => askIn(transaction, lost), { mode: 'read', withinMs });
    return value;
  } catch {
    return null;
  }
}

async function askIn(transaction: PostgresTransaction, lost: LostStatement): Promise<AskedOutcome | null> {
  const { changes, token, process, after } = lost;
  const [row] = await transaction.rows(
    `SELECT pg_is_in_recovery() AS follows, EXISTS (SELECT FROM eider.overtaken WHERE token = $2) AS overtaken,
      (SELECT version::text FROM eider.changes WHERE version >= $1::xid8 AND token = $2 LIMIT 1) AS version,
      EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $3 AND c.relname = $4 AND ${isTold}) AS told`,
    [String(after), token, changes.schema, changes.name],
  );
  if (row?.['follows'] !== false) return null;
  const version = row['version'];
  const isFound = typeof version === 'string';
  const told = { isRunning: false, isTold: row['told'] === true };
  if (row['overtaken'] === true) return { ...told, found: { kind: 'overtaken' } };
  if (isFound) {
    const result = await changedRows(transaction, lost, version);
    return { ...told, found: { kind: 'committed', version: Number(version), result } };
  }
  const ended = await transaction.rows(
    `SELECT pg_terminate_backend(a.pid) FROM pg_stat_get_activity($1::int) a WHERE a.backend_start = $2::timestamptz`,
    [process.id, process.startedAt],
  );
  return { ...told, isRunning: ended.length > 0, found: null };
}

/** As `returning *` gave them; of rows that were deleted, their keys alone. */
async function changedRows(
  transaction: PostgresTransaction,
  { text, changes, token }: LostStatement,
  version: string,
): Promise<PostgresResult> {
  const op = /^\s*delete\b/i.test(text) ? 'delete' : 'put';
  const result = await transaction.run({
    text: `SELECT r.* FROM eider.changes c, json_populate_record(NULL::${textOf(name(changes.schema, changes.name))}, c.image) r
      WHERE c.version = $1::xid8 AND c.token = $2 AND c.op = $3 AND c.table_name = json_build_array($4::text, $5::text)::text
      ORDER BY c.ordinal`,
    values: [version, token, op, changes.schema, changes.name],
    rowMode: 'array',
  });
  return { ...result, command: op === 'delete' ? 'DELETE' : 'UPDATE' };
}

function textOf({ texts }: Sql): string {
  return texts.join('');
}
