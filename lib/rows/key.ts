/**
 * Keys of rows as written in paths: the values of the primary key's columns, each percent-encoded, joined by commas.
 */
import { type Column, columnNamed, type Relation } from '../catalog/catalog.ts';
import type { Scope } from '../db/database.ts';
import { AppError } from '../errors.ts';
import { join, name, raw, type Sql, sql, value as parameter } from '../sql/compose.ts';
import type { EngineName, PlainValue, Row } from '../values.ts';
import { bind } from './bind.ts';
import { ValueFault } from './kind.ts';
import { rowsOf } from '../sql/result.ts';
import { fulfilled } from './sets.ts';
import { runAlone, tableSql } from './statements.ts';
import { parseText, textOf } from './values.ts';

/** The values of a key's columns, in the order of `relation.key`. */
export type Key = readonly PlainValue[];

/**
 * The key that a segment of a path names.
 *
 * @throws AppError `not-found` for what is no key: no row has it
 * @example parseKey(enrollments, 'ada%2Cbob,7') // ['ada,bob', 7]
 */
export function parseKey(relation: Relation, segment: string): Key {
  const columns = keyColumns(relation);
  if (columns.length === 0)
    throw new AppError('not-found', `Rows of ${relation.name} have no address: it has no primary key.`, {
      hint: 'Use filters.',
    });
  // One column's value may have unencoded commas.
  const parts = columns.length === 1 ? [segment] : segment.split(',');
  const values =
    parts.length === columns.length ? columns.map((column, index) => valueOf(column, parts[index] ?? '')) : [null];
  if (values.includes(null)) throw noSuchRow(relation, segment);
  return values;
}

function valueOf({ type }: Column, part: string): PlainValue {
  try {
    return parseText(type, decodeURIComponent(part));
  } catch (error) {
    if (error instanceof ValueFault || error instanceof URIError) return null;
    throw error;
  }
}

/** The segment that names the row; null where it has no address: URLs have no empty segment, and drop `.` and `..`. */
export function keySegment(relation: Relation, row: Row): string | null {
  const segment = relation.key.map((column) => encodeURIComponent(textOf(row[column] ?? null))).join(',');
  return ['', '.', '..'].includes(segment) ? null : segment;
}

function keyColumns(relation: Relation): Column[] {
  return relation.key.flatMap((column) => columnNamed(relation, column) ?? []);
}

/** The error for a key that no row has. */
export function noSuchRow(relation: Relation, key: string | Key): AppError {
  const text = typeof key === 'string' ? key : key.map(textOf).join(', ');
  const shown = text.length > 100 ? `${text.slice(0, 100).toWellFormed()}…` : text;
  return new AppError('not-found', `There is no row of ${relation.name} with the key "${shown}".`);
}

/** The condition that a row has this key. */
export function hasKey(engine: EngineName, relation: Relation, key: Key): Sql {
  const parts = keyColumns(relation).map(
    (column, index) => sql`${name(column.name)} = ${bind(engine, column, key[index] ?? null)}`,
  );
  return join(parts, ' and ');
}

/** The condition that a row has one of these keys. */
export function hasKeyOf(engine: EngineName, relation: Relation, keys: readonly Key[]): Sql {
  const [column, ...others] = keyColumns(relation);
  if (!column || others.length > 0)
    return sql`(${join(
      keys.map((key) => sql`(${hasKey(engine, relation, key)})`),
      ' or ',
    )})`;
  const bound = padded(engine, keys).map(([value = null]) => bind(engine, column, value));
  return sql`${name(relation.schema, relation.name, column.name)} in (${join(bound)})`;
}

/** PostgreSQL keeps the plans of statements: of so many keys, or twice as many. */
function padded(engine: EngineName, keys: readonly Key[]): readonly Key[] {
  const size = engine === 'postgres' ? 2 ** Math.ceil(Math.log2(keys.length)) : keys.length;
  return [...keys, ...Array.from({ length: size - keys.length }, () => keys[0]!)];
}

/** The whole row, its columns in the order of the table, or null. */
export async function findRow(scope: Scope, relation: Relation, key: Key): Promise<Row | null> {
  if (!scope.together)
    return (await selectRows(scope, relation, hasKey(scope.catalog.engine, relation, key)))[0] ?? null;
  return scope.together(key, async (common, keys) => {
    const rows = await findRows(common, relation, keys);
    return keys.map((each) => fulfilled(rows.get(JSON.stringify(each)) ?? null));
  });
}

/** The rows that have these keys, by the keys' JSON. @throws where keys that differ name the same row */
export async function findRows(scope: Scope, relation: Relation, keys: readonly Key[]): Promise<Map<string, Row>> {
  if (keys.length === 0) return new Map();
  const wanted = distinctKeys(keys);
  const rows = await selectRows(scope, relation, hasKeyOf(scope.catalog.engine, relation, wanted));
  return byKey(relation, wanted, rows);
}

function distinctKeys(keys: readonly Key[]): Key[] {
  return [...new Map(keys.map((key) => [JSON.stringify(key), key])).values()];
}

/** The rows by the JSON of their keys. @throws where one has a key that was not asked for: another text of the same key */
export function byKey(relation: Relation, keys: readonly Key[], rows: readonly Row[]): Map<string, Row> {
  const wanted = new Set(keys.map((key) => JSON.stringify(key)));
  const found = new Map(rows.map((row) => [JSON.stringify(relation.key.map((column) => row[column] ?? null)), row]));
  for (const key of found.keys()) {
    if (!wanted.has(key))
      throw new Error(`A row of ${relation.name} has another text of its key than it was asked for.`);
  }
  return found;
}

/** Whole rows, and what `more` has. */
async function selectRows(scope: Scope, relation: Relation, where: Sql, more: readonly Sql[] = []): Promise<Row[]> {
  const columns = join([...relation.columns.map((column) => name(column.name)), ...more]);
  const statement = sql`select ${columns} from ${tableSql(relation)} where ${where}`;
  return rowsOf(await runAlone(scope, statement, { changes: null, isKept: true }));
}

/** A row, and the condition that it is still the same; null where the transaction sees to that. */
export interface RowFound {
  readonly row: Row;
  readonly isSame: Sql | null;
}

/** For a statement that is to change the row if it is still what it is now. */
export async function findRowToChange(scope: Scope, relation: Relation, key: Key): Promise<RowFound | null> {
  if (!scope.runAlone) {
    const row = await findRow(scope, relation, key);
    return row && { row, isSame: null };
  }
  // The number of the transaction that wrote it, which no column of a user's can be called.
  const where = hasKey(scope.catalog.engine, relation, key);
  const [found] = await selectRows(scope, relation, where, [raw('cast(xmin as text) as xmin')]);
  if (!found) return null;
  const { xmin = null, ...row } = found;
  return { row, isSame: sql`xmin = cast(${parameter(xmin)} as xid)` };
}
