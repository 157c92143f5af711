/**
 * The proof that a replica is at the head of the log: when it was last proved, and how long that may be trusted.
 *
 * Records are dropped after a day, so an absent next record proves nothing to a process that slept: it may have been
 * dropped. Knows nothing of DuckDB.
 */
import type { Runtime } from '../runtime.ts';
import type { SyncSettings } from './context.ts';

/** A moment on both clocks. A frozen machine may stop one, a corrected clock may jump the other. */
export interface Moment {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export function momentNow(runtime: Runtime): Moment {
  return { wallMs: runtime.now(), monotonicMs: runtime.monotonicMs() };
}

/** Time since `moment` in ms, by whichever clock says more; infinite when the wall clock went backwards by over a minute. */
function elapsedMs(runtime: Runtime, moment: Moment): number {
  const wall = runtime.now() - moment.wallMs;
  if (wall < -60_000) return Infinity;
  return Math.max(wall, runtime.monotonicMs() - moment.monotonicMs);
}

/**
 * What is known of the head. Two things count as proof for `proofMs`: an operation that showed the replica at the head,
 * and a look at the snapshots. The second because retention drops a record only when two snapshots at or after it are
 * older than `keepSnapshotMs`: what no snapshot covered at the look is still there an hour later.
 */
export class HeadProof {
  readonly #runtime: Runtime;
  readonly #settings: SyncSettings;
  #trustedAt: Moment | null = null;
  #provedAt: Moment | null = null;
  #provedVersion = 0;
  #newestSnapshot = 0;

  constructor(runtime: Runtime, settings: SyncSettings) {
    this.#runtime = runtime;
    this.#settings = settings;
  }

  /** Records that `version` was the head at `moment`, when the operation that showed it began. */
  prove(moment: Moment, version: number): void {
    this.#provedAt = moment;
    this.#provedVersion = version;
    this.#trustedAt = moment;
  }

  /** Records a listing of the snapshots that began at `moment`; `newest` is the highest version among them, 0 if none. */
  looked(moment: Moment, newest: number): void {
    this.#trustedAt = moment;
    this.#newestSnapshot = Math.max(this.#newestSnapshot, newest);
  }

  /** The next catching up looks at the snapshots, whatever is trusted. */
  doubt(): void {
    this.#trustedAt = null;
  }

  /** Forgets everything: it was about another log. */
  forget(): void {
    this.doubt();
    this.#provedAt = null;
    this.#provedVersion = 0;
    this.#newestSnapshot = 0;
  }

  /** The head that was proved last. A replica below it, such as one rebuilt since, is not covered by that proof. */
  get provedVersion(): number {
    return this.#provedVersion;
  }

  /** A replica below this version is behind, whatever the store says of its next record. */
  get newestSnapshot(): number {
    return this.#newestSnapshot;
  }

  /** Age in ms of the newest proof of the head; infinite when there is none. */
  ageMs(): number {
    return this.#provedAt ? elapsedMs(this.#runtime, this.#provedAt) : Infinity;
  }

  /** Whether the head was proved at some time since `monotonicMs`. */
  provedSince(monotonicMs: number): boolean {
    return (
      this.#provedAt !== null && this.#provedAt.monotonicMs >= monotonicMs && this.ageMs() < this.#settings.proofMs
    );
  }

  /**
   * Whether what the store says of the next record means nothing without a look at the snapshots. Asked after the
   * operation has ended, so that a freeze in its middle counts.
   */
  get needsLook(): boolean {
    return this.#sinceTrusted() >= this.#settings.proofMs;
  }

  /** Whether to prove the head again before a commit, so that the commit ends well within `proofMs`. */
  get isStale(): boolean {
    return this.#sinceTrusted() >= this.#settings.proofMs / 2;
  }

  #sinceTrusted(): number {
    return this.#trustedAt ? elapsedMs(this.#runtime, this.#trustedAt) : Infinity;
  }
}

/** Runs a probe that callers share; each caller gets one that began after it asked. */
export class SharedProbe<T> {
  readonly #run: () => Promise<T>;
  #running: Promise<T> | null = null;
  #waiting: Promise<T> | null = null;

  constructor(run: () => Promise<T>) {
    this.#run = run;
  }

  join(): Promise<T> {
    if (!this.#running) return this.#start();
    this.#waiting ??= this.#running.then(
      () => this.#start(),
      () => this.#start(),
    );
    return this.#waiting;
  }

  #start(): Promise<T> {
    this.#waiting = null;
    const running = this.#run().finally(() => {
      if (this.#running === running) this.#running = null;
    });
    this.#running = running;
    return running;
  }
}
