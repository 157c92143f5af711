/** Committing what a batch changed: the record in the store, which is the commit, then the replica. */
import type { SyncContext } from './context.ts';
import { momentNow } from './head.ts';
import type { ReplicaHost } from './host.ts';
import { type Append, type AppendOutcome, appendRecord } from './append.ts';
import { positionOf } from './log.ts';
import type { Pace } from './pace.ts';
import type { LogRecord } from './record.ts';
import type { Standing } from './standing.ts';

export class RecordCommit {
  readonly #context: SyncContext;
  readonly #host: ReplicaHost;
  readonly #pace: Pace;
  #asked: Promise<Standing> | null = null;

  constructor(context: SyncContext, host: ReplicaHost, pace: Pace) {
    this.#context = context;
    this.#host = host;
    this.#pace = pace;
  }

  /** A batch begins to run: where the replica stands is asked meanwhile, and awaited before its record is created. */
  begin(): void {
    this.#asked = this.#host.standing();
    // Thrown where it is awaited, if anything is to be committed.
    this.#asked.catch(() => undefined);
  }

  /**
   * Creates the record of the open transaction, calls `acknowledge`, and commits the replica. False when another
   * instance's record has its number: then the transaction is rolled back.
   */
  async commit(append: Omit<Append, 'standing'>, acknowledge: () => void): Promise<boolean> {
    const { record, bytes } = append;
    const began = momentNow(this.#context.runtime);
    await this.#context.step('record-creating');
    // DuckDB moves the position while the store is at work. A rollback must not come in between.
    const moved = this.#host.replica.movePosition(positionOf(record));
    try {
      const outcome = await this.#append(append);
      if (outcome !== 'committed') {
        await Promise.allSettled([moved]);
        await this.giveUp();
        if (outcome === 'left') throw await this.#host.leaveLog();
        return false;
      }
      await this.#context.step('record-created');
      await this.#host.requireOnLog(record.version);
    } catch (error) {
      await Promise.allSettled([moved]);
      throw error;
    }
    await this.#host.settle(async () => {
      acknowledge();
      await this.#commitReplica(record, moved);
      this.#host.noteCommit(began, record.version, bytes.byteLength);
    });
    await this.#context.step('replica-committed');
    return true;
  }

  /** Rolls back what a batch changed. */
  async giveUp(): Promise<void> {
    await this.#host.replica.rollback();
    this.#host.replica.shapes.forget();
  }

  /** Creates the record, and keeps the pace that the store asks for. */
  async #append(append: Omit<Append, 'standing'>): Promise<AppendOutcome> {
    let throttled = false;
    const onThrottled = (): void => {
      throttled = true;
      this.#pace.slow();
    };
    const standing = (): Promise<Standing> => {
      const asked = this.#asked ?? this.#host.standing();
      this.#asked = null;
      return asked;
    };
    const outcome = await appendRecord(this.#context, { ...append, standing, onThrottled });
    if (!throttled) this.#pace.ease();
    return outcome;
  }

  /** The record is durable: if the local commit fails, the replica is rebuilt from the store, and the answer stays. */
  async #commitReplica(record: LogRecord, moved: Promise<void>): Promise<void> {
    try {
      await this.#host.replica.commit(positionOf(record), record.changes, moved);
    } catch (error) {
      this.#context.warn('A commit is durable, but the local replica could not follow; rebuilding the replica.', error);
      await this.#host.catchUp().catch((again) => this.#context.warn('The replica could not be rebuilt.', again));
    }
  }
}
