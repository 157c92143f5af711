/**
 * The other instances that commit to the same log. Of attempts that are made at once all but one are lost work, so while there
 * are rivals they take turns: all of them read the same log, and whose last record is the oldest goes first. This is a hint
 * alone. No rule depends on it, and who does not come when its turn is there is passed over.
 */
import type { Runtime } from '../runtime.ts';

/** Commits of one turn: catching up takes as long as a commit or two. */
const turnCommits = 4;
/** A rival counts for so long after its last record. */
const rivalMs = 5000;
/** What one commit counts for at most, in ms: a store that hangs must not make others wait for it. */
const mostCommitMs = 250;

export class Rivals {
  readonly #runtime: Pick<Runtime, 'monotonicMs'>;
  readonly #self: string;
  /** Writers of records, by when their last one was seen; the longest ago comes first. */
  readonly #seenMs = new Map<string, number>();
  /** Who wrote the last record, and how many of its turn it has written. */
  #turn = { writer: '', commits: 0 };
  #grewMs = -Infinity;
  #commitMs = 0;

  constructor(runtime: Pick<Runtime, 'monotonicMs'>, self: string) {
    this.#runtime = runtime;
    this.#self = self;
  }

  /** The next record of the log, by its writer. */
  note(writer: string): void {
    const isNext = this.#turn.writer !== writer || this.#turn.commits === turnCommits;
    // Two turns of ours, one after the other: nobody else came.
    if (isNext && writer === this.#self && this.#turn.writer === writer) this.#seenMs.clear();
    this.#turn = { writer, commits: isNext ? 1 : this.#turn.commits + 1 };
    this.#grewMs = this.#runtime.monotonicMs();
    this.#seenMs.delete(writer);
    this.#seenMs.set(writer, this.#grewMs);
  }

  /** A commit of ours that took so long: from looking at the log to the record, in ms. */
  noteCommit(tookMs: number): void {
    // Attempts get in each other's way: one that was quick tells more than many that were slow.
    const usual = this.#commitMs === 0 ? tookMs : this.#commitMs * 0.9 + tookMs * 0.1;
    this.#commitMs = Math.min(tookMs, usual, mostCommitMs);
  }

  /**
   * How long to leave the log to others, in ms: those whose turn is before this instance's are passed over when the log has not
   * grown for as long as each of them takes for a commit.
   */
  get waitMs(): number {
    const now = this.#runtime.monotonicMs();
    for (const [writer, seenMs] of this.#seenMs) if (seenMs < now - rivalMs) this.#seenMs.delete(writer);
    const before = [...this.#seenMs.keys()].indexOf(this.#self);
    const isOver = this.#turn.commits === turnCommits;
    const isOurs = this.#turn.writer === this.#self;
    if (before < 0 || (isOurs && !isOver)) return 0;
    return Math.max(0, this.#grewMs + (before + (isOver ? 0 : 1)) * this.#commitMs - now);
  }
}
