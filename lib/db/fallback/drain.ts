/**
 * Running pending writes on the primary, in their order, each once. One that no longer fits is kept by the primary, with the
 * reason, in the commit that settles it.
 */
import { AppError, isAppError } from '../../errors.ts';
import type { Runtime } from '../../runtime.ts';
import type { PlainValue, Queries } from '../../values.ts';
import type { Scope, Work } from '../database.ts';
import type { PendingWrite } from './pending-write.ts';
import { enterApplied, enterRejected, findSettled } from './settled.ts';

/** What pending writes are; here they are only kept. */
export interface Commands {
  /** Runs what one asks for; the same validation as on the first day. */
  run(queries: Queries, command: PlainValue, scope: Scope): Promise<unknown>;
  /** The one to keep when this was the outcome of the first run: another run gives the same rows. */
  fix(command: PlainValue, outcome: unknown): PlainValue;
}

export interface DrainOptions {
  readonly runtime: Runtime;
  readonly commands: Commands;
  /** Commits a piece of work on the primary. @throws AppError `unavailable`, `indeterminate` */
  readonly commit: <T>(work: Work<T>) => Promise<T>;
  /** Called once the writes with these ids are settled in the primary. */
  readonly onSettled: (ids: readonly string[]) => Promise<void>;
}

export interface DrainReport {
  readonly applied: number;
  readonly rejected: number;
}

/** Of both together. */
export function addReports(a: DrainReport, b: DrainReport): DrainReport {
  return { applied: a.applied + b.applied, rejected: a.rejected + b.rejected };
}

export const nothingDrained: DrainReport = { applied: 0, rejected: 0 };

/** Most writes in one commit. */
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
    const [only] = writes;
    if (writes.length > 1 || !only) return settleOneByOne(writes, options);
    await options.commit((queries) => enterRejected(queries, only, reason, options.runtime.now()));
    return { applied: 0, rejected: 1 };
  }
}

/** Null when the error is the backend's and not the write's. A defect that a write meets must not stop those after it. */
function whyUnfit(error: unknown): string | null {
  if (isAppError(error, 'conflict', 'invalid', 'not-found')) return error.message;
  return error instanceof AppError ? null : `It cannot be run: ${String(error)}`;
}

async function settleOneByOne(writes: readonly PendingWrite[], options: DrainOptions): Promise<DrainReport> {
  let total = nothingDrained;
  for (const write of writes) {
    total = addReports(total, await settle([write], options));
  }
  return total;
}

/** Runs those that were not settled yet; answers how many. */
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
