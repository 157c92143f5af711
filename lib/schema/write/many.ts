/**
 * Creating many rows at once, all or none.
 *
 * Owns: that the number of statements does not grow with the number of rows, but for the insert itself. The worst that
 * can happen: some of the rows; what throws here rolls the whole transaction back.
 */
import { requireReferencesOfAll, requireUniqueOfAll } from '../batch-integrity.ts';
import { rowImage } from '../rows.ts';
import type { Table } from '../table.ts';
import type { InputValues } from '../validation.ts';
import type { Queries, Row } from '../../values.ts';

/** A type and no interface, so that it is JSON to the compiler, too. */
export type NewRow = { readonly id: string; readonly values: InputValues };

/** Rows a statement: beyond that, planning takes longer than the round trips that are saved. */
const rowsPerInsert = 100;

export async function createRows(
  queries: Queries,
  table: Table,
  { rows, at }: { readonly rows: readonly NewRow[]; readonly at: string },
): Promise<readonly Row[]> {
  const images = rows.map((row) => imageOf(table, row, at));
  await requireReferencesOfAll(queries, table, images);
  await requireUniqueOfAll(queries, table, images);
  const byId = new Map<unknown, Row>();
  for (let start = 0; start < images.length; start += rowsPerInsert) {
    const some = images.slice(start, start + rowsPerInsert);
    const written = await queries.insertInto(table.name).values(some).returningAll().execute();
    for (const row of written) byId.set(row['id'], rowImage(table, row));
  }
  return rows.map(({ id }) => rowImage(table, byId.get(id)));
}

/** The row that creating gives: all columns, in the order of the definition. */
export function imageOf(table: Table, { id, values }: NewRow, at: string): Row {
  return rowImage(table, { id, ...values, created_at: at, updated_at: at });
}
