/**
 * Finding tables and rows, and the words for those that are not there.
 *
 * Owns: how one row is read. The worst that can happen: a row without one of its columns, whose version would then be
 * another one's; so the columns are those of the definition, and all of them.
 */
import { AppError } from '../errors.ts';
import { equals } from './literals.ts';
import { idColumn, type Schema, type Table } from './table.ts';
import type { PlainValue, Queries, Row } from '../values.ts';

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

/** What a write answered, as a row: its columns in the order of the definition. */
export function rowImage(table: Table, written: Record<string, unknown> | undefined): Row {
  if (!written) throw new Error(`The database answered no row for a write to ${table.name}.`);
  return Object.fromEntries(Object.keys(table.columns).map((name) => [name, (written[name] ?? null) as PlainValue]));
}
