/**
 * Lists as SQL: filters, a total order, keyset pages.
 *
 * Owns: the SQL. Every value is a parameter, every name comes from the table's definition. The worst that can happen:
 * a page that skips a row; a property test walks random lists page by page and compares.
 */
import { type RawBuilder, sql, type SqlBool } from 'kysely';
import { bind, equals } from '../literals.ts';
import type { Column, Table } from '../table.ts';
import type { PlainValue, Queries, Row } from '../../values.ts';
import { encodeCursor } from './cursor.ts';
import type { Filter, ListQuery, SortKey } from './list-query.ts';

export interface Page {
  readonly rows: readonly Row[];
  /** For the page after this one; null when this is the last. */
  readonly next: string | null;
  /** Rows that pass the filters, on all pages; only when it was asked for. */
  readonly count?: number;
}

type Condition = RawBuilder<SqlBool>;

/** Reads one page. All in the transaction that `queries` is in, so that the count fits the rows. */
export async function selectPage(queries: Queries, table: Table, list: ListQuery): Promise<Page> {
  const filters = list.filters.map((filter) => filterCondition(table, filter));
  const found = await selectRows(queries, table, list, filters);
  const rows = found.slice(0, list.limit);
  const last = found.length > list.limit ? rows.at(-1) : undefined;
  return {
    rows: rows.map((row) => pick(row, list.select)),
    next: last ? encodeCursor({ table, order: list.order, filters: list.filters }, last) : null,
    ...(list.count ? { count: await countRows(queries, table, filters) } : {}),
  };
}

const rowsPerPage = 5000;

/** All rows that pass the filters, page by page in the order of their ids, in the transaction that `queries` is in. */
export async function* readPages(
  queries: Queries,
  table: Table,
  filters: readonly Filter[],
): AsyncGenerator<readonly Row[]> {
  const select = Object.keys(table.columns);
  const order: SortKey[] = [{ column: 'id', direction: 'asc', nulls: 'last' }];
  const conditions = filters.map((filter) => filterCondition(table, filter));
  for (let after: readonly PlainValue[] | null = null; ;) {
    const list: ListQuery = { filters, order, select, limit: rowsPerPage - 1, after, count: false };
    const rows = await selectRows(queries, table, list, conditions);
    if (rows.length > 0) yield rows.map((row) => pick(row, select));
    const last = rows.at(-1);
    if (!last || rows.length < rowsPerPage) return;
    after = [last['id'] ?? null];
  }
}

/** One row more than the page holds, to know whether another follows. */
async function selectRows(queries: Queries, table: Table, list: ListQuery, filters: Condition[]): Promise<Row[]> {
  const after = list.after ? [afterCondition(table, list.order, list.after)] : [];
  const columns = new Set([...list.select, ...list.order.map(({ column }) => column)]);
  let query = queries
    .selectFrom(table.name)
    .select([...columns])
    .where((eb) => eb.and([...filters, ...after]))
    .limit(list.limit + 1);
  for (const { column, direction, nulls } of list.order) {
    query = query.orderBy(column, (order) => {
      const directed = direction === 'asc' ? order.asc() : order.desc();
      return nulls === 'first' ? directed.nullsFirst() : directed.nullsLast();
    });
  }
  return (await query.execute()) as Row[];
}

async function countRows(queries: Queries, table: Table, filters: Condition[]): Promise<number> {
  const { rows } = await queries
    .selectFrom(table.name)
    .select((eb) => eb.fn.countAll().as('rows'))
    .where((eb) => eb.and(filters))
    .executeTakeFirstOrThrow();
  return Number(rows);
}

/** The filter in SQL. */
export function filterCondition(table: Table, { column: name, negated, comparison }: Filter): Condition {
  const column = columnNamed(table, name);
  const ref = sql.ref(name);
  const condition = comparisonCondition(ref, column, comparison);
  return negated ? sql<SqlBool>`not (${condition})` : condition;
}

const symbols = {
  eq: '=',
  neq: '<>',
  gt: '>',
  gte: '>=',
  lt: '<',
  lte: '<=',
  like: 'like',
  ilike: 'ilike',
  in: 'in',
} as const;

function comparisonCondition(ref: RawBuilder<unknown>, column: Column, comparison: Filter['comparison']): Condition {
  if (comparison.operator === 'is') return isCondition(ref, comparison.value);
  const operator = sql.raw(symbols[comparison.operator]);
  if ('pattern' in comparison) return sql`${ref} ${operator} ${comparison.pattern} escape '\\'`;
  if ('value' in comparison) return sql`${ref} ${operator} ${bind(column, comparison.value)}`;
  if (comparison.values.length === 0) return sql`1 = 0`;
  return sql`${ref} ${operator} (${sql.join(comparison.values.map((value) => bind(column, value)))})`;
}

function isCondition(ref: RawBuilder<unknown>, value: 'null' | 'not_null' | boolean): Condition {
  if (value === 'null') return sql`${ref} is null`;
  if (value === 'not_null') return sql`${ref} is not null`;
  return value ? sql`${ref} is true` : sql`${ref} is false`;
}

/** Rows that come after the row with these values: equal in the first keys, then after it in the next one. */
function afterCondition(table: Table, order: readonly SortKey[], values: readonly PlainValue[]): Condition {
  const alternatives = order.flatMap((key, index) => {
    const beyond = beyondCondition(columnNamed(table, key.column), key, values[index] ?? null);
    if (!beyond) return [];
    const same = order.slice(0, index).map(({ column }, at) => sameCondition(table, column, values[at] ?? null));
    return [sql<SqlBool>`(${sql.join([...same, beyond], sql` and `)})`];
  });
  return sql<SqlBool>`(${sql.join(alternatives, sql` or `)})`;
}

function sameCondition(table: Table, name: string, value: PlainValue): Condition {
  return value === null ? sql`${sql.ref(name)} is null` : equals(name, columnNamed(table, name), value);
}

/** Strictly after `value` in this key alone, or null when nothing is. */
function beyondCondition(column: Column, key: SortKey, value: PlainValue): Condition | null {
  const ref = sql.ref(key.column);
  if (value === null) return key.nulls === 'first' ? sql`${ref} is not null` : null;
  const symbol = sql.raw(key.direction === 'asc' ? '>' : '<');
  const beyond = sql<SqlBool>`${ref} ${symbol} ${bind(column, value)}`;
  return key.nulls === 'last' && column.nullable ? sql`(${beyond} or ${ref} is null)` : beyond;
}

function columnNamed(table: Table, name: string): Column {
  const column = table.columns[name];
  if (!column) throw new Error(`No column "${table.name}.${name}".`);
  return column;
}

function pick(row: Row, names: readonly string[]): Row {
  return Object.fromEntries(names.map((name) => [name, row[name] ?? null]));
}
