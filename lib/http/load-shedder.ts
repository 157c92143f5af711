/**
 * How many requests may be under way in this process at one time, by what they load: those beyond wait in line, and those
 * beyond that are answered at once that they should come again.
 *
 * Owns: the lanes and their limits, in requests and in bytes of bodies. A request is in one lane, once, and needs nothing
 * of another lane to finish, so lanes cannot wait for each other. Many writes run at one time: they share commits, which
 * is what makes them fast. The worst that can happen: memory runs out, and takes with it what all others waited for; or
 * a place that is never given back.
 */
import type { Runtime } from '../runtime.ts';
import { RequestError } from './problem.ts';
import type { Load } from './terms.ts';

export interface LaneLimits {
  readonly running: number;
  readonly waiting: number;
  /** Of bodies, of those that run and of those that wait. A single one may have more. */
  readonly runningBytes: number;
  readonly waitingBytes: number;
  readonly maxWaitMs: number;
}

export type LoadLimits = Readonly<Record<Load, LaneLimits>>;

const mebibyte = 1024 * 1024;
const bytes = { runningBytes: 32 * mebibyte, waitingBytes: 64 * mebibyte, maxWaitMs: 10_000 };

export const defaultLoadLimits: LoadLimits = {
  read: { running: 64, waiting: 1000, ...bytes },
  write: { running: 1000, waiting: 1000, ...bytes },
  query: { running: 2, waiting: 16, ...bytes },
  transfer: { running: 2, waiting: 8, ...bytes },
  events: { running: 100, waiting: 0, ...bytes },
  free: { running: 100, waiting: 100, ...bytes },
};

/** Gives the place back; once, however often it is called. */
export type Leave = () => void;

export class LoadShedder {
  readonly #lanes: Readonly<Record<Load, Lane>>;

  constructor(runtime: Runtime, limits: LoadLimits) {
    this.#lanes = {
      read: new Lane(runtime, limits.read),
      write: new Lane(runtime, limits.write),
      query: new Lane(runtime, limits.query),
      transfer: new Lane(runtime, limits.transfer),
      events: new Lane(runtime, limits.events),
      free: new Lane(runtime, limits.free),
    };
  }

  /**
   * Resolves when it is this request's turn. `bodyBytes`: the most that its body can have.
   *
   * @throws RequestError 503 when too many wait already, or it waited for too long; the signal's reason when aborted
   */
  enter(load: Load, bodyBytes: number, signal: AbortSignal): Promise<Leave> {
    return this.#lanes[load].enter(bodyBytes, signal);
  }
}

interface Waiter {
  readonly bodyBytes: number;
  readonly go: () => void;
}

class Lane {
  readonly #runtime: Runtime;
  readonly #limits: LaneLimits;
  readonly #waiting = new Set<Waiter>();
  #running = 0;
  #runningBytes = 0;
  #waitingBytes = 0;

  constructor(runtime: Runtime, limits: LaneLimits) {
    this.#runtime = runtime;
    this.#limits = limits;
  }

  async enter(bodyBytes: number, signal: AbortSignal): Promise<Leave> {
    if (this.#waiting.size > 0 || !this.#fits(bodyBytes)) await this.#wait(bodyBytes, signal);
    else this.#take(bodyBytes);
    let isInside = true;
    return () => {
      if (!isInside) return;
      isInside = false;
      this.#running -= 1;
      this.#runningBytes -= bodyBytes;
      this.#admit();
    };
  }

  #fits(bodyBytes: number): boolean {
    const { running, runningBytes } = this.#limits;
    return this.#running < running && (this.#running === 0 || this.#runningBytes + bodyBytes <= runningBytes);
  }

  #take(bodyBytes: number): void {
    this.#running += 1;
    this.#runningBytes += bodyBytes;
  }

  /** In the order of arrival, so that a large one is not passed by small ones for ever. */
  #admit(): void {
    for (const waiter of this.#waiting) {
      if (!this.#fits(waiter.bodyBytes)) return;
      this.#forget(waiter);
      this.#take(waiter.bodyBytes);
      waiter.go();
    }
  }

  #forget(waiter: Waiter): void {
    if (this.#waiting.delete(waiter)) this.#waitingBytes -= waiter.bodyBytes;
  }

  async #wait(bodyBytes: number, signal: AbortSignal): Promise<void> {
    const { waiting, waitingBytes, maxWaitMs } = this.#limits;
    if (this.#waiting.size >= waiting || this.#waitingBytes + bodyBytes > waitingBytes) throw overloaded();
    signal.throwIfAborted();
    const decided = new AbortController();
    const { promise: turn, resolve: go } = Promise.withResolvers<void>();
    const waiter: Waiter = { bodyBytes, go };
    this.#waiting.add(waiter);
    this.#waitingBytes += bodyBytes;
    const patience = this.#runtime.sleep(maxWaitMs, AbortSignal.any([signal, decided.signal]));
    // Whoever was let in in the very moment of losing patience has a place, and takes it.
    const giveUp = (error: unknown): void => {
      if (this.#waiting.has(waiter)) throw error;
    };
    try {
      await Promise.race([turn, patience.then(() => giveUp(overloaded()), giveUp)]);
    } finally {
      decided.abort();
      this.#forget(waiter);
    }
  }
}

function overloaded(): RequestError {
  return new RequestError(
    503,
    'This instance has more requests under way than it can serve. Nothing was done. Try again.',
    {
      headers: { 'retry-after': '1' },
    },
  );
}
