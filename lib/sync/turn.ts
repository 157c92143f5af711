/**
 * Taking turns: one holder at a time, in the order of asking.
 */
export class Turn {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work` when all earlier callers are done, whether they succeeded or not. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work, work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}
