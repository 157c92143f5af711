/** What refuses writes at present, as far as this process knows: a full disk shows nowhere else. */
import { isAppError } from '../errors.ts';

export interface RefusedWrites {
  readonly atMs: number;
  readonly message: string;
}

export class WriteTrouble {
  #last: RefusedWrites | null = null;

  /** Records how a write ended; `error` is null when it succeeded. Faults of the write itself do not count. */
  note(error: unknown, nowMs: number): void {
    if (error === null) this.#last = null;
    else if (isAppError(error, 'unavailable', 'denied', 'corrupt', 'outdated'))
      this.#last = { atMs: nowMs, message: [error.message, error.hint].filter(Boolean).join(' ') };
  }

  forget(): void {
    this.#last = null;
  }

  /** Null when the last write was taken. */
  describe(nowMs: number): string | null {
    if (!this.#last) return null;
    const seconds = Math.round((nowMs - this.#last.atMs) / 1000);
    return `The last write failed ${seconds} s ago: ${this.#last.message}`;
  }
}
