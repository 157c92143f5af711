/**
 * The reading sessions of a replica.
 *
 * Owns: how many there are and who waits. The worst that can happen: a session used after its instance was closed; so
 * closing waits for those in use, and none is given out afterwards.
 */
import type { DuckDBInstance } from '@duckdb/node-api';
import { AppError } from '../errors.ts';
import { Session } from './sql.ts';

/** Sessions for reading, made when needed, at most so many; more readers wait their turn. */
export class ReaderPool {
  readonly #instance: DuckDBInstance;
  readonly #most: number;
  readonly #idle: Session[] = [];
  readonly #waiting: (() => void)[] = [];
  #busy = 0;
  #drained: (() => void) | null = null;
  #closed = false;

  constructor(instance: DuckDBInstance, most: number) {
    this.#instance = instance;
    this.#most = most;
  }

  async use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    while (this.#busy >= this.#most) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#closed) throw new AppError('unavailable', 'The replica is closed.');
    this.#busy++;
    try {
      const session = this.#idle.pop() ?? new Session(await this.#instance.connect());
      try {
        return await work(session);
      } finally {
        this.#idle.push(session);
      }
    } finally {
      this.#busy--;
      this.#waiting.shift()?.();
      if (this.#busy === 0) this.#drained?.();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#busy > 0) await new Promise<void>((resolve) => (this.#drained = resolve));
    for (const session of this.#idle.splice(0)) session.close();
  }
}
