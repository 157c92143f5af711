/**
 * Which of many rows broke a constraint. The database says which constraint it was; which row, only a look at all of them
 * can tell, afterwards and in a read of its own.
 */
import type { Check, Reference, Relation } from '../catalog/catalog.ts';
import type { Scope } from '../db/database.ts';
import { AppError, type FieldError } from '../errors.ts';
import { join, name, raw, type Sql, sql } from '../sql/compose.ts';
import type { Row } from '../values.ts';
import { valueTable } from './bind.ts';
import { mostFaults, placed } from './input.ts';
import { runRows, tableSql } from './statements.ts';

/** What is looked for in a row, by the constraint that was broken. */
interface Search {
  readonly columns: readonly string[];
  readonly message: string;
  /** The rows of the input for which this holds break it; its columns are `given."name"`. */
  readonly where: Sql | null;
  /** Whether two rows of the input may not have the same values. */
  readonly distinct: boolean;
}

/** The same error with the places of the rows in `rows` in its fields (`3/email`), as far as they can be found out. */
export async function placeFaults(
  scope: Scope,
  relation: Relation,
  rows: readonly Row[],
  error: AppError,
  placeName: (place: number) => string = (place) => `row ${place}`,
): Promise<AppError> {
  const search = searchFor(relation, error);
  if (!search) return error;
  const places = new Set(search.where ? await findPlaces(scope, relation, rows, search.where) : []);
  const messages = new Map([...places].map((place) => [place, search.message]));
  if (search.distinct)
    for (const [place, earlier] of repeated(rows, search.columns))
      messages.set(place, `is the same as in ${placeName(earlier)}`);
  const fields: FieldError[] = [...messages]
    .toSorted(([a], [b]) => a - b)
    .flatMap(([place, message]) => search.columns.map((column) => ({ path: placed(place, column), message })));
  return fields.length === 0 ? error : withFields(error, fields);
}

function withFields(error: AppError, fields: readonly FieldError[]): AppError {
  const { kind, message, hint, sqlState, constraint } = error;
  return new AppError(kind, message, {
    cause: error,
    fields: fields.slice(0, mostFaults),
    ...(hint === undefined ? {} : { hint }),
    ...(sqlState === undefined ? {} : { sqlState }),
    ...(constraint === undefined ? {} : { constraint }),
  });
}

function searchFor(relation: Relation, { sqlState, constraint, fields }: AppError): Search | null {
  if (sqlState === '23505') return duplicates(relation, constraint?.name, fields?.map(({ path }) => path) ?? []);
  if (sqlState === '23514') return brokenChecks(relation, constraint?.name);
  if (sqlState === '23503')
    return missing(relation.references.find((reference) => reference.name === constraint?.name));
  return null;
}

function duplicates(relation: Relation, constraint: string | undefined, named: readonly string[]): Search | null {
  const set =
    relation.unique.find((each) => each.name === constraint)?.columns ?? (named.length > 0 ? named : relation.key);
  if (set.length === 0) return null;
  const same = set.map((column) => sql`there.${name(column)} = given.${name(column)}`);
  return {
    columns: set,
    message: 'is taken',
    where: sql`exists (select 1 from ${tableSql(relation)} as there where ${join(same, ' and ')})`,
    distinct: true,
  };
}

function brokenChecks(relation: Relation, constraint: string | undefined): Search | null {
  const check: Check | undefined = relation.checks.find((each) => each.name === constraint);
  if (!check) return null;
  return {
    columns: check.columns,
    message: `breaks the rule ${check.expression}`,
    where: sql`not (${raw(check.expression)})`,
    distinct: false,
  };
}

function missing(reference: Reference | undefined): Search | null {
  if (!reference) return null;
  const { columns, target, targetColumns } = reference;
  const same = columns.map((column, index) => sql`there.${name(targetColumns[index] ?? '')} = given.${name(column)}`);
  const isSet = columns.map((column) => sql`given.${name(column)} is not null`);
  return {
    columns,
    message: `names no row of ${target.name}`,
    where: sql`${join(isSet, ' and ')} and not exists (select 1 from ${tableSql(target)} as there where ${join(same, ' and ')})`,
    distinct: false,
  };
}

/** Columns that a row leaves out have their defaults there. */
async function findPlaces(scope: Scope, relation: Relation, rows: readonly Row[], where: Sql): Promise<number[]> {
  const places: number[] = [];
  const groups = Map.groupBy(rows.keys(), (place) => JSON.stringify(Object.keys(rows[place] ?? {}).toSorted()));
  for (const group of groups.values()) {
    const given = group.map((place) => rows[place] ?? {});
    const statement = sql`select given.eider_place as "place" from (${wholeRows(scope, relation, given)}) as given
      where ${where} order by 1 limit ${raw(String(mostFaults))}`;
    const found = await runRows(scope, statement);
    places.push(...found.flatMap(({ place }) => group[Number(place)] ?? []));
  }
  return places;
}

function wholeRows(scope: Scope, relation: Relation, rows: readonly Row[]): Sql {
  const columns = relation.columns.filter(({ generated }) => !generated);
  const sent = columns.filter(({ name: column }) => Object.hasOwn(rows[0] ?? {}, column));
  const table = valueTable(scope.catalog.engine, sent, rows);
  const values = columns.map((column) => {
    const own = table.columns[sent.indexOf(column)] ?? raw(`cast(${defaultOf(column.default)} as ${column.sqlType})`);
    return sql`${own} as ${name(column.name)}`;
  });
  return sql`select ${table.place} as eider_place, ${join(values)} from ${table.from}`;
}

/** A number that is drawn from a sequence is drawn from it by a write alone. */
function defaultOf(expression: string | null): string {
  return expression === null || /nextval/i.test(expression) ? 'null' : expression;
}

/** Rows whose values another row before them has, with the place of that one. */
function repeated(rows: readonly Row[], columns: readonly string[]): [place: number, earlier: number][] {
  const first = new Map<string, number>();
  return [...rows.entries()].flatMap(([place, row]) => {
    const values = columns.map((column) => row[column] ?? null);
    if (values.includes(null)) return [];
    const key = JSON.stringify(values);
    const earlier = first.get(key);
    if (earlier !== undefined) return [[place, earlier]];
    first.set(key, place);
    return [];
  });
}
