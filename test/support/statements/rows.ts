/** Statements that change rows: INSERT, UPDATE, DELETE and TRUNCATE, in all their forms. */
import type { LiveColumn, LiveTable } from './live-schema.ts';
import { Picker } from './picker.ts';
import { anyTable, type Maker, type Making, path, quoted, settable } from './statement.ts';
import { anyKeyValue, anyValue, equalValue, isNumeric, isSigned, volatileValue } from './values.ts';

/** Columns with their values in a row: those that may be left out are, at times. */
export interface NewRows {
  readonly columns: readonly LiveColumn[];
  readonly rows: readonly (readonly string[])[];
}

export function newRows(table: LiveTable, { pick, allowsVolatile }: Making, most = 6): NewRows {
  const columns = settable(table).filter(({ name, hasDefault }) =>
    table.key.includes(name) && !hasDefault ? true : !pick.chance(20),
  );
  const shift = pick.index(20);
  const value = ({ name, type, notNull, hasDefault }: LiveColumn, row: number): string => {
    if (name === table.key[0] && !(hasDefault && pick.chance(50)))
      return anyKeyValue(type, pick.chance(10) ? pick : new Picker([shift]), row);
    if (hasDefault && pick.chance(30)) return 'DEFAULT';
    if (allowsVolatile && pick.chance(10)) return volatileValue(type, pick);
    return notNull ? anyKeyValue(type, pick) : anyValue(type, pick);
  };
  const rows = pick.times(1 + pick.index(most), (row) => columns.map((column) => value(column, row)));
  const hasTwins = table.key.length === 0 && pick.chance(50);
  return { columns, rows: hasTwins ? rows.map((_, row) => twinOf(rows[0]!, columns, row)) : rows };
}

/** A row that DuckDB finds equal. */
function twinOf(row: readonly string[], columns: readonly LiveColumn[], index: number): string[] {
  return row.map((value, at) => equalValue(columns[at]!.type, index) ?? value);
}

function listOf(columns: readonly LiveColumn[]): string {
  return columns.map(({ name }) => quoted(name)).join(', ');
}

function valuesOf({ rows }: NewRows): string {
  return `VALUES ${rows.map((row) => `(${row.join(', ')})`).join(', ')}`;
}

/** The same rows as a SELECT, where no DEFAULT can stand. */
export function selectOf({ columns, rows }: NewRows): string {
  const select = (row: readonly string[]): string =>
    `SELECT ${row.map((value, index) => `${value === 'DEFAULT' ? 'NULL' : value} AS ${quoted(columns[index]!.name)}`).join(', ')}`;
  return rows.map(select).join(' UNION ALL ');
}

export function returning(table: LiveTable, pick: Picker): string {
  if (!pick.chance(35)) return '';
  const [one, other] = [pick.of(table.columns).name, pick.of(table.columns).name];
  const lists = [
    '*',
    quoted(one),
    `${quoted(one)} AS ${quoted(other)}`,
    `1 AS ${quoted(one)}, 'x' AS ${quoted(other)}`,
    `${quoted(one)}::VARCHAR, *, ${quoted(other)} IS NULL`,
    `length(${quoted(one)}::VARCHAR) AS n`,
    `* EXCLUDE (${quoted(one)})`,
    `NULL AS ${quoted(one)}`,
    `42`,
  ];
  return ` ${pick.of(['RETURNING', 'returning'])} ${pick.of(lists)}`;
}

/** What a statement may stand behind. */
function withClause(table: LiveTable, pick: Picker): { readonly before: string; readonly name: string | null } {
  if (!pick.chance(20)) return { before: '', name: null };
  const name = quoted(pick.of(['w', 'delete', 'insert into', 'Select']));
  const kind = pick.of(['WITH', 'WITH RECURSIVE', 'with']);
  return { before: `${kind} ${name} AS ${pick.of(['', 'MATERIALIZED '])}(SELECT * FROM ${path(table, pick)}) `, name };
}

export const insert: Maker = (making) => {
  const { pick } = making;
  const table = anyTable(making);
  if (!table) return null;
  const fresh = newRows(table, making);
  if (fresh.columns.length === 0 || pick.chance(5))
    return { sql: `INSERT INTO ${path(table, pick)} DEFAULT VALUES${returning(table, pick)}` };
  const { before, name } = withClause(table, pick);
  // Both need a key, and DuckDB takes one of them at most; tables without one are tried, too, at times.
  const mayClash = table.key.length > 0 || pick.chance(5);
  const how = mayClash ? pick.of(['', '', 'OR REPLACE ', 'OR IGNORE ', 'ON CONFLICT']) : '';
  const target = `${before}INSERT ${how === 'ON CONFLICT' ? '' : how}INTO ${path(table, pick)}`;
  const body = pick.of([
    () => `(${listOf(fresh.columns)}) ${valuesOf(fresh)}`,
    () => `(${listOf(fresh.columns)}) ${valuesOf(fresh)}`,
    () => `(${listOf(fresh.columns)}) ${selectOf(fresh)}`,
    () => `BY NAME ${selectOf(fresh)}`,
    () => copyOf(table, making, name),
  ])();
  return { sql: `${target} ${body}${how === 'ON CONFLICT' ? onConflict(table, making) : ''}${returning(table, pick)}` };
};

/** From the table itself, or from the WITH clause: numbers move on, so that keys are new at times. */
function copyOf(table: LiveTable, { pick }: Making, from: string | null): string {
  const columns = settable(table);
  const shown = columns.map(({ name, type }) =>
    table.key.includes(name) && isNumeric(type) ? `${quoted(name)} + ${pick.index(3)}` : quoted(name),
  );
  return `(${listOf(columns)}) SELECT ${shown.join(', ')} FROM ${from ?? path(table, pick)}${pick.of(['', ' LIMIT 2', ' WHERE false'])}`;
}

function onConflict(table: LiveTable, making: Making): string {
  const { pick } = making;
  const target = table.key.length > 0 && pick.chance(80) ? ` (${table.key.map(quoted).join(', ')})` : '';
  const others = settable(table).filter(({ name }) => !table.key.includes(name));
  if (others.length === 0 || pick.chance(40)) return ` ON CONFLICT${target} DO NOTHING`;
  const column = pick.of(others);
  const value = pick.of([`excluded.${quoted(column.name)}`, anyValue(column.type, pick)]);
  const where = pick.chance(25) ? ` WHERE excluded.${quoted(column.name)} IS NOT NULL` : '';
  return ` ON CONFLICT${target} DO UPDATE SET ${quoted(column.name)} = ${value}${where}`;
}

/** A condition that some rows meet. */
export function condition(table: LiveTable, pick: Picker, alias = ''): string {
  const column = pick.of(table.columns);
  const name = `${alias}${quoted(column.name)}`;
  return pick.of([
    `${name} IS NOT DISTINCT FROM ${anyValue(column.type, pick)}`,
    `${name} = ${anyKeyValue(column.type, pick)}`,
    `${name} IS NULL`,
    `${name} IS NOT NULL`,
    'true',
    `${name}::VARCHAR > '0'`,
    `${name}::VARCHAR = ${anyKeyValue(column.type, pick)}::VARCHAR`,
    `hash(${name}) % 2 = 0`,
    'false',
  ]);
}

export const update: Maker = (making) => {
  const { pick } = making;
  const table = anyTable(making);
  if (!table || settable(table).length === 0) return null;
  const { before, name } = withClause(table, pick);
  const source = name ?? (pick.chance(15) ? path(table, pick) : null);
  const alias = source !== null || pick.chance(15) ? 't.' : '';
  return {
    sql:
      [
        `${before}UPDATE ${path(table, pick)}${alias === '' ? '' : ' AS t'}`,
        `SET ${assignments(table, making, source !== null)}`,
        ...(source === null ? [] : [`FROM ${source} AS other`]),
        `WHERE ${condition(table, pick, alias)}`,
        ...(source === null ? [] : [`AND t.${joinOf(table)}`]),
      ].join(' ') + returning(table, pick),
  };
};

/** Behind `t.`: each row with itself, where there is a key. */
function joinOf({ key, columns }: LiveTable): string {
  const name = quoted(key[0] ?? columns[0]!.name);
  return `${name} IS NOT DISTINCT FROM other.${name}`;
}

export function assignments(table: LiveTable, making: Making, hasOther: boolean): string {
  const { pick } = making;
  const columns = pick.some(settable(table), 1).slice(0, 3);
  return columns.map((column) => `${quoted(column.name)} = ${newValue(column, making, hasOther)}`).join(', ');
}

function newValue(column: LiveColumn, { pick, allowsVolatile }: Making, hasOther: boolean): string {
  const name = quoted(column.name);
  const own = `${hasOther ? 't.' : ''}${name}`;
  const choices = [
    anyValue(column.type, pick),
    'DEFAULT',
    anyValue(column.type, pick),
    ...(isNumeric(column.type) ? [`${own} + 1`] : []),
    ...(isSigned(column.type) ? [`-${own}`, `-${own}`] : []),
    ...(hasOther ? [`other.${name}`] : []),
    ...(allowsVolatile ? [volatileValue(column.type, pick)] : []),
  ];
  return pick.of(choices);
}

export const remove: Maker = (making) => {
  const { pick } = making;
  const table = anyTable(making);
  if (!table) return null;
  const { before, name } = withClause(table, pick);
  if (name !== null || pick.chance(20)) {
    const using = name ?? path(table, pick);
    return {
      sql: `${before}DELETE FROM ${path(table, pick)} AS t USING ${using} AS other WHERE ${condition(table, pick, 'other.')} AND t.${joinOf(table)}${returning(table, pick)}`,
    };
  }
  // Which of several comes first may differ between DuckDB alone and a replica. Of twins, one goes and one stays.
  const first =
    making.allowsVolatile && pick.chance(table.key.length === 0 ? 60 : 20)
      ? `rowid IN (SELECT rowid FROM ${path(table, pick)} LIMIT 1)`
      : null;
  const where = pick.chance(12) ? '' : ` WHERE ${first ?? condition(table, pick)}`;
  return { sql: `DELETE FROM ${path(table, pick)}${where}${returning(table, pick)}` };
};

export const truncate: Maker = (making) => {
  const table = anyTable(making);
  return table && { sql: `TRUNCATE ${making.pick.of(['', 'TABLE '])}${path(table, making.pick)}` };
};
