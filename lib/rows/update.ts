/** Changing and deleting a row by its key. */
import { type Column, columnNamed, type Relation } from '../catalog/catalog.ts';
import type { Scope } from '../db/database.ts';
import { AppError } from '../errors.ts';
import { join, name, raw, type Sql, sql } from '../sql/compose.ts';
import { rowsOf } from '../sql/result.ts';
import type { Row } from '../values.ts';
import { bind } from './bind.ts';
import { requireColumns } from './input.ts';
import { findRowToChange, hasKey, type Key, noSuchRow, type RowFound } from './key.ts';
import { runAlone, tableSql } from './statements.ts';
import { hasPrecondition, type Precondition, requirePrecondition } from './version.ts';

export interface RowUpdate {
  readonly key: Key;
  readonly precondition?: Precondition | undefined;
}

/** What becomes of one row. `isWhole`: columns that are not given get their defaults. The key stays, unless it is given. */
export interface KeyedChange extends RowUpdate {
  readonly values: Row;
  readonly isWhole: boolean;
}

/** The column that says when a row was changed last, if it is there, has a default and is not given. */
export function renewedColumn(relation: Relation, given: readonly string[]): string | null {
  const column = columnNamed(relation, 'updated_at');
  return column && column.default !== null && !column.generated && !given.includes(column.name) ? column.name : null;
}

/** What an UPDATE of one row sets. */
export interface RowSettings {
  readonly values: Row;
  readonly defaults: readonly string[];
}

export function settingsOf(relation: Relation, { key, values, isWhole }: KeyedChange): RowSettings {
  const own = keyValues(relation, key);
  const given = isWhole ? { ...own, ...values } : values;
  const isLeft = ({ name: column, generated }: Column): boolean => !generated && !Object.hasOwn(given, column);
  const renewed = renewedColumn(relation, Object.keys(values));
  const defaults = isWhole
    ? relation.columns.filter(isLeft).map((column) => column.name)
    : renewed === null
      ? []
      : [renewed];
  const changed = Object.entries(given).filter(
    ([column, value]) => !Object.hasOwn(own, column) || JSON.stringify(own[column]) !== JSON.stringify(value),
  );
  return { values: Object.fromEntries(changed), defaults };
}

export const setsNothing = ({ values, defaults }: RowSettings): boolean =>
  Object.keys(values).length === 0 && defaults.length === 0;

/** Changes a row. @throws AppError `not-found`, `conflict` */
export async function updateRow(scope: Scope, relation: Relation, change: KeyedChange): Promise<Row> {
  const settings = settingsOf(relation, change);
  if (setsNothing(settings)) return (await requireRow(scope, relation, change)).row;
  return changeRow(scope, relation, change, (where) => updateWhere(scope, relation, where, settings));
}

/** How often a row is looked at again that others changed between the look and the change. */
const mostLooks = 10;

/** Changes the row that has the key. `change` answers null where the condition finds none. */
async function changeRow<T>(
  scope: Scope,
  relation: Relation,
  { key, precondition }: RowUpdate,
  change: (where: Sql) => Promise<T | null>,
): Promise<T> {
  const where = hasKey(scope.catalog.engine, relation, key);
  for (let looks = 0; looks < mostLooks; looks++) {
    const before = hasPrecondition(precondition) ? await requireRow(scope, relation, { key, precondition }) : null;
    const isSame = before?.isSame ?? null;
    const changed = await change(isSame === null ? where : sql`${where} and ${isSame}`);
    if (changed !== null) return changed;
    if (isSame === null) throw noSuchRow(relation, key);
  }
  throw new AppError('unavailable', `Other writes changed this row of ${relation.name} again and again.`, {
    retryAfterMs: 1000,
  });
}

export async function updateWhere(
  scope: Scope,
  relation: Relation,
  where: Sql,
  settings: RowSettings,
): Promise<Row | null> {
  const sets = setSql(scope, relation, settings.values, settings.defaults);
  const statement = sql`update ${tableSql(relation)} set ${join(sets)} where ${where} returning *`;
  const [row] = rowsOf(await runAlone(scope, statement, { changes: relation, isKept: true }));
  return row ?? null;
}

export function setSql(scope: Scope, relation: Relation, values: Row, defaults: readonly (string | null)[]): Sql[] {
  const { engine } = scope.catalog;
  return setsBy(relation, values, defaults, (column) => bind(engine, column, values[column.name] ?? null));
}

export function setsBy(
  relation: Relation,
  values: Row,
  defaults: readonly (string | null)[],
  valueSql: (column: Column) => Sql,
): Sql[] {
  requireColumns(relation, [values]);
  return relation.columns.flatMap((column) => {
    if (column.generated) return [];
    if (Object.hasOwn(values, column.name)) return [sql`${name(column.name)} = ${valueSql(column)}`];
    return defaults.includes(column.name) ? [sql`${name(column.name)} = default`] : [];
  });
}

export async function deleteRow(scope: Scope, relation: Relation, { key, precondition }: RowUpdate): Promise<null> {
  const returning = raw(scope.runAlone ? 'returning *' : '');
  await changeRow(scope, relation, { key, precondition }, async (where) => {
    const statement = sql`delete from ${tableSql(relation)} where ${where} ${returning}`;
    const { rowCount } = await runAlone(scope, statement, { changes: relation, isKept: true });
    return rowCount === 0 ? null : true;
  });
  return null;
}

async function requireRow(scope: Scope, relation: Relation, { key, precondition }: RowUpdate): Promise<RowFound> {
  const found = await findRowToChange(scope, relation, key);
  if (!found) throw noSuchRow(relation, key);
  if (precondition) requirePrecondition(relation, found.row, precondition);
  return found;
}

export function keyValues(relation: Relation, key: Key): Row {
  return Object.fromEntries(relation.key.map((column, index) => [column, key[index] ?? null]));
}
