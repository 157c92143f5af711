/** The reading sessions of a replica: made when they are needed, and only so many. */
import type { DuckDBInstance } from '@duckdb/node-api';
import { Semaphore } from '../async/semaphore.ts';
import { AppError } from '../errors.ts';
import { Session } from './sql.ts';

export class ReaderPool {
  readonly #instance: DuckDBInstance;
  readonly #places: Semaphore;
  readonly #idle: Session[] = [];

  constructor(instance: DuckDBInstance, most: number) {
    this.#instance = instance;
    this.#places = new Semaphore({ permits: most });
  }

  use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#places.use(async () => {
      const session = this.#idle.pop() ?? new Session(await this.#instance.connect());
      try {
        return await work(session);
      } finally {
        this.#idle.push(session);
      }
    });
  }

  /** Waits for the readers at work; those that still wait are refused. */
  async close(): Promise<void> {
    await this.#places.close(new AppError('unavailable', 'The replica is closed.'));
    for (const session of this.#idle.splice(0)) session.close();
  }
}
