/** Changing and deleting rows: one by its key, or all that pass a filter. */
import { type Column, columnNamed, type Relation } from '../catalog/catalog.ts';
import type { Scope } from '../db/database.ts';
import { AppError } from '../errors.ts';
import { join, name, raw, type Sql, sql } from '../sql/compose.ts';
import type { EngineName, PlainValue, Row } from '../values.ts';
import { bind, valueTable } from './bind.ts';
import { conditionSql, planFilter } from './conditions.ts';
import { type Filter, ParameterFault } from './filter.ts';
import { rowsOf } from '../sql/result.ts';
import { byKey, findRows, findRowToChange, hasKey, hasKeyOf, type Key, noSuchRow, type RowFound } from './key.ts';
import { requireColumns } from './input.ts';
import { fulfilled, inWaves, rejected } from './sets.ts';
import { runAlone, runRows, runStatement, tableSql } from './statements.ts';
import { hasPrecondition, type Precondition, requirePrecondition } from './version.ts';

interface RowUpdate {
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
interface Settings {
  readonly values: Row;
  readonly defaults: readonly string[];
}

function settingsOf(relation: Relation, { key, values, isWhole }: KeyedChange): Settings {
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

const setsNothing = ({ values, defaults }: Settings): boolean =>
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

async function updateWhere(scope: Scope, relation: Relation, where: Sql, settings: Settings): Promise<Row | null> {
  const sets = setSql(scope, relation, settings.values, settings.defaults);
  const statement = sql`update ${tableSql(relation)} set ${join(sets)} where ${where} returning *`;
  const [row] = rowsOf(await runAlone(scope, statement, { changes: relation, isKept: true }));
  return row ?? null;
}

function setSql(scope: Scope, relation: Relation, values: Row, defaults: readonly (string | null)[]): Sql[] {
  const { engine } = scope.catalog;
  return setsBy(relation, values, defaults, (column) => bind(engine, column, values[column.name] ?? null));
}

function setsBy(
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

type KeyedOutcome<T> = PromiseSettledResult<T>;

/** Changes rows, each as if it were alone: those that set the same columns by one statement. */
export function updateRows(
  scope: Scope,
  relation: Relation,
  changes: readonly KeyedChange[],
): Promise<KeyedOutcome<Row>[]> {
  return inWaves(changes, keyTextOf, async (wave) => {
    const settings = new Map(wave.map((change) => [change, settingsOf(relation, change)]));
    const outcomes = await judgeBefore(scope, relation, wave, (change) => setsNothing(settings.get(change)!));
    const due = wave.filter((change) => !outcomes.has(change));
    for (const group of Map.groupBy(due, (change) => groupOf(relation, change, settings.get(change)!)).values()) {
      const rows = await updateGroup(scope, relation, group, settings);
      for (const [index, change] of group.entries()) outcomes.set(change, outcomeOf(relation, change, rows[index]));
    }
    return wave.map((change) => outcomes.get(change)!);
  });
}

const keyTextOf = ({ key }: RowUpdate): readonly string[] => [JSON.stringify(key)];

function outcomeOf<T>(relation: Relation, { key }: RowUpdate, value: T | undefined): KeyedOutcome<T> {
  return value === undefined ? rejected(noSuchRow(relation, key)) : fulfilled(value);
}

/** Of those that depend on the row as it is: what is wrong with it, or the row where nothing is to be set. */
async function judgeBefore<Change extends RowUpdate>(
  scope: Scope,
  relation: Relation,
  changes: readonly Change[],
  keepsRow: (change: Change) => boolean,
): Promise<Map<Change, KeyedOutcome<Row>>> {
  const outcomes = new Map<Change, KeyedOutcome<Row>>();
  const judged = changes.filter((change) => hasPrecondition(change.precondition) || keepsRow(change));
  const rows = await findRows(
    scope,
    relation,
    judged.map(({ key }) => key),
  );
  for (const change of judged) {
    const row = rows.get(JSON.stringify(change.key));
    const trouble = row && failedPrecondition(relation, row, change.precondition);
    if (!row || keepsRow(change)) outcomes.set(change, outcomeOf(relation, change, row));
    if (trouble) outcomes.set(change, rejected(trouble));
  }
  return outcomes;
}

function failedPrecondition(relation: Relation, row: Row, precondition: Precondition = {}): unknown {
  try {
    requirePrecondition(relation, row, precondition);
    return null;
  } catch (error) {
    return error;
  }
}

/** The changes that one statement makes. One that sets the key is alone: its row has another one afterwards. */
function groupOf({ key: keyColumns }: Relation, change: KeyedChange, { values, defaults }: Settings): unknown {
  if (keyColumns.some((column) => Object.hasOwn(values, column) || defaults.includes(column))) return change;
  return JSON.stringify([Object.keys(values).toSorted(), defaults]);
}

/** The rows afterwards, undefined for one that is not there. */
async function updateGroup(
  scope: Scope,
  relation: Relation,
  group: readonly KeyedChange[],
  settings: ReadonlyMap<KeyedChange, Settings>,
): Promise<(Row | undefined)[]> {
  const [first] = group;
  if (!first) return [];
  const { values, defaults } = settings.get(first)!;
  if (group.length === 1) {
    const where = hasKey(scope.catalog.engine, relation, first.key);
    return [(await updateWhere(scope, relation, where, { values, defaults })) ?? undefined];
  }
  const { engine } = scope.catalog;
  const given = relation.columns.filter(
    (column) => relation.key.includes(column.name) || Object.hasOwn(values, column.name),
  );
  const rows = group.map((change) => ({ ...settings.get(change)!.values, ...keyValues(relation, change.key) }));
  const table = valueTable(engine, given, rows);
  // Names that no column has: in an UPDATE, the columns of the table come before the tables beside it.
  const valueSql = ({ name: column }: Column): Sql =>
    name('eider_given', `eider_${given.findIndex((each) => each.name === column)}`);
  const columns = table.columns.map((value, index) => sql`${value} as ${name(`eider_${index}`)}`);
  const sets = setsBy(relation, values, defaults, valueSql);
  const isSame = given
    .filter((column) => relation.key.includes(column.name))
    .map((column) => sql`${name(relation.schema, relation.name, column.name)} = ${valueSql(column)}`);
  const keys = group.map(({ key }) => key);
  const found = await runRows(
    scope,
    sql`update ${tableSql(relation)} set ${join(sets)} from (select ${join(columns)} from ${table.from}) as eider_given
      where ${join(isSame, ' and ')} and ${hasKeyOf(engine, relation, keys)} returning ${wholeRow(engine, relation)}`,
  );
  const written = byKey(relation, keys, found);
  return keys.map((key) => written.get(JSON.stringify(key)));
}

/** PostgreSQL would add the columns of the tables beside it, and DuckDB has no other way to say it. */
function wholeRow(engine: EngineName, relation: Relation): Sql {
  return engine === 'postgres' ? sql`${tableSql(relation)}.*` : raw('*');
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

/** Deletes rows, each as if it were alone. */
export function deleteRows(
  scope: Scope,
  relation: Relation,
  rows: readonly RowUpdate[],
): Promise<KeyedOutcome<null>[]> {
  return inWaves(rows, keyTextOf, async (wave) => {
    const refused = await judgeBefore(scope, relation, wave, () => false);
    const keys = wave.filter((row) => !refused.has(row)).map(({ key }) => key);
    const where = hasKeyOf(scope.catalog.engine, relation, keys);
    const gone =
      keys.length === 0 ? [] : await runRows(scope, sql`delete from ${tableSql(relation)} where ${where} returning *`);
    const deleted = byKey(relation, keys, gone);
    return wave.map((row) => {
      const refusal = refused.get(row);
      if (refusal?.status === 'rejected') return refusal;
      return outcomeOf(relation, row, deleted.has(JSON.stringify(row.key)) ? null : undefined);
    });
  });
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
