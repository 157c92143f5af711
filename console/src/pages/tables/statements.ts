/** The SQL behind the grid: windows of rows, their number, one whole value, the commonest values of a column. */
import { type Catalog, type Column, isKeyless, type Relation, sqlName } from '../../api/catalog.ts';
import { quoteName, type SqlValue, type Statement } from '../../api/sql.ts';
import { isNested } from './nested.ts';
import { parameterOf } from './row-input.ts';
import type { Filter, Sort, TableView } from './view-state.ts';
import { identityExpression } from './whole-row.ts';

type Engine = Catalog['engine'];

export const windowSize = 200;
/** Longer texts are cut by the database, and fetched whole where they are edited. */
export const longestText = 1000;
const longestBytes = 300;

/** Hidden under a name that no table has. */
const pageRow = quoteName('row of the page');

/** The columns that are read: those that are shown, then what of the key is not. Behind them comes the identity of a row without one. */
export function columnsToRead({ columns, key }: Relation, { hidden }: TableView): readonly Column[] {
  const shown = columns.filter(({ name }) => !hidden.includes(name));
  return [...shown, ...columns.filter(({ name }) => hidden.includes(name) && key.includes(name))];
}

export function windowStatement(engine: Engine, relation: Relation, view: TableView, index: number): Statement {
  const { where, params } = conditions(view.filters, relation);
  const shown = columnsToRead(relation, view).map((column) => shownExpression(engine, column));
  const list = [...shown, ...(isKeyless(relation) ? [identityExpression(relation)] : [])].join(', ');
  const table = sqlName(relation);
  const order = orderOf(engine, relation, view);
  const page = `LIMIT ${windowSize} OFFSET ${index * windowSize}`;
  if (engine === 'duckdb' && relation.kind === 'table' && index > 0 && view.sorts.length > 0) {
    // Deep in an order only the rows' numbers are sorted: a third of the time at offset 500,000.
    const numbers = `SELECT rowid AS ${pageRow} FROM ${table}${where}${order} ${page}`;
    return { query: `SELECT ${list} FROM (${numbers}) JOIN ${table} ON rowid = ${pageRow}${order}`, params };
  }
  return { query: `SELECT ${list} FROM ${table}${where}${order} ${page}`, params };
}

/** Whole values of the columns that are shown, in an order that no two pages see differently. */
export function exportStatement(
  engine: Engine,
  relation: Relation,
  view: TableView,
  { offset, limit }: { readonly offset: number; readonly limit: number },
): Statement {
  const { where, params } = conditions(view.filters, relation);
  const shown = relation.columns.filter(({ name }) => !view.hidden.includes(name));
  const place = engine === 'duckdb' ? 'rowid' : 'ctid';
  const rest = isKeyless(relation) ? [place] : relation.key.map(quoteName);
  const order = [...view.sorts.map(sortTerm), ...rest];
  const ordered = order.length === 0 ? '' : ` ORDER BY ${order.join(', ')}`;
  const list = shown.map(({ name }) => quoteName(name)).join(', ');
  return {
    query: `SELECT ${list} FROM ${sqlName(relation)}${where}${ordered} LIMIT ${limit} OFFSET ${offset}`,
    params,
  };
}

export function countStatement(relation: Relation, { filters }: TableView): Statement {
  const { where, params } = conditions(filters, relation);
  return { query: `SELECT count(*) FROM ${sqlName(relation)}${where}`, params };
}

/** A value as it is edited, however long. */
export function wholeStatement(
  engine: Engine,
  relation: Relation,
  key: readonly SqlValue[],
  columns: readonly Column[],
): Statement {
  const list = columns.map((column) => wholeExpression(engine, column)).join(', ');
  const [where, params] = isKeyless(relation)
    ? [`${identityExpression(relation)} = $1`, [key[0]]]
    : [equalities(relation, relation.key), parametersOf(relation, relation.key, key)];
  return { query: `SELECT ${list} FROM ${sqlName(relation)} WHERE ${where} LIMIT 1`, params };
}

/** What `wholeStatement` read, as it is edited. */
export function wholeText(engine: Engine, { type }: Column, text: SqlValue): SqlValue {
  if (engine !== 'duckdb' || !isNested(type) || text === null) return text;
  const value = text.slice('{"v":'.length, -1);
  return value === 'null' ? null : value;
}

/** The row that a reference names. */
export function rowStatement(
  engine: Engine,
  relation: Relation,
  columns: readonly string[],
  values: readonly SqlValue[],
): Statement {
  const list = relation.columns.map((column) => shownExpression(engine, column)).join(', ');
  return {
    query: `SELECT ${list} FROM ${sqlName(relation)} WHERE ${equalities(relation, columns)} LIMIT 1`,
    params: parametersOf(relation, columns, values),
  };
}

/** As many as people read. */
const mostChoices = 20;

/** Beside the key, what tells people which row it is. */
export function labelColumns({ columns }: Relation, keys: readonly string[]): readonly Column[] {
  return columns.filter(({ name, type }) => type.kind === 'text' && !keys.includes(name)).slice(0, 2);
}

/** Rows that a reference may name, those with `needle` in their key or label: the key's columns, then the labels. */
export function choicesStatement(engine: Engine, target: Relation, keys: readonly string[], needle: string): Statement {
  const labels = labelColumns(target, keys);
  const list = [...keys.map(quoteName), ...labels.map((column) => shownExpression(engine, column))].join(', ');
  const searched = [...keys, ...labels.map(({ name }) => name)].map(
    (name) => `position(lower(CAST($1 AS VARCHAR)) IN lower(CAST(${quoteName(name)} AS VARCHAR))) > 0`,
  );
  const where = needle === '' ? '' : ` WHERE ${searched.join(' OR ')}`;
  const order = keys.map((_, index) => index + 1).join(', ');
  return {
    query: `SELECT ${list} FROM ${sqlName(target)}${where} ORDER BY ${order} LIMIT ${mostChoices}`,
    params: needle === '' ? [] : [needle],
  };
}

function parametersOf(
  { columns }: Relation,
  names: readonly string[],
  values: readonly SqlValue[],
): readonly unknown[] {
  return names.map((name, index) => {
    const column = columns.find((each) => each.name === name);
    return column ? parameterOf(column, values[index] ?? null) : values[index];
  });
}

export function topValuesStatement(relation: Relation, view: TableView, column: Column): Statement {
  const { where, params } = conditions(view.filters, relation);
  const name = quoteName(column.name);
  return {
    query: `SELECT ${name}, count(*) AS n FROM ${sqlName(relation)}${where} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 12`,
    params,
  };
}

function equalities(relation: Relation, columns: readonly string[]): string {
  return columns.map((name, index) => `${quoteName(name)} = ${parameter(relation, name, index + 1)}`).join(' AND ');
}

function parameter({ columns }: Relation, name: string, index: number): string {
  const column = columns.find((each) => each.name === name);
  return column === undefined ? `$${index}` : `CAST($${index} AS ${column.sqlType})`;
}

/** In larger tables, to put them into the order of their keys takes longer than people should wait. */
const mostOrdered = 200_000;

/** A row that is changed may come to lie at the end: without an order it would jump under people's eyes. */
function orderOf(engine: Engine, { kind, key, estimatedRows }: Relation, { sorts }: TableView): string {
  const chosen = sorts.map(sortTerm);
  const isLarge = engine === 'duckdb' && (estimatedRows ?? 0) > mostOrdered;
  const rest = !isLarge ? key.map(quoteName) : sorts.length > 0 && kind === 'table' ? ['rowid'] : [];
  const all = [...chosen, ...rest];
  return all.length === 0 ? '' : ` ORDER BY ${all.join(', ')}`;
}

function sortTerm({ column, isDescending }: Sort): string {
  return `${quoteName(column)}${isDescending ? ' DESC' : ''} NULLS LAST`;
}

/** As much of a value as a cell shows. What is nested is the engine's own text: its JSON loses digits, and bytes. */
function shownExpression(engine: Engine, { name, type }: Column): string {
  const column = quoteName(name);
  switch (type.kind) {
    case 'text':
      return `left(${column}, ${longestText + 1})`;
    case 'blob':
      return engine === 'duckdb'
        ? `array_slice(${column}, 1, ${longestBytes + 1})`
        : `substring(${column} FROM 1 FOR ${longestBytes + 1})`;
    case 'json':
    case 'list':
    case 'struct':
    case 'map':
    case 'union':
      return engine === 'duckdb' || type.kind === 'json'
        ? `left(CAST(${column} AS VARCHAR), ${longestText + 1})`
        : `left(CAST(to_json(${column}) AS VARCHAR), ${longestText + 1})`;
    default:
      return column;
  }
}

/** A struct comes in the form of the API's rows, whatever is in it: see `wholeText`. */
function wholeExpression(engine: Engine, { name, type }: Column): string {
  const column = quoteName(name);
  if (type.kind === 'json') return `CAST(${column} AS VARCHAR)`;
  if (!isNested(type)) return column;
  return engine === 'duckdb' ? `{'v': ${column}}` : `CAST(to_json(${column}) AS VARCHAR)`;
}

/** Whether only the beginning came. */
export function isCut(column: Column | undefined, text: SqlValue): boolean {
  if (text === null || column === undefined) return false;
  return column.type.kind === 'blob'
    ? text.length > 2 + 2 * longestBytes
    : text.length > longestText && isCuttable(column);
}

const isCuttable = ({ type: { kind } }: Column): boolean =>
  ['text', 'json', 'list', 'struct', 'map', 'union'].includes(kind);

function conditions(
  filters: readonly Filter[],
  relation: Relation,
): { readonly where: string; readonly params: readonly unknown[] } {
  const params: unknown[] = [];
  const add = (value: unknown): number => params.push(value);
  const all = filters.map(({ column, operator, value }) => {
    const name = quoteName(column);
    const typed = (text: string): string => {
      const [param] = parametersOf(relation, [column], [text]);
      return parameter(relation, column, add(param));
    };
    const asText = `CAST(${name} AS VARCHAR)`;
    switch (operator) {
      case 'is null':
        return `${name} IS NULL`;
      case 'is not null':
        return `${name} IS NOT NULL`;
      case 'contains':
        return `position(lower(CAST($${add(value)} AS VARCHAR)) IN lower(${asText})) > 0`;
      case 'starts with':
        return `starts_with(${asText}, CAST($${add(value)} AS VARCHAR))`;
      case 'is one of':
        return `${name} IN (${value
          .split(',')
          .map((each) => typed(each.trim()))
          .join(', ')})`;
      case '≠':
        return `${name} IS DISTINCT FROM ${typed(value)}`;
      case '≤':
        return `${name} <= ${typed(value)}`;
      case '≥':
        return `${name} >= ${typed(value)}`;
      default:
        return `${name} ${operator} ${typed(value)}`;
    }
  });
  return { where: all.length === 0 ? '' : ` WHERE ${all.join(' AND ')}`, params };
}
