import { momentOfMillis } from '../../datetime.ts';
import { AppError, isAppError } from '../../errors.ts';
import type { Runtime } from '../../runtime.ts';
import type { PlainValue, Queries } from '../../values.ts';
import type { Scope, Work } from '../database.ts';
import type { PendingWrite } from './pending-write.ts';

export interface Commands {
  /** Runs what one asks for; the same validation as on the first day. */
  run(queries: Queries, command: PlainValue, scope: Scope): Promise<unknown>;
  /** The one to keep when this was the outcome of the first run: another run gives the same rows. */
  fix(command: PlainValue, outcome: unknown): PlainValue;
}

interface DrainOptions {
  readonly runtime: Runtime;
  readonly commands: Commands;
  readonly commit: <T>(work: Work<T>) => Promise<T>;
  readonly onSettled: (ids: readonly string[]) => Promise<void>;
}

export interface DrainReport {
  readonly applied: number;
  readonly rejected: number;
}

export function addReports(a: DrainReport, b: DrainReport): DrainReport {
  return { applied: a.applied + b.applied, rejected: a.rejected + b.rejected };
}

export const nothingDrained: DrainReport = { applied: 0, rejected: 0 };

const mostTogether = 100;

/** Settles the writes, oldest first, for no longer than `forMs` in all; those that are left come the next time. */
export async function drain(
  writes: readonly PendingWrite[],
  forMs: number,
  options: DrainOptions,
): Promise<DrainReport> {
  const deadlineMs = options.runtime.monotonicMs() + forMs;
  let total = nothingDrained;
  for (let next = 0; next < writes.length && options.runtime.monotonicMs() < deadlineMs;) {
    const together = writes.slice(next, next + mostTogether);
    total = addReports(total, await settle(together, options));
    await options.onSettled(together.map(({ id }) => id));
    next += together.length;
  }
  return total;
}

/** In one commit; one by one when one of them does not fit. */
async function settle(writes: readonly PendingWrite[], options: DrainOptions): Promise<DrainReport> {
  try {
    return { applied: await options.commit((queries, scope) => runAll(queries, scope, writes, options)), rejected: 0 };
  } catch (error) {
    const reason = whyUnfit(error);
    if (reason === null) throw error;
    const [only, ...others] = writes;
    if (others.length === 0 && only) {
      await options.commit((queries) => enterRejected(queries, only, reason, options.runtime.now()));
      return { applied: 0, rejected: 1 };
    }
    let total = nothingDrained;
    for (const write of writes) total = addReports(total, await settle([write], options));
    return total;
  }
}

/** Null when the error is the backend's and not the write's. A defect that a write meets must not stop those after it. */
function whyUnfit(error: unknown): string | null {
  if (isAppError(error, 'conflict', 'invalid', 'not-found')) return error.message;
  return error instanceof AppError ? null : `It cannot be run: ${String(error)}`;
}

async function runAll(
  queries: Queries,
  scope: Scope,
  writes: readonly PendingWrite[],
  { commands, runtime }: DrainOptions,
): Promise<number> {
  const ids = writes.map(({ id }) => id);
  const settled = await findSettled(queries, ids);
  const due = writes.filter(({ id }) => !settled.has(id));
  for (const write of due) {
    await commands.run(queries, write.command, scope);
    await enterApplied(queries, write, runtime.now());
  }
  return due.length;
}

/**
 * A pending write is run by the commit that also enters its id here, so it happens once. Entries are kept for good: a
 * frozen process may come back with a write that it read long ago.
 */
const settledTable = 'eider.settled_writes';

export interface RejectedWrite {
  readonly id: string;
  readonly acceptedAt: string;
  readonly rejectedAt: string;
  readonly reason: string;
  readonly command: PlainValue;
}

export async function findSettled(queries: Queries, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const rows = await queries.selectFrom(settledTable).select('id').where('id', 'in', ids).execute();
  return new Set(rows.map((row) => String(row['id'])));
}

async function enterApplied(queries: Queries, { id }: PendingWrite, nowMs: number): Promise<void> {
  const values = { id, settled_at: momentOfMillis(nowMs), outcome: 'applied', reason: null, pending_write: null };
  await queries.insertInto(settledTable).values(values).execute();
}

/** Enters that the write was rejected, with all of it, unless it has been settled. */
async function enterRejected(queries: Queries, write: PendingWrite, reason: string, nowMs: number): Promise<void> {
  if ((await findSettled(queries, [write.id])).size > 0) return;
  const kept = { pending_write: JSON.stringify(write), reason };
  const values = { id: write.id, settled_at: momentOfMillis(nowMs), outcome: 'rejected', ...kept };
  await queries.insertInto(settledTable).values(values).execute();
}

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
