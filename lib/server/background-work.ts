/**
 * What goes on after an answer: the promises that handlers pass to `waitUntil`, which a server of our own awaits before it
 * ends. On Vercel the platform does that.
 */
export class BackgroundWork {
  readonly #running = new Set<Promise<unknown>>();

  /** Makes `waitUntil` of @vercel/functions add to this work, in this whole process. */
  install(): void {
    const context = { waitUntil: (promise: Promise<unknown>): void => this.add(promise) };
    Reflect.set(globalThis, Symbol.for('@vercel/request-context'), { get: () => context });
  }

  add(promise: Promise<unknown>): void {
    this.#running.add(promise);
    const remove = (): void => void this.#running.delete(promise);
    promise.then(remove, remove);
  }

  /** Resolves when nothing is left, work that began meanwhile included. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }
}
