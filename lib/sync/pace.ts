/**
 * The pace of commits on a store that asks for patience: the pause between two of them grows each time that it does, and
 * goes back while it does not. Meanwhile requests queue, and one commit takes more of them: fewer writes to the store,
 * and none refused.
 *
 * Owns: the length of that pause. The worst that can happen: a pause that stays when the store has long recovered, so
 * each commit that went through halves it.
 */
const firstPauseMs = 100;
const mostPauseMs = 5000;

export class Pace {
  #pauseMs = 0;

  /** How long to gather requests before the next commit, in ms. */
  get pauseMs(): number {
    return this.#pauseMs;
  }

  /** The store asked for patience. */
  slow(): void {
    this.#pauseMs = Math.min(mostPauseMs, Math.max(firstPauseMs, this.#pauseMs * 2));
  }

  /** A commit went through at once. */
  ease(): void {
    this.#pauseMs = this.#pauseMs > firstPauseMs ? this.#pauseMs / 2 : 0;
  }
}
