/** The requests of one commit: running one of them, gathering what it changed, answering it. */
import { AppError } from '../errors.ts';
import type { Row } from '../values.ts';
import { type Definitions, definitionsAfter } from './definitions.ts';
import { type CapturedChange, type Change, changedRows, isRowChange, type RowChange, withRows } from './record.ts';
import type { Session } from './sql.ts';

/** One request's part of the transaction. */
export interface WriteTransaction {
  readonly session: Session;
  /** Of the tables as they are now in the transaction. */
  readonly definitions: Definitions;
  /** Adds what a statement changed to the record. */
  capture(change: CapturedChange): void;
  /** Called before a statement that needs a commit of its own. Throws when other requests are in this one: then it runs again, alone. */
  requireAlone(): void;
  /** Records that a statement failed: DuckDB has aborted the transaction, even if the caller catches the error. */
  spoil(error: unknown): void;
}

export interface Committed<T> {
  readonly value: T;
  readonly version: number;
  /** ms in the queue, in the handlers, in the store. */
  readonly timings: { readonly queue: number; readonly run: number; readonly commit: number };
}

/** What is written for one request by itself. */
export type WriteWork<T> = (transaction: WriteTransaction) => Promise<T>;

/** Of a request that may be run together with others of the same name. */
export interface SetMember {
  readonly name: string;
  readonly member: unknown;
  /** Runs all members at once: an outcome for each, in their order. What it throws says nothing of any of them. */
  readonly run: (
    transaction: WriteTransaction,
    members: readonly unknown[],
  ) => Promise<readonly PromiseSettledResult<unknown>[]>;
}

export interface PendingRequest {
  readonly work: WriteWork<unknown>;
  readonly set: SetMember | undefined;
  readonly signal: AbortSignal | undefined;
  readonly askedMs: number;
  readonly resolve: (committed: Committed<unknown>) => void;
  readonly reject: (error: unknown) => void;
  /** It has to be the only request of its batch. */
  needsOwnBatch?: true;
}

export type BatchResult<T = unknown> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

/** What one run of a batch gave: a result for each request, and the changes of those that succeeded. */
export interface BatchRun {
  readonly results: ReadonlyMap<PendingRequest, BatchResult>;
  readonly changes: readonly Change[];
}

export interface WorkRun<T> {
  readonly result: BatchResult<T>;
  readonly changes: readonly Change[];
  readonly definitions: Definitions;
  /** The transaction holds changes of it, or DuckDB gave the transaction up. */
  readonly dirty: boolean;
  /** It has to run again as the only request of its batch, whatever the result is. */
  readonly isPostponed: boolean;
}

export interface WorkStart {
  /** Of the tables as they are when it begins. */
  readonly definitions: Definitions;
  /** False: there are other requests in the transaction. */
  readonly isAlone?: boolean;
}

/** Runs the work of one request. */
export async function runWork<T>(
  work: (transaction: WriteTransaction) => Promise<T>,
  session: Session,
  { definitions, isAlone = true }: WorkStart,
): Promise<WorkRun<T>> {
  let current = definitions;
  const changes: CapturedChange[] = [];
  const spoiledBy: unknown[] = [];
  let isPostponed = false;
  const transaction: WriteTransaction = {
    session,
    get definitions() {
      return current;
    },
    capture: (change) => {
      changes.push(change);
      current = definitionsAfter([change], current);
    },
    requireAlone: () => {
      if (isAlone) return;
      isPostponed = true;
      throw new AppError('unavailable', 'The request has to run again on its own.', { retryAfterMs: 0 });
    },
    spoil: (error) => void spoiledBy.push(error),
  };
  const result = await work(transaction).then(
    (value): BatchResult<T> => ({ ok: true, value }),
    (error: unknown): BatchResult<T> => ({ ok: false, error }),
  );
  const ran = { changes, definitions: current, isPostponed };
  if (spoiledBy.length > 0) return { ...ran, result: { ok: false, error: reasonOf(result, spoiledBy) }, dirty: true };
  return { ...ran, result, dirty: changes.length > 0 };
}

/** The requests of a batch as they are run: those of one set together, all others one by one. */
export function unitsOf(batch: readonly PendingRequest[]): PendingRequest[][] {
  const sets = Map.groupBy(batch, (request) => request.set?.name ?? request);
  return [...sets.values()];
}

/** Instead of a set that failed, its halves: at last the request that fails is alone. */
export function halvesOf(unit: PendingRequest[]): PendingRequest[][] {
  const middle = unit.length >> 1;
  return [unit.slice(0, middle), unit.slice(middle)];
}

/** Runs the requests of one unit. Where several fail together, the result is one failure of all of them. */
export async function runUnit(
  unit: readonly PendingRequest[],
  session: Session,
  start: WorkStart,
): Promise<WorkRun<readonly BatchResult[]>> {
  const [first] = unit;
  const set = first?.set;
  if (unit.length === 1 || !set) {
    const part = await runWork((transaction) => first!.work(transaction), session, start);
    return { ...part, result: part.result.ok ? { ok: true, value: [part.result] } : part.result };
  }
  const members = unit.map((request) => request.set?.member);
  return runWork(async (transaction) => (await set.run(transaction, members)).map(resultOf), session, {
    ...start,
    isAlone: false,
  });
}

function resultOf(outcome: PromiseSettledResult<unknown>): BatchResult {
  return outcome.status === 'fulfilled' ? { ok: true, value: outcome.value } : { ok: false, error: outcome.reason };
}

/** What spoiled the transaction, unless the work says so in words of its own: later statements only say that it is spoiled. */
function reasonOf(result: BatchResult, spoiledBy: readonly unknown[]): unknown {
  return result.ok || spoiledBy.includes(result.error) ? spoiledBy[0] : result.error;
}

export function answer(
  request: PendingRequest,
  result: BatchResult | undefined,
  version: number,
  timings: Committed<unknown>['timings'],
): void {
  if (!result) request.reject(new Error('A request of the batch was not run.'));
  else if (result.ok) request.resolve({ value: result.value, version, timings });
  else request.reject(result.error);
}

/** Merges neighbouring changes of one table and one kind, so that records stay small. */
export function mergeChanges(changes: readonly Change[]): Change[] {
  const merged: Change[] = [];
  let rows: Row[] = [];
  for (const change of withoutOvertaken(changes)) {
    const last = merged.at(-1);
    if (last && isSameKind(last, change)) {
      rows.push(...changedRows(change));
      continue;
    }
    rows = [...changedRows(change)];
    merged.push(isRowChange(change) ? withRows(change, rows) : change);
  }
  return merged;
}

function isSameKind(a: Change, b: Change): boolean {
  if (!(isRowChange(a) && isRowChange(b)) || a.table !== b.table || a.schema !== b.schema) return false;
  return kindOf(a) === kindOf(b);
}

function kindOf(change: RowChange): string {
  if ('put' in change) return change.fresh ? 'fresh' : 'put';
  if ('delete' in change) return 'delete';
  return 'add' in change ? 'add' : 'remove';
}

/** Only the last number of a sequence matters, wherever in the record it is. After DDL it may be another sequence. */
function withoutOvertaken(changes: readonly Change[]): Change[] {
  const seen = new Set<string>();
  const kept = changes.toReversed().filter((change) => {
    if ('ddl' in change) seen.clear();
    if (!('sequence' in change)) return true;
    const id = JSON.stringify([change.schema, change.sequence]);
    if (seen.has(id)) return false;
    seen.add(id);
    return true;
  });
  return kept.toReversed();
}

/** Requests whose client left before they ran need not run. */
export function withoutAborted(batch: readonly PendingRequest[]): PendingRequest[] {
  return batch.filter((request) => {
    if (request.signal?.aborted) request.reject(request.signal.reason);
    return !request.signal?.aborted;
  });
}
