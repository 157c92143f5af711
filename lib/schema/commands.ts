/**
 * Writes as data: what a client asked for, complete enough to run again, later and elsewhere, with the same result.
 * A fallback keeps them as pending writes.
 *
 * Owns: the commands and which of them are done once for a key. What each does to the rows is lib/schema/write. The
 * input was validated when the command was made; what depends on the data is checked inside the transaction. The worst
 * that can happen: a command whose second run, on another instance, differs from its first; hence ids, times, conditions
 * and keys are part of it.
 */
import type { Filter } from './list/list-query.ts';
import type { Precondition } from './row-version.ts';
import { tableNamed } from './rows.ts';
import type { Schema } from './table.ts';
import type { InputValues } from './validation.ts';
import type { PlainValue, Queries, Row } from '../values.ts';
import { deleteMatching, updateMatching } from './write/bulk.ts';
import { type Done, type Idempotency, once } from './write/idempotency.ts';
import { createRows, imageOf, type NewRow } from './write/many.ts';
import { changeRow, createRow, deleteRow } from './write/one.ts';

type Target = {
  readonly table: string;
  /** The time of the request as rows write it (`2026-11-24T04:05:06.123000Z`). */
  readonly at: string;
};
type OneRow = Target & { readonly id: string; readonly precondition?: Precondition };
type AtMostOnce = { readonly idempotency?: Idempotency };

type CommandOf = {
  create: Target & AtMostOnce & { readonly kind: 'create'; readonly id: string; readonly values: InputValues };
  createMany: Target & AtMostOnce & { readonly kind: 'createMany'; readonly rows: readonly NewRow[] };
  replace: OneRow & { readonly kind: 'replace'; readonly values: InputValues };
  update: OneRow & AtMostOnce & { readonly kind: 'update'; readonly values: InputValues };
  delete: OneRow & { readonly kind: 'delete' };
  updateMany: Target &
    AtMostOnce & { readonly kind: 'updateMany'; readonly filters: readonly Filter[]; readonly values: InputValues };
  deleteMany: Target & { readonly kind: 'deleteMany'; readonly filters: readonly Filter[] };
};

/** Plain JSON. */
export type Command = CommandOf[keyof CommandOf];

/** What each answers: rows as they are now, or how many there were. */
interface Outcomes {
  readonly create: Row;
  readonly createMany: readonly Row[];
  readonly replace: Row;
  readonly update: Row;
  readonly delete: null;
  readonly updateMany: number;
  readonly deleteMany: number;
}

export type Outcome<C extends Command> = Outcomes[C['kind']];

/**
 * Runs the command in the transaction that `queries` is in; a command with a key that was done before changes nothing
 * and answers what it answered then.
 *
 * @throws AppError `not-found` (no such table or row), `invalid` (a reference leads nowhere; the key of another
 * command), `conflict` (a duplicate, a row that others refer to, a condition that does not hold: `PreconditionFailed`).
 * The transaction is to be rolled back then.
 */
export async function executeCommand<C extends Command>(
  queries: Queries,
  schema: Schema,
  command: C,
): Promise<Done<Outcome<C>>> {
  const run = () => runCommand(queries, schema, command);
  const idempotency = 'idempotency' in command ? command.idempotency : undefined;
  const done = idempotency
    ? await once(queries, { ...idempotency, at: command.at }, run, answerForms(schema, command))
    : { value: await run(), replayed: false };
  return done as Done<Outcome<C>>;
}

function runCommand(queries: Queries, schema: Schema, command: Command): Promise<Outcome<Command>> {
  const table = tableNamed(schema, command.table);
  switch (command.kind) {
    case 'create':
      return createRow(queries, table, command);
    case 'createMany':
      return createRows(queries, table, command);
    case 'replace':
    case 'update':
      return changeRow(queries, table, command);
    case 'delete':
      return deleteRow(queries, schema, table, command);
    case 'updateMany':
      return updateMatching(queries, table, command);
    case 'deleteMany':
      return deleteMatching(queries, schema, table, command);
  }
}

/**
 * What is kept of an answer. Of new rows their ids and time alone: the rest is in the command, which is the same when
 * it is sent again, so that a thousand rows are not stored twice.
 */
function answerForms(schema: Schema, command: Command) {
  if (command.kind !== 'createMany') {
    return { keep: (value: Outcome<Command>) => value as PlainValue, restore: (kept: PlainValue) => kept };
  }
  const table = tableNamed(schema, command.table);
  return {
    keep: (value: Outcome<Command>): PlainValue => ({
      ids: (value as readonly Row[]).map(({ id }) => id ?? null),
      at: command.at,
    }),
    restore: (kept: PlainValue) => {
      const { ids, at } = kept as { readonly ids: readonly string[]; readonly at: string };
      return command.rows.map(({ values }, index) => imageOf(table, { id: ids[index] ?? '', values }, at));
    },
  };
}
