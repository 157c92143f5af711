/** Problems that did not stop an operation, as db-status shows them. */
import { AppError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';

const most = 20;

export class Warnings {
  readonly #runtime: Pick<Runtime, 'now'>;
  readonly #messages: string[] = [];

  constructor(runtime: Pick<Runtime, 'now'>) {
    this.#runtime = runtime;
  }

  /** Newest last. */
  list(): readonly string[] {
    return [...this.#messages];
  }

  readonly note = (message: string, cause?: unknown): void => {
    const why = cause instanceof AppError ? ` (${cause.message})` : '';
    this.#messages.push(`${new Date(this.#runtime.now()).toISOString()} ${message}${why}`);
    if (this.#messages.length > most) this.#messages.shift();
  };
}
