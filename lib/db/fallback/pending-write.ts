import { AppError } from '../../errors.ts';
import type { Runtime } from '../../runtime.ts';
import { seal, unseal } from '../../sync/sealed.ts';
import type { PlainValue } from '../../values.ts';
import type { Addressee } from './link.ts';

/** In format 1, commands are those that `fromFormer` reads. */
export const pendingFormat = 2;

export interface PendingWrite extends Addressee {
  readonly format: typeof pendingFormat;
  readonly id: string;
  readonly time: string;
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
    throw new AppError('corrupt', `The pending write ${key} is damaged. It is kept but not run.`);
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

type PendingBody = Readonly<Record<string, PlainValue>>;

/**
 * A command of the first version, which knew three tables, each with an `id` and two times that the program set.
 *
 * @example fromFormer({ kind: 'delete', table: 'books', id: 'a', at: '…' }) // { kind: 'delete', table: 'books', key: ['a'] }
 */
function fromFormer(command: PlainValue): PlainValue {
  const { kind, table, at, id, values, precondition, idempotency, rows, filters } = command as PendingBody;
  const target = {
    table: table!,
    ...(precondition === undefined ? {} : { precondition }),
    ...(idempotency === undefined ? {} : { idempotency: { ...(idempotency as PendingBody), at: at! } }),
  };
  const born = (row: PendingBody): PendingBody => ({
    id: row['id']!,
    ...(row['values'] as PendingBody),
    created_at: at!,
    updated_at: at!,
  });
  const changed = { ...(values as PendingBody | undefined), updated_at: at! };
  switch (kind) {
    case 'create':
      return { kind, ...target, values: born(command as PendingBody) };
    case 'createMany':
      return { kind, ...target, rows: (rows as readonly PendingBody[]).map(born) };
    // All that a client could give was given; a command of today would set the time of birth, too.
    case 'replace':
    case 'update':
      return { kind: 'update', ...target, key: [id!], values: changed };
    case 'delete':
      return { kind, ...target, key: [id!] };
    case 'updateMany':
      return {
        kind,
        ...target,
        filter: { and: (filters as readonly PendingBody[]).map(fromFormerFilter) },
        values: changed,
      };
    case 'deleteMany':
      return { kind, ...target, filter: { and: (filters as readonly PendingBody[]).map(fromFormerFilter) } };
    default:
      return command;
  }
}

function fromFormerFilter({ column, negated, comparison }: PendingBody): PlainValue {
  const { operator, value, values, pattern } = comparison as PendingBody;
  const given = (values ?? [pattern ?? value ?? null]) as readonly PlainValue[];
  const leaf = { column: column!, operator: operator!, values: given.map(String) };
  return negated === true ? { not: leaf } : leaf;
}
