/**
 * Writes as data: what a client asked for, complete enough to run again, later and elsewhere, with the same result.
 * A fallback keeps them as pending writes.
 *
 * Owns: the four commands and what each does to the rows. The input was validated when the command was made; what
 * depends on the data is checked here, inside the transaction. The worst that can happen: a command whose second run,
 * on another instance, differs from its first; hence ids and times are part of it.
 */
import { AppError } from '../errors.ts';
import { requireReferences, requireUnique, requireUnreferenced } from './integrity.ts';
import { equals } from './literals.ts';
import { idColumn, type Schema, type Table } from './table.ts';
import type { InputValues } from './validation.ts';
import type { PlainValue, Queries, Row } from './values.ts';

/** Plain JSON. `at` is the time of the request as rows write it (`2026-11-24T04:05:06.123000Z`). */
export type Command =
  | {
      readonly kind: 'create';
      readonly table: string;
      readonly id: string;
      readonly at: string;
      readonly values: InputValues;
    }
  | {
      readonly kind: 'replace';
      readonly table: string;
      readonly id: string;
      readonly at: string;
      readonly values: InputValues;
    }
  | {
      readonly kind: 'update';
      readonly table: string;
      readonly id: string;
      readonly at: string;
      readonly values: InputValues;
    }
  | { readonly kind: 'delete'; readonly table: string; readonly id: string; readonly at: string };

/**
 * Runs the command in the transaction that `queries` is in. Answers the row as it is now, or null after a delete.
 *
 * @throws AppError `not-found` (no such table or row), `invalid` (a reference leads nowhere), `conflict` (a duplicate,
 * or a row that others refer to). The transaction is to be rolled back then.
 */
export async function executeCommand(queries: Queries, schema: Schema, command: Command): Promise<Row | null> {
  const table = tableNamed(schema, command.table);
  const { kind, id, at } = command;
  if (kind === 'create') return createRow(queries, table, id, at, command.values);
  if (kind === 'delete') return deleteRow(queries, schema, table, id);
  return changeRow(queries, table, id, at, command.values);
}

/** @throws AppError `not-found` when the schema has no such table. */
export function tableNamed(schema: Schema, name: string): Table {
  const table = schema.tables.get(name);
  if (table) return table;
  const known = [...schema.tables.keys()].join(', ');
  throw new AppError('not-found', `There is no table "${name}". The tables are: ${known}.`);
}

/** The error for an id that no row has. */
export function noSuchRow(table: Table, id: string): AppError {
  return new AppError('not-found', `There is no ${table.singular} with the id "${id}".`);
}

/** The whole row, its columns in the order of the definition, or null. */
export async function findRow(queries: Queries, table: Table, id: string): Promise<Row | null> {
  const row = await queries
    .selectFrom(table.name)
    .select(Object.keys(table.columns))
    .where(equals('id', idColumn, id))
    .executeTakeFirst();
  return row ? (row as Row) : null;
}

async function createRow(queries: Queries, table: Table, id: string, at: string, values: InputValues): Promise<Row> {
  const row = { id, ...values, created_at: at, updated_at: at };
  await requireReferences(queries, table, values);
  // The id is fresh; its index answers for it.
  await requireUnique(queries, table, table.unique, row);
  const written = await queries.insertInto(table.name).values(row).returningAll().executeTakeFirst();
  return image(table, written);
}

async function changeRow(queries: Queries, table: Table, id: string, at: string, values: InputValues): Promise<Row> {
  const before = await findRow(queries, table, id);
  if (!before) throw noSuchRow(table, id);
  await requireReferences(queries, table, values);
  const touched = table.unique.filter((set) => set.some((column) => Object.hasOwn(values, column)));
  await requireUnique(queries, table, touched, { ...before, ...values });
  const written = await queries
    .updateTable(table.name)
    .set({ ...values, updated_at: at })
    .where(equals('id', idColumn, id))
    .returningAll()
    .executeTakeFirst();
  return image(table, written);
}

async function deleteRow(queries: Queries, schema: Schema, table: Table, id: string): Promise<null> {
  if (!(await findRow(queries, table, id))) throw noSuchRow(table, id);
  await requireUnreferenced(queries, schema, table, id);
  await queries
    .deleteFrom(table.name)
    .where(equals('id', idColumn, id))
    .execute();
  return null;
}

function image(table: Table, written: Record<string, unknown> | undefined): Row {
  if (!written) throw new Error(`The database answered no row for a write to ${table.name}.`);
  return Object.fromEntries(Object.keys(table.columns).map((name) => [name, (written[name] ?? null) as PlainValue]));
}
