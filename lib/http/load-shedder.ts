/**
 * Limits the requests under way in this process, by kind: further ones wait in line, and when the line is full they are
 * refused at once with a request to retry.
 *
 * A request is in one queue, once, and needs no other queue to finish, so queues cannot wait for each other.
 * Many writes run at one time: they share commits, which is what makes them fast.
 */
import { type Release, Semaphore } from '../async/semaphore.ts';
import { finished, type Runtime } from '../runtime.ts';
import { RequestError } from './problem.ts';
import type { Load } from './terms.ts';

export interface QueueLimits {
  readonly running: number;
  readonly waiting: number;
  /** Of bodies, of those that run and of those that wait. A single one may have more. */
  readonly runningBytes: number;
  readonly waitingBytes: number;
  readonly maxWaitMs: number;
}

export type LoadLimits = Readonly<Record<Load, QueueLimits>>;

const mebibyte = 1024 * 1024;
const bytes = { runningBytes: 32 * mebibyte, waitingBytes: 64 * mebibyte, maxWaitMs: 10_000 };

export const defaultLoadLimits: LoadLimits = {
  read: { running: 64, waiting: 1000, ...bytes },
  write: { running: 1000, waiting: 1000, ...bytes },
  query: { running: 32, waiting: 1000, ...bytes },
  transfer: { running: 2, waiting: 8, ...bytes },
  events: { running: 100, waiting: 0, ...bytes },
  free: { running: 100, waiting: 100, ...bytes },
};

export class LoadShedder {
  readonly #queues: Readonly<Record<Load, LoadQueue>>;

  constructor(runtime: Runtime, limits: LoadLimits) {
    this.#queues = {
      read: new LoadQueue(runtime, limits.read),
      write: new LoadQueue(runtime, limits.write),
      query: new LoadQueue(runtime, limits.query),
      transfer: new LoadQueue(runtime, limits.transfer),
      events: new LoadQueue(runtime, limits.events),
      free: new LoadQueue(runtime, limits.free),
    };
  }

  /**
   * Resolves when it is this request's turn. `bodyBytes`: the most that its body can have.
   *
   * @throws RequestError 503 when too many wait already, or it waited for too long; the signal's reason when aborted
   */
  enter(load: Load, bodyBytes: number, signal: AbortSignal): Promise<Release> {
    return this.#queues[load].enter(bodyBytes, signal);
  }
}

class LoadQueue {
  readonly #runtime: Runtime;
  readonly #maxWaitMs: number;
  readonly #places: Semaphore;

  constructor(runtime: Runtime, { running, runningBytes, waiting, waitingBytes, maxWaitMs }: QueueLimits) {
    this.#runtime = runtime;
    this.#maxWaitMs = maxWaitMs;
    const limits = { permits: running, weight: runningBytes, waiting, waitingWeight: waitingBytes };
    this.#places = new Semaphore(limits, overloaded);
  }

  async enter(bodyBytes: number, signal: AbortSignal): Promise<Release> {
    return this.#places.tryAcquire(bodyBytes) ?? (await this.#wait(bodyBytes, signal));
  }

  async #wait(bodyBytes: number, signal: AbortSignal): Promise<Release> {
    const late = new AbortController();
    const decided = new AbortController();
    const timer = this.#runtime.sleep(this.#maxWaitMs, decided.signal).then(
      () => late.abort(overloaded()),
      () => undefined,
    );
    try {
      return await this.#places.acquire({ weight: bodyBytes, signal: AbortSignal.any([signal, late.signal]) });
    } finally {
      decided.abort(finished);
      await timer;
    }
  }
}

function overloaded(): RequestError {
  return new RequestError(503, 'This instance is overloaded. Nothing was done. Try again.', {
    headers: { 'retry-after': '1' },
  });
}
