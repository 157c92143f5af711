/**
 * The rules between rows, for many rows at once: the same rules as in integrity.ts, each checked by one query for all.
 *
 * Owns: that a fault names the row by its place in the input (`3/email`). The worst that can happen: a rule that holds
 * for one row and not for many; test/schema/batch.test.ts holds both against each other.
 */
import { type RawBuilder, sql, type SqlBool } from 'kysely';
import { AppError, type FieldError } from '../errors.ts';
import { bind } from './literals.ts';
import { columnOf, idColumn, references, type Table } from './table.ts';
import type { PlainValue, Queries, Row } from '../values.ts';

/** Faults that are told; more would only be noise. */
const mostFaults = 100;

/** @throws AppError `invalid` naming each value that refers to a row that is not there. */
export async function requireReferencesOfAll(queries: Queries, table: Table, rows: readonly Row[]): Promise<void> {
  const fields: FieldError[] = [];
  for (const [column, target] of references(table)) {
    const wanted = new Set(rows.map((row) => row[column] ?? null).filter((id) => id !== null));
    if (wanted.size === 0) continue;
    const found = await queries
      .selectFrom(target)
      .select('id')
      .where(
        isOneOf(
          ['id'],
          [idColumn],
          [...wanted].map((id) => [id]),
        ),
      )
      .execute();
    const there = new Set(found.map(({ id }) => id));
    for (const [index, row] of rows.entries()) {
      const id = row[column] ?? null;
      if (id !== null && !there.has(id))
        fields.push({ path: `${index}/${column}`, message: `names no row of ${target}` });
    }
  }
  if (fields.length > 0)
    throw new AppError('invalid', faultMessage(table, fields), { fields: fields.slice(0, mostFaults) });
}

/**
 * `rows` have all columns and are to be in the table; those of them that are there already (by id) may have changed.
 *
 * @throws AppError `conflict` naming each value that another of the rows, or a row of the table, has too.
 */
export async function requireUniqueOfAll(
  queries: Queries,
  table: Table,
  rows: readonly Row[],
  sets: readonly (readonly string[])[] = table.unique,
): Promise<void> {
  const fields: FieldError[] = [];
  for (const set of sets) fields.push(...(await duplicates(queries, table, rows, set)));
  if (fields.length > 0)
    throw new AppError('conflict', faultMessage(table, fields), { fields: fields.slice(0, mostFaults) });
}

async function duplicates(
  queries: Queries,
  table: Table,
  rows: readonly Row[],
  set: readonly string[],
): Promise<FieldError[]> {
  const ids = new Set(rows.map(({ id }) => id));
  const first = new Map<string, number>();
  const fields: FieldError[] = [];
  const told = (index: number, message: string): void => {
    for (const column of set) fields.push({ path: `${index}/${column}`, message });
  };
  for (const [index, row] of rows.entries()) {
    const values = valuesOf(row, set);
    // SQL's rule: null equals nothing.
    if (values.includes(null)) continue;
    const key = JSON.stringify(values);
    const earlier = first.get(key);
    if (earlier === undefined) first.set(key, index);
    else told(index, `is the same as in row ${earlier}`);
  }
  for (const row of await rowsWith(queries, table, set, [...first.keys()])) {
    const index = first.get(JSON.stringify(valuesOf(row, set)));
    if (index !== undefined && !ids.has(row['id'] ?? null)) told(index, 'is taken');
  }
  return fields;
}

/** Rows of the table that have one of these combinations (each as JSON) in the columns of the set. */
async function rowsWith(
  queries: Queries,
  table: Table,
  set: readonly string[],
  keys: readonly string[],
): Promise<Row[]> {
  if (keys.length === 0) return [];
  const columns = set.map((name) => columnOf(table, name) ?? idColumn);
  const found = await queries
    .selectFrom(table.name)
    .select(['id', ...set])
    .where(
      isOneOf(
        set,
        columns,
        keys.map((key) => JSON.parse(key) as PlainValue[]),
      ),
    )
    .execute();
  return found as Row[];
}

/** `(a, b) in ((…), (…))`; one column as a plain list, for which an index is used. */
function isOneOf(
  names: readonly string[],
  columns: readonly Parameters<typeof bind>[0][],
  combinations: readonly (readonly PlainValue[])[],
): RawBuilder<SqlBool> {
  const bound = combinations.map((values) =>
    sql.join(columns.map((column, index) => bind(column, values[index] ?? null))),
  );
  if (names.length === 1) return sql<SqlBool>`${sql.ref(names[0] ?? '')} in (${sql.join(bound)})`;
  const tuples = bound.map((values) => sql`(${values})`);
  return sql<SqlBool>`(${sql.join(names.map((name) => sql.ref(name)))}) in (values ${sql.join(tuples)})`;
}

function valuesOf(row: Row, set: readonly string[]): PlainValue[] {
  return set.map((name) => row[name] ?? null);
}

function faultMessage(table: Table, fields: readonly FieldError[]): string {
  const shown = fields.slice(0, 3).map(({ path, message }) => `${path} ${message}`);
  const more = fields.length > shown.length ? `; and ${fields.length - shown.length} more` : '';
  return `Nothing was written to ${table.name}: ${shown.join('; ')}${more}.`;
}
