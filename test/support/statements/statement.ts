/** What generated statements are made of: names, and the ways to write one and the same thing. */
import type { PlainValue } from '../../../lib/values.ts';
import type { LiveColumn, LiveSchema, LiveTable } from './live-schema.ts';
import type { Picker } from './picker.ts';

export interface Statement {
  readonly sql: string;
  readonly values?: readonly PlainValue[];
  /**
   * The same for DuckDB alone: with RETURNING, as Eider runs it. Without, DuckDB 1.5 leaves a value as it is that equals the
   * new one, -0 as 0.
   */
  readonly returning?: string;
  /** Must be refused. */
  readonly isForbidden?: true;
}

/** What a maker of statements knows. Answers null when the schema has nothing for its kind. */
export interface Making {
  readonly pick: Picker;
  readonly schema: LiveSchema;
  /** Whether statements may use what gives other values each time. */
  readonly allowsVolatile: boolean;
}

export type Maker = (making: Making) => Statement | null;

const objectNames = ['t1', 't2', 't3', 'Order Details', 'select', 'a.b', `it's "odd"`, 'Mixed', 'ä'];
const columnNames = ['a', 'b', 'c', 'd', 'order', 'A B', 'x.y', 'q"q', 'Id', 'updated_at', 'excluded'];

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

/** The name of a new thing; it may be taken. */
export function newName({ pick, schema }: Making): string {
  const name = quoted(pick.of(objectNames));
  return pick.chance(20) ? `${quoted(pick.of(schema.schemas))}.${name}` : name;
}

/** `count` names of columns, no two alike. */
export function newColumnNames(count: number, pick: Picker): string[] {
  const first = pick.index(columnNames.length);
  return pick.times(count, (index) => columnNames[(first + index) % columnNames.length]!);
}

export function newColumnName(pick: Picker): string {
  return pick.of(columnNames);
}

/** A name as a statement may write it. */
export function path({ schema, name }: { readonly schema: string; readonly name: string }, pick: Picker): string {
  const isPlain = /^[a-z]\w*$/i.test(name) && name.toUpperCase() !== 'SELECT';
  const written = isPlain && pick.chance(50) ? (pick.chance(30) ? name.toUpperCase() : name) : quoted(name);
  return schema === 'main' && !pick.chance(15) ? written : `${quoted(schema)}.${written}`;
}

export function anyTable({ pick, schema }: Making): LiveTable | null {
  return schema.tables.length > 0 ? pick.of(schema.tables) : null;
}

/** Columns that a statement may set. */
export function settable({ columns }: LiveTable): LiveColumn[] {
  return columns.filter(({ generated }) => !generated);
}

/** Comments, blanks and semicolons that change nothing. */
export function decorated(sql: string, pick: Picker): string {
  if (!pick.chance(20)) return sql;
  const before = pick.of(['/* DELETE FROM t1; */ ', '-- INSERT\n', '\n\t ', '/* /* nested */ */']);
  return `${before}${sql}${pick.of(['', ';', ' -- end', ' ;\n', ' /* RETURNING */'])}`;
}
