/**
 * Keys of rows as written in paths: the values of the primary key's columns, each percent-encoded, joined by commas.
 */
import { type Column, columnNamed, type Relation } from '../catalog/catalog.ts';
import type { Scope } from '../db/database.ts';
import { AppError } from '../errors.ts';
import { join, name, raw, type Sql, sql, value } from '../sql/compose.ts';
import type { EngineName, PlainValue, Row } from '../values.ts';
import { bind } from './bind.ts';
import { ValueFault } from './kind.ts';
import { rowsOf } from '../sql/result.ts';
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

/** The whole row, its columns in the order of the table, or null. */
export async function findRow(scope: Scope, relation: Relation, key: Key): Promise<Row | null> {
  const columns = join(relation.columns.map((column) => name(column.name)));
  return selectByKey(scope, relation, key, columns);
}

async function selectByKey(scope: Scope, relation: Relation, key: Key, columns: Sql): Promise<Row | null> {
  const where = hasKey(scope.catalog.engine, relation, key);
  const statement = sql`select ${columns} from ${tableSql(relation)} where ${where}`;
  const [row] = rowsOf(await runAlone(scope, statement, { changes: null, isKept: true }));
  return row ?? null;
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
  const columns = [...relation.columns.map((column) => name(column.name)), raw('cast(xmin as text) as xmin')];
  const found = await selectByKey(scope, relation, key, join(columns));
  if (!found) return null;
  const { xmin = null, ...row } = found;
  return { row, isSame: sql`xmin = cast(${value(xmin)} as xid)` };
}
