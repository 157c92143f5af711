import type { Runtime } from '../../runtime.ts';

/** Together a request stays under ten seconds, so that a fallback can take over within it. */
export interface Limits {
  /** Until a connection is open, or one of the pool is free. */
  readonly connectMs: number;
  /** Until the server answers the beginning of a transaction; one that lives does so at once. */
  readonly beginMs: number;
  /** A read or write from its beginning to the sending of COMMIT. */
  readonly operationMs: number;
  /** At least this long COMMIT is waited for. */
  readonly commitMs: number;
  /** A write whose COMMIT was not answered: from its beginning until its outcome counts as unknown. */
  readonly outcomeMs: number;
  readonly migrationMs: number;
  /** How often a transaction runs that others got in the way of. */
  readonly attempts: number;
  readonly maxConnections: number;
  /** How long an unused connection is kept; Vercel keeps an instance awake for it. */
  readonly idleMs: number;
  readonly retainMs: number;
}

export const defaultLimits: Limits = {
  connectMs: 3500,
  beginMs: 2000,
  operationMs: 6500,
  commitMs: 1500,
  outcomeMs: 9500,
  migrationMs: 120_000,
  attempts: 12,
  maxConnections: 10,
  idleMs: 5000,
  retainMs: 24 * 3600 * 1000,
};

class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** Waits that are under way: one look now and then serves all of them, since nearly none ever ends by its limit. */
class Waits {
  readonly #runtime: Runtime;
  readonly #giveUps = new Map<object, { readonly untilMs: number; readonly giveUp: () => void }>();
  #isLooking = false;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Answers what ends the wait. */
  begin(ms: number, giveUp: () => void): () => void {
    const wait = {};
    this.#giveUps.set(wait, { untilMs: this.#runtime.monotonicMs() + ms, giveUp });
    if (!this.#isLooking) void this.#look();
    return () => void this.#giveUps.delete(wait);
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    while (this.#giveUps.size > 0) {
      await this.#runtime.sleep(lookEveryMs);
      const now = this.#runtime.monotonicMs();
      for (const { untilMs, giveUp } of this.#giveUps.values()) if (untilMs <= now) giveUp();
    }
    this.#isLooking = false;
  }
}

const lookEveryMs = 50;
const waitsOf = new WeakMap<Runtime, Waits>();

/** @throws what `result` does; the signal's reason; that there was no answer in time, give or take 50 ms */
export function within<T>(runtime: Runtime, ms: number, result: Promise<T>, signal?: AbortSignal): Promise<T> {
  const waits = waitsOf.get(runtime) ?? new Waits(runtime);
  waitsOf.set(runtime, waits);
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const stop = (): void => settle(() => reject(signal?.reason));
  const end = waits.begin(ms, () => {
    settle(() => reject(new NoAnswer(`PostgreSQL did not answer within ${Math.round(ms)} ms.`)));
  });
  const settle = (tell: () => void): void => {
    end();
    signal?.removeEventListener('abort', stop);
    tell();
  };
  if (signal?.aborted) stop();
  else signal?.addEventListener('abort', stop, { once: true });
  result.then(
    (value) => settle(() => resolve(value)),
    (error: unknown) => settle(() => reject(error)),
  );
  return promise;
}
