/** Releases the permit; further calls do nothing. */
export type Release = () => void;

export interface SemaphoreLimits {
  /** How many may hold a place at one time. */
  readonly permits: number;
  /** Most weight of all permits together. A single one may weigh more. Default: any weight. */
  readonly weight?: number;
  /** How many may wait, and what they may weigh together. Default: any number, any weight. */
  readonly waiting?: number;
  readonly waitingWeight?: number;
}

export interface AcquireOptions {
  readonly weight?: number;
  /** Ends the wait with its reason. */
  readonly signal?: AbortSignal | undefined;
}

interface Waiter {
  readonly weight: number;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * A counting semaphore. Every waiter is settled: with a permit, its signal's reason, or the error passed to `close`.
 *
 * @example const release = await semaphore.acquire({ signal }); try { … } finally { release(); }
 */
export class Semaphore {
  readonly #limits: Required<SemaphoreLimits>;
  /** The error for one that would have to wait when too many wait already. */
  readonly #full: () => Error;
  readonly #waiting = new Set<Waiter>();
  #held = 0;
  #weight = 0;
  #waitingWeight = 0;
  #closedBy: Error | null = null;
  #idle: PromiseWithResolvers<void> | null = null;

  constructor(limits: SemaphoreLimits, full: () => Error = () => new Error('Too many wait already.')) {
    this.#limits = { weight: Infinity, waiting: Infinity, waitingWeight: Infinity, ...limits };
    this.#full = full;
  }

  /** A permit that is free now; null when there is none, or the semaphore is closed. */
  tryAcquire(weight = 0): Release | null {
    if (this.#closedBy || this.#waiting.size > 0 || !this.#fits(weight)) return null;
    this.#take(weight);
    return this.#releaseOnce(weight);
  }

  /** Resolves when a permit is free. @throws the signal's reason; the error of `full`; the error of `close` */
  async acquire({ weight = 0, signal }: AcquireOptions = {}): Promise<Release> {
    signal?.throwIfAborted();
    const free = this.tryAcquire(weight);
    if (free) return free;
    if (this.#closedBy) throw this.#closedBy;
    await this.#wait(weight, signal);
    return this.#releaseOnce(weight);
  }

  /** Runs `work` with a place. */
  async use<T>(work: () => Promise<T>, options?: AcquireOptions): Promise<T> {
    const release = await this.acquire(options);
    try {
      return await work();
    } finally {
      release();
    }
  }

  /** Rejects all present and future waiters with `reason`; resolves when all permits are released. */
  async close(reason: Error): Promise<void> {
    this.#closedBy ??= reason;
    for (const waiter of this.#waiting) {
      this.#forget(waiter);
      waiter.reject(reason);
    }
    if (this.#held > 0) await (this.#idle ??= Promise.withResolvers<void>()).promise;
  }

  #releaseOnce(weight: number): Release {
    let holds = true;
    return () => {
      if (!holds) return;
      holds = false;
      this.#held -= 1;
      this.#weight -= weight;
      this.#admit();
      if (this.#held === 0) this.#idle?.resolve();
    };
  }

  #fits(weight: number): boolean {
    return this.#held < this.#limits.permits && (this.#held === 0 || this.#weight + weight <= this.#limits.weight);
  }

  #take(weight: number): void {
    this.#held += 1;
    this.#weight += weight;
  }

  /** In the order of arrival, so that small ones do not overtake a large one for ever. */
  #admit(): void {
    for (const waiter of this.#waiting) {
      if (!this.#fits(waiter.weight)) return;
      this.#forget(waiter);
      this.#take(waiter.weight);
      waiter.resolve();
    }
  }

  #forget(waiter: Waiter): void {
    if (this.#waiting.delete(waiter)) this.#waitingWeight -= waiter.weight;
  }

  async #wait(weight: number, signal: AbortSignal | undefined): Promise<void> {
    const { waiting, waitingWeight } = this.#limits;
    if (this.#waiting.size >= waiting || this.#waitingWeight + weight > waitingWeight) throw this.#full();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { weight, resolve, reject };
    this.#waiting.add(waiter);
    this.#waitingWeight += weight;
    const abort = (): void => {
      this.#forget(waiter);
      reject(signal?.reason as Error);
      // One that waits behind it may fit where it did not.
      this.#admit();
    };
    signal?.addEventListener('abort', abort, { once: true });
    try {
      await promise;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }
}
