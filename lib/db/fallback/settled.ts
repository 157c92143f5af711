/**
 * What became of pending writes, in the primary's own table `eider.settled_writes`. The commit that runs one also enters its id
 * here: any number of processes may run it, be killed anywhere, and it happens once. An entry is kept for good: a process that
 * was frozen may come back with a write that it read long ago.
 */
import { AppError } from '../../errors.ts';
import { momentOfMillis } from '../../datetime.ts';
import type { PlainValue, Queries } from '../../values.ts';
import type { PendingWrite } from './pending-write.ts';

const settledTable = 'eider.settled_writes';

/** A pending write that no longer fitted when its turn came. */
export interface RejectedWrite {
  readonly id: string;
  /** When it was accepted, and when rejected; ISO 8601. */
  readonly acceptedAt: string;
  readonly rejectedAt: string;
  /** Why it no longer fits. */
  readonly reason: string;
  readonly command: PlainValue;
}

/** Which of the writes have been settled. */
export async function findSettled(queries: Queries, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const rows = await queries.selectFrom(settledTable).select('id').where('id', 'in', ids).execute();
  return new Set(rows.map((row) => String(row['id'])));
}

/** Enters that the write was run; in the transaction that runs it. */
export async function enterApplied(queries: Queries, { id }: PendingWrite, nowMs: number): Promise<void> {
  const values = { id, settled_at: momentOfMillis(nowMs), outcome: 'applied', reason: null, pending_write: null };
  await queries.insertInto(settledTable).values(values).execute();
}

/** Enters that the write was rejected, with all of it, unless it has been settled. */
export async function enterRejected(
  queries: Queries,
  write: PendingWrite,
  reason: string,
  nowMs: number,
): Promise<void> {
  if ((await findSettled(queries, [write.id])).size > 0) return;
  const kept = { pending_write: JSON.stringify(write), reason };
  const values = { id: write.id, settled_at: momentOfMillis(nowMs), outcome: 'rejected', ...kept };
  await queries.insertInto(settledTable).values(values).execute();
}

/** The newest first. */
export async function listRejected(queries: Queries, limit: number): Promise<RejectedWrite[]> {
  const rows = await queries
    .selectFrom(settledTable)
    .select(['id', 'settled_at', 'reason', 'pending_write'])
    .where('outcome', '=', 'rejected')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) => {
    const { time, command } = JSON.parse(String(row['pending_write'])) as PendingWrite;
    const [id, rejectedAt, reason] = [row['id'], row['settled_at'], row['reason']].map(String);
    return { id: id!, acceptedAt: time, rejectedAt: rejectedAt!, reason: reason!, command };
  });
}

/** Forgets rejected writes, but not that they were settled. Answers how many. @throws AppError `not-found` */
export async function dismissRejected(queries: Queries, ids: readonly string[] | 'all'): Promise<number> {
  const update = queries
    .updateTable(settledTable)
    .set({ outcome: 'dismissed', reason: null, pending_write: null })
    .where('outcome', '=', 'rejected');
  const chosen = ids === 'all' ? update : update.where('id', 'in', ids.length > 0 ? ids : ['']);
  const dismissed = (await chosen.returning('id').execute()).map((row) => String(row['id']));
  const missing = ids === 'all' ? [] : ids.filter((id) => !dismissed.includes(id));
  if (missing.length === 0) return dismissed.length;
  throw new AppError('not-found', `No rejected write has the id "${missing[0]}".`);
}
