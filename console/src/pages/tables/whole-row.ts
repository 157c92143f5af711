/**
 * Rows of tables without a primary key. No address names them, so they are found by all of their values: by a hash of the row's text, which
 * tells 0 from -0 and NULL from 'NULL'. Of several equal rows, any one is changed; which one, nobody could say.
 */
import { type Catalog, type Column, type Relation, sqlName } from '../../api/catalog.ts';
import { ApiError } from '../../api/client.ts';
import type { Saved } from '../../api/rows.ts';
import { quoteName, quoteText, runSql, type SqlValue, type Statement } from '../../api/sql.ts';
import { parameterOf } from './row-input.ts';
import type { Value, Values } from './staged.ts';

type Engine = Catalog['engine'];

/** What tells a row from those that are not equal to it, as an expression. */
export function identityExpression({ columns }: Relation): string {
  const parts = columns.filter(({ generated }) => !generated).flatMap(partsOf);
  return `md5(CAST(ROW(${parts.join(', ')}) AS VARCHAR))`;
}

/** The text of a union does not say which of its members it is. */
function partsOf({ name, type }: Column): string[] {
  const column = quoteName(name);
  return type.kind === 'union' ? [column, `union_tag(${column})`] : [column];
}

/** One of the rows that have this identity, as a condition. */
function oneRow(engine: Engine, relation: Relation, identity: string): string {
  const place = engine === 'duckdb' ? 'rowid' : 'ctid';
  const found = `SELECT ${place} FROM ${sqlName(relation)} WHERE ${identityExpression(relation)} = ${identity} LIMIT 1`;
  return `${place} = (${found})`;
}

/** @param write a value as part of the statement */
function updateText(
  engine: Engine,
  relation: Relation,
  identity: string,
  values: Values,
  write: (column: Column, value: SqlValue) => string,
): string {
  const text = (column: Column, value: Value): string => (value === 'default' ? 'DEFAULT' : write(column, value.text));
  const sets = relation.columns.flatMap((column) => {
    const value = values[column.name];
    return value === undefined ? [] : [`${quoteName(column.name)} = ${text(column, value)}`];
  });
  return `UPDATE ${sqlName(relation)} SET ${sets.join(', ')} WHERE ${oneRow(engine, relation, identity)}`;
}

function deleteText(engine: Engine, relation: Relation, identity: string): string {
  return `DELETE FROM ${sqlName(relation)} WHERE ${oneRow(engine, relation, identity)}`;
}

/** For people to read, with the values in it. */
export function wholeRowSql(engine: Engine, relation: Relation, identity: string, values: Values | 'remove'): string {
  const id = quoteText(identity);
  if (values === 'remove') return deleteText(engine, relation, id);
  return updateText(engine, relation, id, values, (_column, value) => (value === null ? 'NULL' : quoteText(value)));
}

/** @throws ApiError 412 when no row has these values any more */
export async function updateWholeRow(
  engine: Engine,
  relation: Relation,
  identity: string,
  values: Values,
): Promise<Saved> {
  const params: unknown[] = [identity];
  const query = updateText(engine, relation, '$1', values, (column, value) => {
    params.push(parameterOf(column, value));
    return `CAST($${params.length} AS ${column.sqlType})`;
  });
  return changeOne({ query, params });
}

/** @throws ApiError 412 when no row has these values any more */
export async function removeWholeRow(engine: Engine, relation: Relation, identity: string): Promise<Saved> {
  return changeOne({ query: deleteText(engine, relation, '$1'), params: [identity] });
}

async function changeOne(statement: Statement): Promise<Saved> {
  const { value, isPending } = await runSql(statement);
  if (value.rowCount === 1) return { status: 200, isPending };
  const detail = 'No row has the values any more that this one had: somebody changed or deleted it.';
  throw new ApiError({ title: 'The row has changed', status: 412, detail });
}
