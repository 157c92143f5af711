/** Changing and deleting rows by their keys, many at once and each as if it were alone. */
import type { Column, Relation } from '../catalog/catalog.ts';
import type { Scope } from '../db/database.ts';
import { join, name, raw, type Sql, sql } from '../sql/compose.ts';
import type { EngineName, Row } from '../values.ts';
import { valueTable } from './bind.ts';
import { byKey, findRows, hasKey, hasKeyOf, noSuchRow } from './key.ts';
import { fulfilled, inWaves, rejected } from './sets.ts';
import { runRows, tableSql } from './statements.ts';
import {
  type KeyedChange,
  keyValues,
  type RowSettings,
  type RowUpdate,
  setsBy,
  setsNothing,
  settingsOf,
  updateWhere,
} from './update.ts';
import { hasPrecondition, type Precondition, requirePrecondition } from './version.ts';

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
function groupOf({ key: keyColumns }: Relation, change: KeyedChange, { values, defaults }: RowSettings): unknown {
  if (keyColumns.some((column) => Object.hasOwn(values, column) || defaults.includes(column))) return change;
  return JSON.stringify([Object.keys(values).toSorted(), defaults]);
}

/** The rows afterwards, undefined for one that is not there. */
async function updateGroup(
  scope: Scope,
  relation: Relation,
  group: readonly KeyedChange[],
  settings: ReadonlyMap<KeyedChange, RowSettings>,
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
