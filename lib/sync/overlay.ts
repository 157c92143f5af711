/**
 * Changes on top of a replica that are seen and never kept: one transaction that stays open and is always rolled back.
 */
import type { DuckDBInstance } from '@duckdb/node-api';
import { AppError } from '../errors.ts';
import type { Definitions } from './definitions.ts';
import type { Position } from './position.ts';
import { Session } from './sql.ts';
import { Turn } from './turn.ts';

/** What is done in a transaction that only reads: on its session, at its version, with the tables that there are then. */
export type StateWork<T> = (session: Session, version: number, definitions: Definitions) => Promise<T>;

/** A state in a local DuckDB file, read without the store: the base of an overlay. */
export interface LocalState {
  /** Where the state is on its log. */
  readonly position: Position;
  /** Age in ms of the newest proof that the state was at the head; null when nobody knows. */
  readonly ageMs: number | null;
  /** Runs `work` in a read-only transaction. */
  read<T>(work: StateWork<T>, signal?: AbortSignal): Promise<T>;
  openOverlay(): Promise<Overlay>;
}

export class Overlay {
  readonly #session: Session;
  readonly #turn = new Turn();
  readonly #onEnd: (overlay: Overlay) => void;
  #state: 'sound' | 'broken' | 'ended' = 'sound';

  /** Of the base state. */
  readonly definitions: Definitions;

  private constructor(session: Session, definitions: Definitions, onEnd: (overlay: Overlay) => void) {
    this.#session = session;
    this.definitions = definitions;
    this.#onEnd = onEnd;
  }

  static async begin(
    instance: DuckDBInstance,
    definitions: Definitions,
    onEnd: (overlay: Overlay) => void,
  ): Promise<Overlay> {
    const session = new Session(await instance.connect());
    try {
      await session.execute('BEGIN TRANSACTION');
    } catch (error) {
      session.close();
      throw error;
    }
    return new Overlay(session, definitions, onEnd);
  }

  /** Whether it can be used: neither ended nor aborted by DuckDB. */
  get isSound(): boolean {
    return this.#state === 'sound';
  }

  /** Records that a statement failed: DuckDB has aborted the transaction and all its changes. */
  spoil(): void {
    if (this.#state === 'sound') this.#state = 'broken';
  }

  /** Runs `work` alone on the session. */
  use<T>(work: (session: Session) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#turn.take(async () => {
      if (this.#state !== 'sound') throw new AppError('unavailable', 'The overlay has ended.', { retryAfterMs: 1000 });
      const interrupt = (): void => this.#session.connection.interrupt();
      signal?.addEventListener('abort', interrupt);
      try {
        return await work(this.#session);
      } finally {
        signal?.removeEventListener('abort', interrupt);
      }
    });
  }

  /** Waits for its users, then discards the changes. */
  end(): Promise<void> {
    return this.#turn.take(async () => {
      if (this.#state === 'ended') return;
      this.#state = 'ended';
      // Also when DuckDB gave the transaction up before: then there is nothing left to roll back, and it says so.
      await this.#session.execute('ROLLBACK').catch(() => undefined);
      this.#session.close();
      this.#onEnd(this);
    });
  }
}
