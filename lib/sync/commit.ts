/**
 * Group commit: requests that arrive while a commit is under way share the next one. A batch runs in one DuckDB
 * transaction, its row images become one record, and creating that record is the commit.
 */
import { AppError } from '../errors.ts';
import {
  answer,
  type BatchResult,
  type BatchRun,
  type Committed,
  halvesOf,
  mergeChanges,
  type PendingRequest,
  runUnit,
  type SetMember,
  unitsOf,
  withoutAborted,
  type WriteWork,
} from './batch.ts';
import type { SyncContext } from './context.ts';
import { momentNow } from './head.ts';
import type { ReplicaHost } from './host.ts';
import { nextRecord } from './log.ts';
import { Pace } from './pace.ts';
import { encodeRecord, type Change } from './record.ts';
import { RecordCommit } from './record-commit.ts';

export interface CommitOptions {
  readonly signal?: AbortSignal | undefined;
  /** Lets the work run together with others. */
  readonly set?: SetMember | undefined;
}

export class GroupCommit {
  readonly #context: SyncContext;
  readonly #host: ReplicaHost;
  #queue: PendingRequest[] = [];
  #draining: Promise<void> | null = null;
  #lastBatch = 1;
  readonly #pace = new Pace();
  readonly #records: RecordCommit;

  constructor(context: SyncContext, host: ReplicaHost) {
    this.#context = context;
    this.#host = host;
    this.#records = new RecordCommit(context, host, this.#pace);
  }

  /** Runs `work` in a batch and resolves once its changes are durable. `work` may run several times. */
  write<T>(work: WriteWork<T>, { signal, set }: CommitOptions = {}): Promise<Committed<T>> {
    return new Promise((resolve, reject) => {
      this.#queue.push({
        work,
        set,
        signal,
        askedMs: this.#context.runtime.monotonicMs(),
        resolve: resolve as (committed: Committed<unknown>) => void,
        reject,
      });
      this.#draining ??= this.#drain();
    });
  }

  /** Resolves when the queue is empty. */
  async idle(): Promise<void> {
    while (this.#draining) await this.#draining;
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      await this.#gather();
      const batch = this.#queue.splice(0, this.#queue[0]?.needsOwnBatch ? 1 : this.#context.settings.maxBatch);
      this.#lastBatch = batch.length;
      await this.#host.exclusive(() => this.#settleBatch(batch));
    }
    // In the same turn as the look at the queue, so that a later request sees that the queue is not being drained.
    this.#draining = null;
  }

  /**
   * Keeps the pace that the store asks for. And when the last batch was shared, those it answered are about to ask again: gives them a turn of the event loop or
   * two, so that batches do not alternate between one request and all others.
   */
  async #gather(): Promise<void> {
    if (this.#pace.pauseMs > 0) await this.#context.runtime.sleep(this.#pace.pauseMs);
    for (let turns = 0; turns < 3 && this.#lastBatch > 1 && this.#queue.length < this.#lastBatch; turns++) {
      const before = this.#queue.length;
      await this.#context.runtime.sleep(0);
      if (this.#queue.length === before) return;
    }
  }

  /**
   * Commits the batch or tells each of its requests why not. Never rejects. Who lost a race tries again when its turn comes.
   */
  async #settleBatch(batch: readonly PendingRequest[]): Promise<void> {
    const { runtime, settings } = this.#context;
    const deadlineMs = runtime.monotonicMs() + settings.commitDeadlineMs;
    const isHere = (request: PendingRequest): boolean => batch.length === 1 || !request.needsOwnBatch;
    try {
      for (let hasLost = false; ; hasLost = true) {
        const began = await this.#takeTurn(hasLost);
        const isSettled = await this.#tryBatch(withoutAborted(batch.filter(isHere)), deadlineMs);
        if (isSettled) {
          this.#host.rivals.noteCommit(runtime.monotonicMs() - began);
          break;
        }
        if (runtime.monotonicMs() > deadlineMs) throw contended();
      }
    } catch (error) {
      // No transaction may stay open behind a failure; where none is, ROLLBACK has nothing to do and says so.
      await this.#records.giveUp().catch(() => undefined);
      for (const request of batch.filter(isHere)) request.reject(error);
    }
    this.#queue.unshift(...batch.filter((request) => !isHere(request)));
  }

  /**
   * Leaves the log to the instances whose turn is before this one's, as long as they come, and catches up behind them. Answers
   * when the attempt began that is to be made now.
   */
  async #takeTurn(hasLost: boolean): Promise<number> {
    const { runtime } = this.#context;
    let began = runtime.monotonicMs();
    if (hasLost) await this.#host.catchUp();
    for (;;) {
      const { waitMs } = this.#host.rivals;
      if (waitMs === 0) return began;
      await runtime.sleep(waitMs);
      began = runtime.monotonicMs();
      await this.#host.catchUp();
    }
  }

  /** One attempt. False when another instance committed first. Throws when all requests of the batch fail alike. */
  async #tryBatch(batch: readonly PendingRequest[], deadlineMs: number): Promise<boolean> {
    const { runtime } = this.#context;
    if (batch.length === 0) return true;
    if (this.#host.isDoubtful) await this.#host.catchUp();
    const started = runtime.monotonicMs();
    this.#records.begin();
    const run = await this.#runBatch(batch);
    const settled = batch.filter((request) => run.results.has(request));
    await this.#context.step('batch-run');
    const ran = runtime.monotonicMs();
    const answerAll = (version: number): void => {
      const committedMs = runtime.monotonicMs();
      for (const request of settled) {
        const timings = { queue: started - request.askedMs, run: ran - started, commit: committedMs - ran };
        answer(request, run.results.get(request), version, timings);
      }
    };
    if (run.changes.length > 0) return this.#commitRun(settled, run, deadlineMs, answerAll);
    await this.#host.replica.rollback();
    if (!(await this.#proveUnchanged())) return false;
    answerAll(this.#host.version);
    return true;
  }

  /** Commits what a batch changed. False when another instance committed first. */
  async #commitRun(
    batch: readonly PendingRequest[],
    { changes }: BatchRun,
    deadlineMs: number,
    answerAll: (version: number) => void,
  ): Promise<boolean> {
    const record = nextRecord(this.#context, this.#host.replica.position, changes);
    const bytes = encodeRecord(record);
    if (bytes.byteLength > this.#context.settings.maxRecordBytes)
      return this.#splitBatch(batch, bytes.byteLength, deadlineMs);
    return this.#records.commit({ record, bytes, deadlineMs }, () => answerAll(record.version));
  }

  /**
   * Runs all requests in one transaction, left open. A request that fails is left out; if it had changed anything, or
   * DuckDB aborted the transaction, the others run again without it. One that needs a batch of its own has no result.
   */
  async #runBatch(batch: readonly PendingRequest[]): Promise<BatchRun> {
    const { replica } = this.#host;
    const failed = new Map<PendingRequest, BatchResult>();
    let units = unitsOf(batch);
    for (;;) {
      const isRunning = (request: PendingRequest): boolean =>
        !failed.has(request) && (batch.length === 1 || !request.needsOwnBatch);
      units = units.map((unit) => unit.filter(isRunning)).filter((unit) => unit.length > 0);
      await replica.begin();
      const run = await this.#runUnits(units, failed);
      if (run.ok) return run.value;
      units = units.flatMap((unit) => (unit === run.error && unit.length > 1 ? halvesOf(unit) : [unit]));
      await replica.rollback();
      replica.shapes.forget();
    }
  }

  /** The unit that spoiled the transaction is the error. */
  async #runUnits(
    units: readonly PendingRequest[][],
    failed: Map<PendingRequest, BatchResult>,
  ): Promise<
    { readonly ok: true; readonly value: BatchRun } | { readonly ok: false; readonly error: PendingRequest[] }
  > {
    const { replica } = this.#host;
    const results = new Map<PendingRequest, BatchResult>(failed);
    const changes: Change[] = [];
    let { definitions } = replica;
    const isAlone = units.length === 1 && units[0]?.length === 1;
    for (const unit of units) {
      const part = await runUnit(unit, replica.writer, { definitions, isAlone });
      if (!part.result.ok && !part.isPostponed) replica.judge(part.result.error);
      if (unit.length > 1 && !part.result.ok) return { ok: false, error: unit };
      if (part.isPostponed) {
        for (const request of unit) request.needsOwnBatch = true;
        if (part.dirty) return { ok: false, error: unit };
        continue;
      }
      const outcomes = part.result.ok ? part.result.value : [part.result];
      for (const [index, request] of unit.entries()) {
        const outcome = outcomes[index]!;
        results.set(request, outcome);
        if (!outcome.ok) failed.set(request, outcome);
      }
      if (!part.result.ok && part.dirty) return { ok: false, error: unit };
      definitions = part.definitions;
      if (part.result.ok) changes.push(...part.changes);
    }
    return { ok: true, value: { results, changes: mergeChanges(changes) } };
  }

  /** A batch that changed nothing was still decided on some state: answers whether that was the head. */
  async #proveUnchanged(): Promise<boolean> {
    const { head, version } = this.#host;
    const began = momentNow(this.#context.runtime);
    if (await this.#context.store.head(this.#context.layout.recordKey(version + 1))) return false;
    if (head.needsLook) await this.#host.look();
    if (version < head.newestSnapshot) return false;
    head.prove(began, version);
    return true;
  }

  /** The record would be too large: commits the batch in two halves, or refuses the one request that it is. */
  async #splitBatch(batch: readonly PendingRequest[], bytes: number, deadlineMs: number): Promise<boolean> {
    await this.#records.giveUp();
    const most = this.#context.settings.maxRecordBytes;
    if (batch.length === 1) {
      throw new AppError('invalid', `One commit may hold ${most} bytes of changes; this one has ${bytes}.`, {
        hint: 'Write fewer rows at a time.',
      });
    }
    const middle = Math.ceil(batch.length / 2);
    for (const half of [batch.slice(0, middle), batch.slice(middle)]) {
      if (this.#context.runtime.monotonicMs() > deadlineMs) throw contended();
      await this.#settleBatch(half);
    }
    return true;
  }
}

function contended(): AppError {
  return new AppError('unavailable', 'Other instances kept committing first; nothing was written.', {
    retryAfterMs: 1000,
    sqlState: '40001',
    hint: 'Repeat the request.',
  });
}
