/**
 * Lists of rows: what their parameters ask for, and one page of them.
 *
 * Pages go on behind the last row's key; where a relation has none, by counting rows in the order in which they are
 * stored.
 */
import { type Column, columnNamed, type Relation } from '../catalog/catalog.ts';
import type { Scope } from '../db/database.ts';
import { join, name, raw, type Sql, sql } from '../sql/compose.ts';
import type { PlainValue, Row } from '../values.ts';
import { bind } from './bind.ts';
import { type Condition, conditionSql } from './conditions.ts';
import { type Cursor, type CursorScope, decodeCursor, encodeCursor } from './cursor.ts';
import { type Filter, isFilter, ParameterFault } from './filter.ts';
import { listed, splitNames } from './names.ts';
import { orderByKey, parseOrder, type SortKey } from './order.ts';
import { type Parameter, ParameterReader, readFilters } from './parameters.ts';
import { rowsOf } from '../sql/result.ts';
import { runAlone, runRows, tableSql } from './statements.ts';

export interface ListQuery {
  readonly condition: Condition;
  /** As it was asked for: cursors are held against it. */
  readonly filters: readonly Filter[];
  /** Ends with the primary key, where there is one. */
  readonly order: readonly SortKey[];
  /** The columns of the answer, in this order. */
  readonly select: readonly string[];
  /** Rows a page. */
  readonly limit: number;
  /** Where the page before ended; null for the first page. */
  readonly after: Cursor | null;
  /** Whether to count all rows that pass the filters. */
  readonly count: boolean;
}

const defaultLimit = 50;
const maxLimit = 500;

/** @throws AppError `invalid` with one entry a wrong parameter. */
export function parseListQuery(relation: Relation, parameters: readonly Parameter[]): ListQuery {
  const reader = new ParameterReader(parameters);
  const once = <T>(called: string, parse: (text: string) => T): T | null =>
    reader.once(called, (text) => orColumn(relation, called, text, parse));
  const select = once('select', (text) => parseSelect(relation, text)) ?? columnNames(relation);
  const order = once('order', (text) => parseOrder(relation, text)) ?? orderByKey(relation);
  const limit = once('limit', (text) => parseLimit(text, maxLimit)) ?? defaultLimit;
  const count = once('count', parseCount) ?? false;
  const cursor = reader.once('cursor', (text) => text);
  const { filter, condition } = readFilters(reader, relation);
  const filters = 'and' in filter ? filter.and : [filter];
  // A cursor cannot be judged against an order that was not understood.
  const after =
    cursor === null || reader.faults.length > 0
      ? null
      : reader.attempt('cursor', () =>
          orColumn(relation, 'cursor', cursor, (text) => decodeCursor({ relation, order, filters }, text)),
        );
  reader.finish();
  return { condition, filters, order, select, limit, after, count };
}

/** What is wrong with a parameter; of one that looks like a filter of a column of the same name, how that is written. */
function orColumn<T>(relation: Relation, called: string, text: string, parse: (text: string) => T): T {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof ParameterFault) || !columnNamed(relation, called) || !isFilter(text)) throw error;
    throw new ParameterFault(`${error.message}; the column of this name is written in quotes, as in ?"${called}"=eq.…`);
  }
}

/** The `select` of a single row, or all columns. @throws AppError `invalid` with one entry a wrong parameter. */
export function parseRowQuery(relation: Relation, parameters: readonly Parameter[]): readonly string[] {
  const reader = new ParameterReader(parameters);
  const select = reader.once('select', (text) => parseSelect(relation, text));
  reader.finish('is no parameter of a single row; it has "select" alone');
  return select ?? columnNames(relation);
}

function parseSelect(relation: Relation, text: string): string[] {
  if (text === '*') return columnNames(relation);
  const names = splitNames(text).map((item) => item.name);
  const unknown = names.find((each) => !columnNamed(relation, each));
  if (unknown !== undefined)
    throw new ParameterFault(`names no column: "${unknown}"; the columns are ${listed(columnNames(relation))}`);
  if (new Set(names).size < names.length) throw new ParameterFault('names a column twice');
  return names;
}

/** A number from 1 to `most`. @throws ParameterFault */
export function parseLimit(text: string, most: number): number {
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > most) throw new ParameterFault(`expects a number from 1 to ${most}`);
  return limit;
}

function parseCount(text: string): boolean {
  if (text !== 'exact') throw new ParameterFault('expects "exact"');
  return true;
}

function columnNames({ columns }: Relation): string[] {
  return columns.map((column) => column.name);
}

export interface Page {
  readonly rows: readonly Row[];
  /** For the page after this one; null when this is the last. */
  readonly next: string | null;
  /** Rows that pass the filters, on all pages; only when it was asked for. */
  readonly count?: number;
}

/** Reads one page; with a count in one transaction, so that it fits the rows. */
export async function selectPage(scope: Scope, relation: Relation, list: ListQuery): Promise<Page> {
  const found = await selectRows(scope, relation, { ...list, isAlone: !list.count });
  const rows = found.slice(0, list.limit);
  const last = found.length > list.limit ? rows.at(-1) : undefined;
  const cursors: CursorScope = { relation, order: list.order, filters: list.filters };
  return {
    rows: rows.map((row) => pick(row, list.select)),
    next: last ? encodeCursor(cursors, last, (list.after?.offset ?? 0) + rows.length) : null,
    ...(list.count ? { count: await countRows(scope, relation, list.condition) } : {}),
  };
}

const rowsPerPage = 5000;

/** All rows that pass, page by page, in the transaction of the scope. */
export async function* readPages(
  scope: Scope,
  relation: Relation,
  condition: Condition,
): AsyncGenerator<readonly Row[]> {
  const select = columnNames(relation);
  const order = orderByKey(relation);
  const limit = rowsPerPage - 1;
  const base: ListQuery = { condition, filters: [], order, select, limit, after: null, count: false };
  for (let [after, offset]: [Cursor | null, number] = [null, 0]; ;) {
    const rows = await selectRows(scope, relation, { ...base, after });
    if (rows.length > 0) yield rows;
    const last = rows.at(-1);
    if (!last || rows.length < rowsPerPage) return;
    offset += rows.length;
    after = { offset, values: order.length > 0 ? order.map(({ column }) => last[column.name] ?? null) : null };
  }
}

/** One row more than the page holds, to know whether another follows. */
function selectRows(
  scope: Scope,
  relation: Relation,
  list: ListQuery & { readonly isAlone?: boolean },
): Promise<Row[]> {
  const { order, after, limit } = list;
  const { engine } = scope.catalog;
  const columns = new Set([...list.select, ...order.map(({ column }) => column.name)]);
  const passes = conditionSql(engine, list.condition);
  const where = after?.values ? sql`${passes} and ${afterSql(engine, order, after.values)}` : passes;
  const offset = after && !after.values ? ` offset ${after.offset}` : '';
  const statement = sql`select ${join([...columns].map((each) => name(each)))} from ${tableSql(relation)}
    where ${where} ${orderSql(engine, relation, order)} limit ${raw(`${limit + 1}${offset}`)}`;
  return list.isAlone
    ? runAlone(scope, statement, { changes: null, isKept: false }).then(rowsOf)
    : runRows(scope, statement);
}

/** Rows of a table without a key come as they are stored. */
function orderSql(engine: ListEngine, relation: Relation, order: readonly SortKey[]): Sql {
  const keys = order.map(
    ({ column, direction, nulls }) => sql`${name(column.name)} ${raw(`${direction} nulls ${nulls}`)}`,
  );
  const stored =
    relation.kind === 'table' && relation.key.length === 0 ? [raw(engine === 'duckdb' ? 'rowid' : 'ctid')] : [];
  const all = [...keys, ...stored];
  return all.length === 0 ? raw('') : sql`order by ${join(all)}`;
}

async function countRows(scope: Scope, relation: Relation, condition: Condition): Promise<number> {
  const passes = conditionSql(scope.catalog.engine, condition);
  const [row] = await runRows(scope, sql`select count(*) as "rows" from ${tableSql(relation)} where ${passes}`);
  return Number(row?.['rows']);
}

type ListEngine = Scope['catalog']['engine'];

/** Rows that come after the row with these values: equal in the first keys, then after it in the next one. */
function afterSql(engine: ListEngine, order: readonly SortKey[], values: readonly PlainValue[]): Sql {
  const alternatives = order.flatMap((key, index) => {
    const beyond = beyondSql(engine, key, values[index] ?? null);
    if (!beyond) return [];
    const same = order.slice(0, index).map(({ column }, at) => sameSql(engine, column, values[at] ?? null));
    return [sql`(${join([...same, beyond], ' and ')})`];
  });
  return alternatives.length === 0 ? raw('false') : sql`(${join(alternatives, ' or ')})`;
}

function sameSql(engine: ListEngine, column: Column, value: PlainValue): Sql {
  return value === null
    ? sql`${name(column.name)} is null`
    : sql`${name(column.name)} = ${bind(engine, column, value)}`;
}

/** Strictly after `value` in this key alone, or null when nothing is. */
function beyondSql(engine: ListEngine, { column, direction, nulls }: SortKey, value: PlainValue): Sql | null {
  const own = name(column.name);
  if (value === null) return nulls === 'first' ? sql`${own} is not null` : null;
  const beyond = sql`${own} ${raw(direction === 'asc' ? '>' : '<')} ${bind(engine, column, value)}`;
  return nulls === 'last' && column.nullable ? sql`(${beyond} or ${own} is null)` : beyond;
}

export function pick(row: Row, names: readonly string[]): Row {
  return Object.fromEntries(names.map((each) => [each, row[each] ?? null]));
}
