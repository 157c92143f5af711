/**
 * Pending writes in the form of the first version, which knew three tables alike: each with an `id` and two times that
 * the program set. Read as today's commands, by which the same rows come about.
 */
import type { PlainValue } from '../../values.ts';

type Json = Readonly<Record<string, PlainValue>>;

/** @example fromFormer({ kind: 'delete', table: 'students', id: 'a', at: '…' }) // { kind: 'delete', table: 'students', key: ['a'] } */
export function fromFormer(command: PlainValue): PlainValue {
  const { kind, table, at, id, values, precondition, idempotency, rows, filters } = command as Json;
  const target = {
    table: table!,
    ...(precondition === undefined ? {} : { precondition }),
    ...(idempotency === undefined ? {} : { idempotency: { ...(idempotency as Json), at: at! } }),
  };
  const born = (row: Json): Json => ({ id: row['id']!, ...(row['values'] as Json), created_at: at!, updated_at: at! });
  const changed = { ...(values as Json | undefined), updated_at: at! };
  switch (kind) {
    case 'create':
      return { kind, ...target, values: born(command as Json) };
    case 'createMany':
      return { kind, ...target, rows: (rows as readonly Json[]).map(born) };
    // All that a client could give was given; a command of today would set the time of birth, too.
    case 'replace':
    case 'update':
      return { kind: 'update', ...target, key: [id!], values: changed };
    case 'delete':
      return { kind, ...target, key: [id!] };
    case 'updateMany':
      return { kind, ...target, filter: { and: (filters as readonly Json[]).map(fromFormerFilter) }, values: changed };
    case 'deleteMany':
      return { kind, ...target, filter: { and: (filters as readonly Json[]).map(fromFormerFilter) } };
    default:
      return command;
  }
}

function fromFormerFilter({ column, negated, comparison }: Json): PlainValue {
  const { operator, value, values, pattern } = comparison as Json;
  const given = (values ?? [pattern ?? value ?? null]) as readonly PlainValue[];
  const leaf = { column: column!, operator: operator!, values: given.map(String) };
  return negated === true ? { not: leaf } : leaf;
}
