/**
 * The rules between rows, checked by queries inside the write transaction: references lead somewhere, unique sets are
 * unique, a row that others refer to stays.
 *
 * Owns: these checks and the words for them. On DuckDB commits are serial, so they are exact, and the only check of
 * references; elsewhere the database's own constraints are the last word. The worst that can happen: a reference that
 * leads nowhere.
 */
import { type RawBuilder, sql, type SqlBool } from 'kysely';
import { AppError, type FieldError } from '../errors.ts';
import { bind, equals } from './literals.ts';
import { columnOf, idColumn, references, type Schema, type Table } from './table.ts';
import type { PlainValue, Queries } from '../values.ts';

type Values = Readonly<Record<string, PlainValue>>;

/** @throws AppError `invalid` naming each of `values` that refers to a row that is not there. */
export async function requireReferences(queries: Queries, table: Table, values: Values): Promise<void> {
  const fields: FieldError[] = [];
  for (const [column, target] of references(table)) {
    const id = values[column] ?? null;
    if (id === null || (await exists(queries, target, [equals('id', idColumn, id)]))) continue;
    fields.push({ path: column, message: `names no row of ${target}` });
  }
  if (fields.length === 0) return;
  const faults = fields.map(({ path, message }) => `${path} ${message}`).join('; ');
  throw new AppError('invalid', `The ${table.singular} refers to what is not there: ${faults}.`, { fields });
}

/**
 * Looks for another row with the same values in one of `sets`. `row` has all columns of the sets, and the id of the
 * row that may have them already (itself).
 *
 * @throws AppError `conflict` naming the columns of the first set that clashes.
 */
export async function requireUnique(
  queries: Queries,
  table: Table,
  sets: readonly (readonly string[])[],
  row: Values,
): Promise<void> {
  for (const set of sets) {
    // SQL's rule: null equals nothing.
    if (set.some((name) => (row[name] ?? null) === null)) continue;
    const same = set.map((name) => equals(name, columnOf(table, name) ?? idColumn, row[name] ?? null));
    // Whether it is the row itself is asked here and not in SQL: with a second condition DuckDB would not look into the
    // index but scan the table, which takes the longer the more rows it has.
    const found = await queries
      .selectFrom(table.name)
      .select('id')
      .where((eb) => eb.and(same))
      .limit(1)
      .executeTakeFirst();
    if (found && found['id'] !== row['id']) throw duplicate(table, set);
  }
}

function duplicate(table: Table, set: readonly string[]): AppError {
  const message =
    set.length === 1 ? 'is taken' : `is taken together with ${set.length === 2 ? 'the other' : 'the others'}`;
  return new AppError('conflict', `There is a ${table.singular} with this ${set.join(', ')} already.`, {
    fields: set.map((path) => ({ path, message })),
  });
}

/** @throws AppError `conflict` naming the first table that has rows which refer to this one. */
export async function requireUnreferenced(queries: Queries, schema: Schema, table: Table, id: string): Promise<void> {
  for (const referrer of schema.referrers(table.name)) {
    // A row that refers to itself is no reason to keep it.
    const others = referrer.table === table ? [isOther(id)] : [];
    const conditions = [equals(referrer.column, idColumn, id), ...others];
    if (!(await exists(queries, referrer.table.name, conditions))) continue;
    throw new AppError('conflict', `This ${table.singular} has ${referrer.table.name}, so it is not deleted.`, {
      hint: `Delete its ${referrer.table.name} first.`,
      fields: [{ path: 'id', message: `is the ${referrer.column} of rows in ${referrer.table.name}` }],
    });
  }
}

function isOther(id: PlainValue): RawBuilder<SqlBool> {
  return sql<SqlBool>`id <> ${bind(idColumn, id)}`;
}

async function exists(queries: Queries, table: string, conditions: readonly RawBuilder<SqlBool>[]): Promise<boolean> {
  const found = await queries
    .selectFrom(table)
    .select(sql<number>`1`.as('found'))
    .where((eb) => eb.and([...conditions]))
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}
