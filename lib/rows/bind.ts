/** Values as parameters of a statement: one by one, or many rows as one table. */
import type { Column } from '../catalog/catalog.ts';
import type { ValueType } from '../catalog/types.ts';
import { join, raw, type Sql, sql, value as parameter } from '../sql/compose.ts';
import type { EngineName, PlainValue, Row } from '../values.ts';
import { postgresText } from './postgres-text.ts';
import { textOf } from './values.ts';

type TypedColumn = Pick<Column, 'name' | 'type' | 'sqlType'>;

/** The value as a parameter of the column's type. */
export function bind(engine: EngineName, { type, sqlType }: Omit<TypedColumn, 'name'>, value: PlainValue): Sql {
  const sent = engine === 'duckdb' || value === null ? value : postgresText(type, value);
  return sql`cast(${parameter(sent)} as ${raw(sqlType)})`;
}

/** Rows of values that a statement can select from. */
export interface ValueTable {
  /** `… AS given`. */
  readonly from: Sql;
  /** The columns that were asked for, in their order. */
  readonly columns: readonly Sql[];
  /** The number of the row, from 0. */
  readonly place: Sql;
}

/**
 * The values of `columns` in `rows` as a table. Its statement has the same text however many rows there are.
 *
 * One list of texts is one parameter, which both engines take apart several times as fast as thousands of parameters. What
 * DuckDB does not read back from a text exactly is a list of values for each column.
 */
export function valueTable(engine: EngineName, columns: readonly TypedColumn[], rows: readonly Row[]): ValueTable {
  return engine === 'duckdb' ? duckdbTable(columns, rows) : postgresTable(columns, rows);
}

function postgresTable(columns: readonly TypedColumn[], rows: readonly Row[]): ValueTable {
  const texts = textRows(columns, rows, ({ type }, value) => postgresText(type, value));
  return {
    from: sql`json_array_elements(cast(${parameter(texts)} as json)) with ordinality as given (texts, place)`,
    columns: columns.map(({ sqlType }, index) => raw(`cast(given.texts->>${index} as ${sqlType})`)),
    place: raw('given.place - 1'),
  };
}

function duckdbTable(columns: readonly TypedColumn[], rows: readonly Row[]): ValueTable {
  const texts = columns.filter((column) => isReadFromText(column.type, valuesOf(column, rows)));
  const lists = columns.filter((column) => !texts.includes(column));
  const unnested = [
    sql`unnest(range(cast(${parameter(String(rows.length))} as bigint))) as place`,
    sql`unnest(from_json(cast(${parameter(textRows(texts, rows, (_column, value) => textOf(value)))} as varchar), '["VARCHAR[]"]')) as texts`,
    ...lists.map(
      (column, index) =>
        sql`unnest(cast(${parameter(valuesOf(column, rows))} as ${raw(`${column.sqlType}[]`)})) as ${raw(`list${index}`)}`,
    ),
  ];
  return {
    from: sql`(select ${join(unnested)}) as given`,
    columns: columns.map((column) =>
      texts.includes(column)
        ? raw(`cast(given.texts[${texts.indexOf(column) + 1}] as ${column.sqlType})`)
        : raw(`given.list${lists.indexOf(column)}`),
    ),
    place: raw('given.place'),
  };
}

function valuesOf({ name }: TypedColumn, rows: readonly Row[]): PlainValue[] {
  return rows.map((row) => row[name] ?? null);
}

function textRows(
  columns: readonly TypedColumn[],
  rows: readonly Row[],
  write: (column: TypedColumn, value: PlainValue) => string,
): string {
  const texts = rows.map((row) =>
    columns.map((column) => {
      const value = row[column.name] ?? null;
      return value === null ? null : write(column, value);
    }),
  );
  return JSON.stringify(texts);
}

/** Whether DuckDB's casts from text give each value as rows have it. */
function isReadFromText({ kind }: ValueType, values: readonly PlainValue[]): boolean {
  switch (kind) {
    case 'blob':
    case 'interval':
    case 'list':
    case 'struct':
    case 'map':
    case 'union':
      return false;
    case 'date':
    case 'timestamp':
      // Years of six digits, and infinity.
      return values.every((value) => value === null || /^\d/.test(textOf(value)));
    default:
      return true;
  }
}
