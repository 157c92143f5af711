/** Inserting rows: one statement for all that give the same columns, all or none. */
import type { Column, Relation } from '../catalog/catalog.ts';
import type { Scope } from '../db/database.ts';
import { AppError, type FieldError } from '../errors.ts';
import { join, name, raw, type Sql, sql } from '../sql/compose.ts';
import type { Row } from '../values.ts';
import { bind, valueTable } from './bind.ts';
import { isNumbered, mostFaults, placed, requireColumns } from './input.ts';
import { rowsOf } from '../sql/result.ts';
import { fulfilled, inWaves } from './sets.ts';
import { runAlone, runRows, tableSql } from './statements.ts';
import { renewedColumn } from './update.ts';

/** What becomes of a row that is there already, by the values of `columns`: unique ones, or the primary key. */
export interface OnConflict {
  readonly columns: readonly string[];
  /** `merge`: it gets the values that were given. `ignore`: it stays, and is not in the answer. */
  readonly resolution: 'merge' | 'ignore';
  /** The columns that `merge` sets; those that the row gives, unless said otherwise. */
  readonly sets?: readonly string[];
}

/** Rows of one statement. */
const mostTogether = 5000;

/**
 * The rows as they are in the table then, in the order in which they were given.
 *
 * @throws AppError what the database's constraints say
 * @example await insertRows(scope, books, [{ title: 'Emma' }, { title: 'Persuasion', pages: 249 }])
 */
export async function insertRows(
  scope: Scope,
  relation: Relation,
  rows: readonly Row[],
  conflict?: OnConflict,
): Promise<Row[]> {
  return (await insertEach(scope, relation, rows, conflict)).filter((row) => row !== undefined);
}

/** The rows of several commands at once: each gets its own back. */
export function insertSets(
  scope: Scope,
  relation: Relation,
  commands: readonly (readonly Row[])[],
  conflict?: OnConflict,
): Promise<PromiseSettledResult<readonly Row[]>[]> {
  const keysOf = (rows: readonly Row[]): string[] =>
    conflict ? rows.flatMap((row) => conflictKey(conflict.columns, row) ?? []) : [];
  return inWaves(commands, keysOf, async (wave) => {
    const written = await insertEach(scope, relation, wave.flat(), conflict);
    return wave.map((rows) => fulfilled(written.splice(0, rows.length).filter((row) => row !== undefined)));
  });
}

/** Undefined for a row that was there already and stayed. */
async function insertEach(
  scope: Scope,
  relation: Relation,
  rows: readonly Row[],
  conflict?: OnConflict,
): Promise<(Row | undefined)[]> {
  requireColumns(relation, rows);
  if (conflict) requireDistinct(relation, rows, conflict.columns);
  const answers: (Row | undefined)[] = Array.from({ length: rows.length });
  const groups = Map.groupBy(rows.keys(), (place) => JSON.stringify(Object.keys(rows[place] ?? {}).toSorted()));
  const isOne = groups.size === 1 && rows.length <= mostTogether;
  for (const places of groups.values()) {
    for (let start = 0; start < places.length; start += mostTogether) {
      const some = places.slice(start, start + mostTogether);
      const given = some.map((place) => rows[place] ?? {});
      const statement = insertSql(scope, relation, given, conflict);
      const written = isOne
        ? rowsOf(await runAlone(scope, statement, { changes: relation, isKept: true }))
        : await runRows(scope, statement);
      const found = conflict ? byConflict(conflict, given, written) : written;
      for (const [index, place] of some.entries()) answers[place] = found[index];
    }
  }
  return answers;
}

function insertSql(scope: Scope, relation: Relation, rows: readonly Row[], conflict?: OnConflict): Sql {
  const [first = {}] = rows;
  const columns = relation.columns.filter((column) => Object.hasOwn(first, column.name));
  const table = tableSql(relation);
  const end = sql`${conflict ? conflictSql(relation, columns, conflict) : raw('')} returning *`;
  if (columns.length === 0) {
    const [some] = relation.columns.filter(({ generated }) => !generated);
    if (!some) return sql`insert into ${table} default values ${end}`;
    return sql`insert into ${table} (${name(some.name)}) values ${join(rows.map(() => raw('(default)')))} ${end}`;
  }
  const overriding = raw(columns.some(isNumbered) ? ' overriding system value' : '');
  const target = sql`${table} (${names(columns)})${overriding}`;
  const { engine } = scope.catalog;
  if (rows.length === 1) {
    const values = columns.map((column) => bind(engine, column, first[column.name] ?? null));
    return sql`insert into ${target} values (${join(values)}) ${end}`;
  }
  const given = valueTable(engine, columns, rows);
  return sql`insert into ${target} select ${join(given.columns)} from ${given.from} order by ${given.place} ${end}`;
}

function conflictSql(relation: Relation, given: readonly Column[], { columns, resolution, sets }: OnConflict): Sql {
  const target = sql`on conflict (${join(columns.map((column) => name(column)))}) do`;
  const set = sets ?? given.map((column) => column.name);
  const changed = set.filter((column) => !columns.includes(column));
  if (resolution === 'ignore' || changed.length === 0) return sql`${target} nothing`;
  const renewed = renewedColumn(relation, set);
  const all = renewed === null ? changed : [...changed, renewed];
  return sql`${target} update set ${join(all.map((column) => sql`${name(column)} = excluded.${name(column)}`))}`;
}

function names(columns: readonly Column[]): Sql {
  return join(columns.map((column) => name(column.name)));
}

/** A statement cannot change a row twice. */
function requireDistinct(relation: Relation, rows: readonly Row[], columns: readonly string[]): void {
  const fields: FieldError[] = [];
  const first = new Map<string, number>();
  for (const [place, row] of rows.entries()) {
    const key = conflictKey(columns, row);
    const earlier = key === null ? undefined : first.get(key);
    if (earlier === undefined) first.set(key ?? '', place);
    else
      for (const column of columns)
        fields.push({ path: placed(place, column), message: `is the same as in row ${earlier}` });
  }
  if (fields.length === 0) return;
  throw new AppError('invalid', `Two of the rows have the same key of ${relation.name}, so nothing was written.`, {
    fields: fields.slice(0, mostFaults),
    sqlState: '21000',
  });
}

/** Null for a row that clashes with none: null equals nothing, and what is left out gets another value. */
export function conflictKey(columns: readonly string[], row: Row): string | null {
  const values = columns.map((column) => row[column] ?? null);
  return values.includes(null) ? null : JSON.stringify(values);
}

/** Rows that are changed may come in another order than new ones. */
function byConflict({ columns }: OnConflict, given: readonly Row[], written: readonly Row[]): (Row | undefined)[] {
  const byKey = new Map(written.map((row) => [conflictKey(columns, row), row]));
  const isKeyed = given.every((row) => conflictKey(columns, row) !== null);
  return isKeyed ? given.map((row) => byKey.get(conflictKey(columns, row))) : [...written];
}
