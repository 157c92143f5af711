/**
 * A write that was accepted while the primary backend was away: its form in the store, and its id, which says when its turn is.
 */
import { AppError } from '../../errors.ts';
import type { Runtime } from '../../runtime.ts';
import type { PlainValue } from '../../values.ts';
import { seal, unseal } from '../../sync/sealed.ts';
import { fromFormer } from './former-commands.ts';
import type { Addressee } from './target.ts';

/** In format 1, commands are those of former-commands.ts. */
export const pendingFormat = 2;

export interface PendingWrite extends Addressee {
  readonly format: typeof pendingFormat;
  /** Sorts by time; see `PendingIds`. */
  readonly id: string;
  /** When it was accepted, ISO 8601. For people; no rule depends on it. */
  readonly time: string;
  /** Id of the process that accepted it. */
  readonly writer: string;
  /** The write as its handler gave it, with what its first run decided. */
  readonly command: PlainValue;
}

export function encodePendingWrite(write: PendingWrite): Uint8Array {
  return seal(write);
}

/** @throws AppError `corrupt`; `outdated` when a newer version wrote it */
export function decodePendingWrite(bytes: Uint8Array, key: string, id: string): PendingWrite {
  const write = unseal(bytes) as (Omit<PendingWrite, 'format'> & { readonly format: number }) | undefined;
  if (write?.id !== id) {
    throw new AppError('corrupt', `The pending write ${key} is damaged; it stays where it is and is not run.`);
  }
  if (write.format === 1) return { ...write, format: pendingFormat, command: fromFormer(write.command) };
  if (write.format === pendingFormat) return { ...write, format: pendingFormat };
  throw new AppError('outdated', `The pending write ${key} has format ${String(write.format)}.`, {
    hint: 'A newer version of Eider wrote it: deploy that version everywhere.',
  });
}

/**
 * Makes ids whose order is that of the writes: milliseconds, then a UUID. One that is made after another was made or seen
 * here sorts after it, whatever the clocks of their makers say.
 */
export class PendingIds {
  readonly #runtime: Pick<Runtime, 'now' | 'uuid'>;
  #lastMs = 0;

  constructor(runtime: Pick<Runtime, 'now' | 'uuid'>) {
    this.#runtime = runtime;
  }

  next(): string {
    this.#lastMs = Math.max(Math.floor(this.#runtime.now()), this.#lastMs + 1);
    return `${String(this.#lastMs).padStart(15, '0')}-${this.#runtime.uuid()}`;
  }

  saw(id: string): void {
    this.#lastMs = Math.max(this.#lastMs, Number(id.slice(0, 15)));
  }
}
