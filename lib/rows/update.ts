/** Changing and deleting rows: one by its key, or all that pass a filter. */
import { columnNamed, type Relation } from '../catalog/catalog.ts';
import type { Scope } from '../db/database.ts';
import { AppError } from '../errors.ts';
import { join, name, raw, type Sql, sql } from '../sql/compose.ts';
import type { PlainValue, Row } from '../values.ts';
import { bind } from './bind.ts';
import { conditionSql, planFilter } from './conditions.ts';
import { type Filter, ParameterFault } from './filter.ts';
import { findRowToChange, hasKey, type Key, noSuchRow, type RowFound } from './key.ts';
import { rowsOf } from '../sql/result.ts';
import { runAlone, runRows, runStatement, tableSql } from './statements.ts';
import { requireColumns } from './input.ts';
import { hasPrecondition, type Precondition, requirePrecondition } from './version.ts';

interface RowUpdate {
  readonly key: Key;
  readonly precondition?: Precondition | undefined;
}

/** The column that says when a row was changed last, if it is there, has a default and is not given. */
export function renewedColumn(relation: Relation, given: readonly string[]): string | null {
  const column = columnNamed(relation, 'updated_at');
  return column && column.default !== null && !column.generated && !given.includes(column.name) ? column.name : null;
}

/** Sets the columns that are given. @throws AppError `not-found`, `conflict` */
export function updateRow(
  scope: Scope,
  relation: Relation,
  change: RowUpdate & { readonly values: Row },
): Promise<Row> {
  return writeRow(scope, relation, change, change.values, renewedColumn(relation, Object.keys(change.values)));
}

/** Sets all columns: those that are not given to their defaults. The key stays. @throws AppError `not-found`, `conflict` */
export function replaceRow(
  scope: Scope,
  relation: Relation,
  change: RowUpdate & { readonly values: Row },
): Promise<Row> {
  const values = { ...keyValues(relation, change.key), ...change.values };
  const left = relation.columns.filter((column) => !column.generated && !Object.hasOwn(values, column.name));
  return writeRow(scope, relation, change, values, ...left.map((column) => column.name));
}

async function writeRow(
  scope: Scope,
  relation: Relation,
  { key, precondition }: RowUpdate,
  values: Row,
  ...defaults: readonly (string | null)[]
): Promise<Row> {
  const own = keyValues(relation, key);
  const changed = Object.entries(values).filter(
    ([column, value]) => !Object.hasOwn(own, column) || JSON.stringify(own[column]) !== JSON.stringify(value),
  );
  const sets = setSql(scope, relation, Object.fromEntries(changed), defaults);
  if (sets.length === 0) return (await requireRow(scope, relation, { key, precondition })).row;
  return changeRow(scope, relation, { key, precondition }, async (where) => {
    const statement = sql`update ${tableSql(relation)} set ${join(sets)} where ${where} returning *`;
    const [row] = rowsOf(await runAlone(scope, statement, { changes: relation, isKept: true }));
    return row ?? null;
  });
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

function setSql(scope: Scope, relation: Relation, values: Row, defaults: readonly (string | null)[]): Sql[] {
  requireColumns(relation, [values]);
  return relation.columns.flatMap((column) => {
    if (column.generated) return [];
    if (Object.hasOwn(values, column.name))
      return [sql`${name(column.name)} = ${bind(scope.catalog.engine, column, values[column.name] ?? null)}`];
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

function keyValues(relation: Relation, key: Key): Row {
  return Object.fromEntries(relation.key.map((column, index) => [column, key[index] ?? null]));
}

/** A commit holds every row that it changes. */
const mostRows = 10_000;

/** What was done to rows that pass a filter. */
export type Matched = {
  readonly rows: number;
  /** The time that `updated_at` got; null where it got none. */
  readonly renewed: PlainValue;
  /** As they are now, or were when they were deleted; only where that was asked for. */
  readonly returned?: readonly Row[];
};

interface MatchingUpdate {
  readonly filter: Filter;
  readonly returning?: true;
}

export async function updateMatching(
  scope: Scope,
  relation: Relation,
  { filter, values, returning: wantsRows }: MatchingUpdate & { readonly values: Row },
): Promise<Matched> {
  const where = await limitedCondition(scope, relation, filter);
  const renewed = renewedColumn(relation, Object.keys(values));
  const sets = setSql(scope, relation, values, [renewed]);
  if (wantsRows) {
    const rows = await runRows(scope, sql`update ${tableSql(relation)} set ${join(sets)} where ${where} returning *`);
    requireFew(relation, rows.length);
    return { rows: rows.length, renewed: renewed === null ? null : (rows[0]?.[renewed] ?? null), returned: rows };
  }
  const returning = renewed === null ? raw('') : sql`returning ${name(renewed)}`;
  const statement = sql`update ${tableSql(relation)} set ${join(sets)} where ${where} ${returning}`;
  const { rows, rowCount } = await runStatement(scope, statement);
  requireFew(relation, rowCount ?? rows.length);
  return { rows: rowCount ?? rows.length, renewed: rows[0]?.[0] ?? null };
}

export async function deleteMatching(
  scope: Scope,
  relation: Relation,
  { filter, returning }: MatchingUpdate,
): Promise<Matched> {
  const where = await limitedCondition(scope, relation, filter);
  if (returning) {
    const rows = await runRows(scope, sql`delete from ${tableSql(relation)} where ${where} returning *`);
    requireFew(relation, rows.length);
    return { rows: rows.length, renewed: null, returned: rows };
  }
  const { rowCount } = await runStatement(scope, sql`delete from ${tableSql(relation)} where ${where}`);
  requireFew(relation, rowCount ?? 0);
  return { rows: rowCount ?? 0, renewed: null };
}

/** Of a table that may have too many rows, those that pass are counted first. */
async function limitedCondition(scope: Scope, relation: Relation, filter: Filter): Promise<Sql> {
  const where = conditionSql(scope.catalog.engine, planned(relation, filter));
  if (relation.estimatedRows !== null && relation.estimatedRows <= mostRows) return where;
  const some = sql`select 1 from ${tableSql(relation)} where ${where} limit ${raw(String(mostRows + 1))}`;
  const [found] = await runRows(scope, sql`select count(*) as "rows" from (${some}) as passing`);
  requireFew(relation, Number(found?.['rows']));
  return where;
}

/** What was planned when the request came may no longer be possible in the transaction's catalog. */
function planned(relation: Relation, filter: Filter) {
  try {
    return planFilter(relation, filter);
  } catch (cause) {
    if (!(cause instanceof ParameterFault)) throw cause;
    throw new AppError('invalid', `The filter no longer fits ${relation.name}: a column ${cause.message}.`, { cause });
  }
}

function requireFew(relation: Relation, rows: number): void {
  if (rows <= mostRows) return;
  throw new AppError(
    'invalid',
    `More than ${mostRows} rows of ${relation.name} match the filter, which is more than one request may change.`,
    {
      hint: 'Narrow the filter and send several requests.',
    },
  );
}
