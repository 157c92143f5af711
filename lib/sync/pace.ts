/**
 * The pause between commits: it grows each time the store throttles, and each commit that succeeds halves it. Meanwhile
 * requests queue and one commit takes more of them: fewer writes to the store, and no request is refused.
 */
const firstPauseMs = 100;
const mostPauseMs = 5000;

export class Pace {
  #pauseMs = 0;

  /** How long to gather requests before the next commit, in ms. */
  get pauseMs(): number {
    return this.#pauseMs;
  }

  /** The store throttled a commit. */
  slow(): void {
    this.#pauseMs = Math.min(mostPauseMs, Math.max(firstPauseMs, this.#pauseMs * 2));
  }

  /** A commit succeeded at once. */
  ease(): void {
    this.#pauseMs = this.#pauseMs > firstPauseMs ? this.#pauseMs / 2 : 0;
  }
}
