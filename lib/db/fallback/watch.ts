/**
 * Whether the primary backend is there: watches its calls, and decides when one has waited long enough. Every error that could
 * mean an outage, and every call that takes long, is followed by a ping: what answers it is there, and the error is the
 * caller's. A commit under way cannot be given up, and ends as `indeterminate`.
 */
import { AppError, isAppError } from '../../errors.ts';
import type { Runtime } from '../../runtime.ts';
import type { Link } from './link.ts';
import { Outage, type OutageMemory } from './outage.ts';
import { withinTime } from '../../store/time-limit.ts';

/** A call of the primary. */
export interface Call<T> {
  run(): Promise<T>;
  /** Gives the call up if nothing of it can happen any more; whether it did. It may be asked again. */
  abandon(): boolean;
}

export type Attempt<T> = { readonly kind: 'answered'; readonly value: T } | { readonly kind: 'away' };

/** How long a call may take before somebody looks whether the backend is there, in ms. */
const patienceMs = 3000;
const pingMs = 2000;
/** When the caller of a commit under way is told that nobody knows, in ms. */
const mostWaitMs = 9500;

export class Watch {
  readonly #primary: Link;
  readonly #runtime: Runtime;
  readonly #memory: OutageMemory;
  readonly #calls = new Set<() => void>();
  #outage: Outage | null = null;
  #ping: Promise<void> | null = null;

  constructor(primary: Link, runtime: Runtime, memory: OutageMemory) {
    this.#primary = primary;
    this.#runtime = runtime;
    this.#memory = memory;
  }

  /** Null while the primary serves. */
  get outage(): Outage | null {
    return this.#outage;
  }

  /** Begins in an outage that another process on this machine has met of late. */
  async recall(): Promise<void> {
    const note = await this.#memory.load();
    // What was met long ago says nothing: nobody has looked since.
    if (note && this.#runtime.now() - note.nextLookMs < 60_000) this.#outage = new Outage(this.#runtime, { note });
  }

  /** The primary serves again. */
  async end(): Promise<void> {
    this.#outage = null;
    await this.#memory.clear();
  }

  /** Notes that the primary is away, or still is. */
  begin(error: unknown): void {
    if (this.#outage) this.#outage.lookFailed(error);
    else this.#outage = new Outage(this.#runtime, { error });
    void this.#memory.save(this.#outage.note);
    for (const tell of this.#calls) tell();
  }

  /** The primary is there, and must not serve before what was kept for it has been run. */
  beginDraining(): void {
    this.#outage ??= new Outage(this.#runtime, 'draining');
  }

  /** Runs a call until it ends or the primary is away. @throws what the call throws, if that is the call's own matter. */
  attempt<T>(call: Call<T>): Promise<Attempt<T>> {
    return new Promise((resolve, reject) => {
      const ended = new AbortController();
      const end = (tell: () => void): void => {
        ended.abort();
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

  /** Whether `error` means that the primary is away. */
  async #judge(error: unknown): Promise<boolean> {
    if (!isAppError(error, 'unavailable', 'indeterminate', 'denied')) return false;
    // A store that refuses one kind of request is of no use, whatever it says to a ping.
    if (error.kind === 'denied' && this.#primary.place) {
      if (!this.#outage) this.begin(error);
      return true;
    }
    await this.#look();
    // An unknown outcome stays unknown, whoever serves from now on.
    return this.#outage !== null && error.kind !== 'indeterminate';
  }

  async #lookNowAndThen(signal: AbortSignal, giveUp: () => void): Promise<void> {
    const beganMs = this.#runtime.monotonicMs();
    for (;;) {
      const leftMs = beganMs + mostWaitMs - this.#runtime.monotonicMs();
      await this.#runtime.sleep(leftMs > 0 ? Math.min(patienceMs, leftMs) : patienceMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      if (this.#outage && this.#runtime.monotonicMs() - beganMs >= mostWaitMs) return giveUp();
      await this.#look();
    }
  }

  /** One ping, which all who ask meanwhile share; begins an outage when it fails. */
  async #look(): Promise<void> {
    if (this.#outage) return;
    this.#ping ??= this.ping().then(
      () => undefined,
      (error: unknown) => {
        if (!this.#outage) this.begin(error);
      },
    );
    await this.#ping;
    this.#ping = null;
  }

  /** @throws AppError when the primary does not answer */
  ping(): Promise<void> {
    return withinTime(this.#runtime, pingMs, (signal) => this.#primary.ping(signal));
  }
}

function unknownOutcome(): AppError {
  return new AppError('indeterminate', 'The database went away while it committed.', {
    hint: 'The write may have been committed. Read before you repeat it.',
  });
}
