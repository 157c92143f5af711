/**
 * Changing and deleting all rows that pass a filter.
 *
 * Owns: how many rows that may be, and that the rules between rows hold for all of them together. The worst that can
 * happen: a filter that means another set of rows in the check than in the write; both are made from the same filters,
 * in one transaction.
 */
import { sql, type RawBuilder, type SqlBool } from 'kysely';
import { AppError } from '../../errors.ts';
import { requireUniqueOfAll } from '../batch-integrity.ts';
import { requireReferences } from '../integrity.ts';
import type { Filter } from '../list/list-query.ts';
import { filterCondition } from '../list/select.ts';
import type { Schema, Table } from '../table.ts';
import type { InputValues } from '../validation.ts';
import type { Queries, Row } from '../../values.ts';

interface Matching {
  readonly filters: readonly Filter[];
}

/** A commit holds every row that it changes. */
const mostRows = 10_000;

/** Answers how many rows were changed. */
export async function updateMatching(
  queries: Queries,
  table: Table,
  { filters, values, at }: Matching & { readonly values: InputValues; readonly at: string },
): Promise<number> {
  const touched = table.unique.filter((set) => set.some((column) => Object.hasOwn(values, column)));
  const rows = await matchingRows(queries, table, filters, touched.flat());
  if (rows.length === 0) return 0;
  await requireReferences(queries, table, values);
  await requireUniqueOfMatching(
    queries,
    table,
    rows.map((row) => ({ ...row, ...values })),
    touched,
  );
  await queries
    .updateTable(table.name)
    .set({ ...values, updated_at: at })
    .where((eb) => eb.and(conditions(table, filters)))
    .execute();
  return rows.length;
}

/** Answers how many rows were deleted. */
export async function deleteMatching(
  queries: Queries,
  schema: Schema,
  table: Table,
  { filters }: Matching,
): Promise<number> {
  const rows = await matchingRows(queries, table, filters, []);
  if (rows.length === 0) return 0;
  await requireUnreferencedByOthers(queries, schema, table, filters);
  await queries
    .deleteFrom(table.name)
    .where((eb) => eb.and(conditions(table, filters)))
    .execute();
  return rows.length;
}

function conditions(table: Table, filters: readonly Filter[]): RawBuilder<SqlBool>[] {
  if (filters.length === 0) throw new Error('A write to all rows of a table was not refused.');
  return filters.map((filter) => filterCondition(table, filter));
}

async function matchingRows(
  queries: Queries,
  table: Table,
  filters: readonly Filter[],
  columns: readonly string[],
): Promise<Row[]> {
  const rows = await queries
    .selectFrom(table.name)
    .select([...new Set(['id', ...columns])])
    .where((eb) => eb.and(conditions(table, filters)))
    .limit(mostRows + 1)
    .execute();
  if (rows.length <= mostRows) return rows as Row[];
  throw new AppError('invalid', `More than ${mostRows} ${table.name} pass the filter; one request changes no more.`, {
    hint: 'Narrow the filter, and send several requests.',
  });
}

/** Faults have no place in an input here: the rows were not sent. */
async function requireUniqueOfMatching(
  queries: Queries,
  table: Table,
  rows: readonly Row[],
  sets: readonly (readonly string[])[],
): Promise<void> {
  for (const set of sets) {
    try {
      await requireUniqueOfAll(queries, table, rows, [set]);
    } catch (cause) {
      if (!(cause instanceof AppError)) throw cause;
      const message = 'would be the same in several rows';
      throw new AppError('conflict', `Two ${table.name} would have the same ${set.join(', ')}; nothing was changed.`, {
        cause,
        fields: set.map((path) => ({ path, message })),
      });
    }
  }
}

/** Rows that go together may refer to each other. */
async function requireUnreferencedByOthers(
  queries: Queries,
  schema: Schema,
  table: Table,
  filters: readonly Filter[],
): Promise<void> {
  const going = sql`(select id from ${sql.table(table.name)} where ${sql.join(conditions(table, filters), sql` and `)})`;
  for (const { table: referrer, column } of schema.referrers(table.name)) {
    const stays = referrer === table ? [sql<SqlBool>`id not in ${going}`] : [];
    const found = await queries
      .selectFrom(referrer.name)
      .select(sql.ref(column).as('id'))
      .where((eb) => eb.and([sql<SqlBool>`${sql.ref(column)} in ${going}`, ...stays]))
      .limit(1)
      .executeTakeFirst();
    if (!found) continue;
    const id = String(found['id']);
    throw new AppError('conflict', `The ${table.singular} ${id} has ${referrer.name}; nothing was deleted.`, {
      hint: `Delete the ${referrer.name} first, or leave such ${table.name} out.`,
      fields: [{ path: 'id', message: `is the ${column} of rows in ${referrer.name}` }],
    });
  }
}
