/**
 * Writes to one row: create, replace, update, delete.
 *
 * Owns: the order of what is checked: that the row is there, that it is the one the client means, then the rules between
 * rows. The worst that can happen: a row written over another version than the client saw.
 */
import { requireReferences, requireUnique, requireUnreferenced } from '../integrity.ts';
import { equals } from '../literals.ts';
import { type Precondition, requirePrecondition } from '../row-version.ts';
import { findRow, noSuchRow, rowImage } from '../rows.ts';
import { idColumn, type Schema, type Table } from '../table.ts';
import type { InputValues } from '../validation.ts';
import type { Queries, Row } from '../../values.ts';

interface Creation {
  readonly id: string;
  readonly at: string;
  readonly values: InputValues;
}

interface Change extends Creation {
  readonly precondition?: Precondition;
}

export async function createRow(queries: Queries, table: Table, { id, at, values }: Creation): Promise<Row> {
  const row = { id, ...values, created_at: at, updated_at: at };
  await requireReferences(queries, table, values);
  // The id is fresh; its index answers for it.
  await requireUnique(queries, table, table.unique, row);
  const written = await queries.insertInto(table.name).values(row).returningAll().executeTakeFirst();
  return rowImage(table, written);
}

export async function changeRow(queries: Queries, table: Table, change: Change): Promise<Row> {
  const { id, at, values } = change;
  const before = await requireRow(queries, table, change);
  await requireReferences(queries, table, values);
  const touched = table.unique.filter((set) =>
    set.some((column) => Object.hasOwn(values, column) && values[column] !== before[column]),
  );
  await requireUnique(queries, table, touched, { ...before, ...values });
  const written = await queries
    .updateTable(table.name)
    .set({ ...values, updated_at: at })
    .where(equals('id', idColumn, id))
    .returningAll()
    .executeTakeFirst();
  return rowImage(table, written);
}

export async function deleteRow(
  queries: Queries,
  schema: Schema,
  table: Table,
  change: Omit<Change, 'values'>,
): Promise<null> {
  await requireRow(queries, table, change);
  await requireUnreferenced(queries, schema, table, change.id);
  await queries
    .deleteFrom(table.name)
    .where(equals('id', idColumn, change.id))
    .execute();
  return null;
}

async function requireRow(queries: Queries, table: Table, { id, precondition }: Omit<Change, 'values'>): Promise<Row> {
  const row = await findRow(queries, table, id);
  if (!row) throw noSuchRow(table, id);
  requirePrecondition(table, row, precondition);
  return row;
}
