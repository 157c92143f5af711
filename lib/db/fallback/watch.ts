/**
 * Every error that could mean an outage, and every call that takes long, is followed by a ping: what answers it is
 * there, and the error is the caller's.
 */
import { AppError, isAppError } from '../../errors.ts';
import { finished, type Runtime } from '../../runtime.ts';
import { withinTime } from '../../store/time-limit.ts';
import type { Answer, Database, ReadOptions, Scope, Uploads, Work, WriteOptions } from '../database.ts';
import { scopeWith } from '../together.ts';
import type { BackendLink } from './link.ts';
import { type Notice, Outage, type OutageMemory } from './outage.ts';

export interface WatchedCall<T> {
  run(): Promise<T>;
  /** Cancels the call if it can no longer take effect; returns whether it did. May be called again. */
  abandon(): boolean;
}

type WatchedAttempt<T> = { readonly kind: 'answered'; readonly value: T } | { readonly kind: 'away' };

/** How long a call may take before the backend is pinged, in ms. */
const pingAfterMs = 3000;
const pingMs = 2000;
/** When a commit under way is answered as indeterminate, in ms. */
const mostWaitMs = 9500;

export interface WatchOptions {
  readonly primary: BackendLink;
  readonly runtime: Runtime;
  readonly memory: OutageMemory;
  /** Hears of each outage twice: when it begins, and when it ends. */
  readonly notice?: (notice: Notice) => void;
}

export class Watch {
  readonly #primary: BackendLink;
  readonly #runtime: Runtime;
  readonly #memory: OutageMemory;
  readonly #notice: (notice: Notice) => void;
  readonly #calls = new Set<() => void>();
  /** Null while the primary serves. */
  outage: Outage | null = null;
  #ping: Promise<void> | null = null;

  constructor({ primary, runtime, memory, notice = () => undefined }: WatchOptions) {
    this.#primary = primary;
    this.#runtime = runtime;
    this.#memory = memory;
    this.#notice = notice;
  }

  /** Begins in an outage that another process of this machine found recently. */
  async recall(): Promise<void> {
    const state = await this.#memory.load();
    // An old entry says nothing: no process has checked since.
    if (state && this.#runtime.now() - state.nextLookMs < 60_000) this.outage = new Outage(this.#runtime, { state });
  }

  async end(): Promise<void> {
    const { outage } = this;
    this.outage = null;
    if (outage && outage.state.kind !== 'back') this.#tellEnd(outage);
    await this.#memory.clear();
  }

  begin(error: unknown): void {
    const before = this.outage?.state.kind;
    if (this.outage) this.outage.lookFailed(error);
    else this.outage = new Outage(this.#runtime, { error });
    const { outage } = this;
    if (before !== outage.state.kind) this.#tellBegin(outage);
    // A refusal is answered at once, so each process can find it for itself.
    void (outage.isRefused ? this.#memory.clear() : this.#memory.save(outage.state));
    for (const tell of this.#calls) tell();
  }

  #tellBegin({ state, error }: Outage): void {
    this.#notice({ level: 'error', message: `${this.#primary.label} ${state.reason}: ${state.detail}`, error });
  }

  #tellEnd({ state }: Outage): void {
    const lasted = Math.round((this.#runtime.now() - state.sinceMs) / 1000);
    const message = `${this.#primary.label} serves again, after ${lasted} s.`;
    this.#notice({ level: 'warning', message, isEnd: true });
  }

  /** The primary is back, but must not serve before the pending writes have been run on it. */
  beginDraining(): void {
    this.outage ??= new Outage(this.#runtime, 'draining');
  }

  /** Runs a call until it ends or the primary is unavailable. @throws the call's own errors */
  attempt<T>(call: WatchedCall<T>): Promise<WatchedAttempt<T>> {
    return new Promise((resolve, reject) => {
      const ended = new AbortController();
      const end = (tell: () => void): void => {
        ended.abort(finished);
        this.#calls.delete(giveUp);
        tell();
      };
      const giveUp = (): void => {
        if (call.abandon()) end(() => resolve({ kind: 'away' }));
      };
      this.#calls.add(giveUp);
      call.run().then(
        (value) => end(() => resolve({ kind: 'answered', value })),
        (error: unknown) =>
          void this.#judge(error).then((away) => end(() => (away ? resolve({ kind: 'away' }) : reject(error)))),
      );
      void this.#lookNowAndThen(ended.signal, () => end(() => reject(unknownOutcome())));
    });
  }

  async #judge(error: unknown): Promise<boolean> {
    if (!isAppError(error, 'unavailable', 'indeterminate', 'denied')) return false;
    // A store that refuses one kind of request is unusable, even if it answers a ping.
    if (error.kind === 'denied' && this.#primary.place) {
      if (!this.outage) this.begin(error);
      return true;
    }
    await this.#look();
    // An unknown outcome stays unknown, also when a standby serves from now on.
    return this.outage !== null && error.kind !== 'indeterminate';
  }

  async #lookNowAndThen(signal: AbortSignal, giveUp: () => void): Promise<void> {
    const beganMs = this.#runtime.monotonicMs();
    for (;;) {
      const leftMs = beganMs + mostWaitMs - this.#runtime.monotonicMs();
      await this.#runtime
        .sleep(leftMs > 0 ? Math.min(pingAfterMs, leftMs) : pingAfterMs, signal)
        .catch(() => undefined);
      if (signal.aborted) return;
      if (this.outage && this.#runtime.monotonicMs() - beganMs >= mostWaitMs) return giveUp();
      await this.#look();
    }
  }

  /** One ping, shared by all callers meanwhile; begins an outage when it fails. */
  async #look(): Promise<void> {
    if (this.outage) return;
    this.#ping ??= this.ping().then(
      () => undefined,
      (error: unknown) => {
        if (!this.outage) this.begin(error);
      },
    );
    await this.#ping;
    this.#ping = null;
  }

  ping(): Promise<void> {
    return withinTime(this.#runtime, pingMs, (signal) => this.#primary.ping(signal));
  }
}

function unknownOutcome(): AppError {
  return new AppError('indeterminate', 'The database became unavailable during the commit.', {
    hint: 'The write may have been committed. Read before you repeat it.',
  });
}

/** A read of a replica runs to its end once it has begun: it no longer depends on a store. */
export function readCall<T>(database: Database, work: Work<T>, options: ReadOptions): WatchedCall<Answer<T>> {
  let begun = false;
  const watched: Work<T> = (queries, scope) => {
    begun = true;
    return work(queries, scope);
  };
  return {
    run: () => database.read(watched, options),
    abandon: () => !begun || database.engine === 'postgres',
  };
}

export function plainCall<T>(run: () => Promise<T>): WatchedCall<T> {
  return { run, abandon: () => true };
}

export function uploadsThrough(call: <T>(work: (uploads: Uploads) => Promise<T>) => Promise<T>): Uploads {
  return {
    keep: (...given) => call((uploads) => uploads.keep(...given)),
    read: (...given) => call((uploads) => uploads.read(...given)),
    list: (...given) => call((uploads) => uploads.list(...given)),
    drop: (...given) => call((uploads) => uploads.drop(...given)),
    dropAbandoned: () => call((uploads) => uploads.dropAbandoned()),
  };
}

/**
 * A write can be abandoned until its work has ended: what comes then is the commit. One that was abandoned must not commit all
 * the same: its work refuses to begin, or to end well.
 */
export function writeCall<T>(database: Database, work: Work<T>, options: WriteOptions): WatchedCall<Answer<T>> {
  let [ran, abandoned] = [false, false];
  const requireWanted = (): void => {
    if (abandoned) throw new AppError('unavailable', 'The database became unavailable before the write was run.');
  };
  // Once it is sent, such a statement may commit.
  const committing = (scope: Scope): Scope => {
    const { runAlone } = scope;
    if (!runAlone) return scope;
    return scopeWith(scope, {
      runAlone: (sql, values, alone) => {
        requireWanted();
        ran ||= alone.changes !== null;
        return runAlone(sql, values, alone);
      },
    });
  };
  const guarded: Work<T> = async (queries, scope) => {
    ran = false;
    requireWanted();
    const value = await work(queries, committing(scope));
    if (!ran) requireWanted();
    ran = true;
    return value;
  };
  return {
    run: () => database.write(guarded, options),
    abandon: () => (abandoned ||= !ran),
  };
}

/** How long a commit that runs pending writes may take before it is cancelled or no longer waited for, in ms. */
const commitMs = 4000;

/**
 * Commits a piece of work within a bounded time. @throws AppError `indeterminate` when it was
 * on its way; the work must say itself whether it was done before
 */
export async function commitInTime<T>(database: Database, work: Work<T>, runtime: Runtime): Promise<T> {
  const call = writeCall(database, work, {});
  const ended = new AbortController();
  const running = call.run();
  const late = runtime.sleep(commitMs, ended.signal).then(() => {
    if (call.abandon()) throw new AppError('unavailable', `The database did not answer within ${commitMs} ms.`);
    return runtime.sleep(commitMs, ended.signal).then(() => {
      throw new AppError('indeterminate', 'The database did not say whether it committed.');
    });
  });
  try {
    return (await Promise.race([running, late])).value;
  } finally {
    ended.abort(finished);
    // It may fail after nothing waits for it any more.
    running.catch(() => undefined);
    late.catch(() => undefined);
  }
}
