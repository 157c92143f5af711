/** The rows of the grid: from the database, with what is staged laid over them. */
import { useCallback, useMemo } from 'react';
import { type Column, isKeyless, kindOfType, type Relation } from '../../api/catalog.ts';
import type { SqlValue } from '../../api/sql.ts';
import type { Cell, GridContent } from '../../grid/model.ts';
import { type Addition, type Edit, rowId, type Staged } from './staged.ts';
import { columnsToRead, isCut, longestText, windowSize } from './statements.ts';
import type { Rows } from './use-rows.ts';
import type { TableView } from './view-state.ts';

/** A row of the grid: one that is to be, or one that is there. */
export interface GridRow {
  readonly addition: Addition | null;
  /** Of a row without a primary key its identity, and its place among those of its page that are equal to it. */
  readonly key: readonly SqlValue[] | null;
  readonly edit: Edit | null;
  /** By column; undefined while it is not loaded. */
  readonly values: Readonly<Record<string, SqlValue>> | undefined;
}

export function useRowAt(
  relation: Relation,
  view: TableView,
  rows: Rows,
  { edits, additions }: Staged,
): (index: number) => GridRow {
  const read = useMemo(() => columnsToRead(relation, view), [relation, view]);
  return useCallback(
    (index) => {
      const addition = additions[index] ?? null;
      if (addition) return { addition, key: null, edit: null, values: undefined };
      const found = rows.row(index - additions.length);
      if (!found) return { addition: null, key: null, edit: null, values: undefined };
      const values = Object.fromEntries(read.map(({ name }, at) => [name, found[at] ?? null]));
      const key = keyAt(relation, values, read.length, index - additions.length, rows);
      return { addition: null, key, edit: key === null ? null : (edits[rowId(key)] ?? null), values };
    },
    [read, rows, edits, additions, relation],
  );
}

function keyAt(
  relation: Relation,
  values: Readonly<Record<string, SqlValue>>,
  identityAt: number,
  index: number,
  rows: Rows,
): readonly SqlValue[] | null {
  if (!isKeyless(relation)) return relation.key.length === 0 ? null : relation.key.map((name) => values[name] ?? null);
  const identity = rows.row(index)?.[identityAt] ?? null;
  let before = 0;
  for (let other = index - (index % windowSize); other < index; other++)
    if (rows.row(other)?.[identityAt] === identity) before++;
  return [identity, String(before)];
}

export function useContent(
  columns: readonly Column[],
  relation: Relation,
  view: TableView,
  rows: Rows,
  staged: Staged,
  rowAt: (index: number) => GridRow,
): GridContent {
  return useMemo(() => {
    const made = new Map<number, GridRow>();
    const known = (index: number): GridRow => {
      const row = made.get(index) ?? rowAt(index);
      made.set(index, row);
      return row;
    };
    return {
      rowCount: rows.count + staged.additions.length,
      columns: columns.map((column) => {
        const sort = view.sorts.find((each) => each.column === column.name);
        const isReference = relation.references.some((each) => each.columns.includes(column.name));
        return {
          name: column.name,
          note: relation.key.includes(column.name) ? `${column.sqlType}, key` : column.sqlType,
          kind: kindOfType(column.type),
          ...(sort ? { sort: sort.isDescending ? ('descending' as const) : ('ascending' as const) } : {}),
          ...(isReference ? { sign: '→' as const } : {}),
        };
      }),
      cell: (row, column) => cellOf(known(row), columns[column]),
    };
  }, [columns, relation, view.sorts, rows.count, staged.additions.length, rowAt]);
}

function cellOf({ addition, edit, values }: GridRow, column: Column | undefined): Cell {
  if (!column) return { text: '' };
  if (addition) {
    const value = addition.values[column.name] ?? 'default';
    const state = addition.fault ? ('failed' as const) : ('added' as const);
    if (value === 'default')
      return { text: undefined, placeholder: column.default ?? (column.nullable ? 'NULL' : 'required'), state };
    return { text: value.text, state };
  }
  if (!values) return { text: undefined };
  const changed = edit?.values[column.name];
  if (changed !== undefined) {
    const state = edit?.fault ? ('failed' as const) : ('edited' as const);
    if (changed === 'default') return { text: undefined, placeholder: column.default ?? 'NULL', state };
    return { text: changed.text, state };
  }
  const text = values[column.name] ?? null;
  const cut = isCut(column, text);
  return {
    text: cut && text !== null ? text.slice(0, longestText) : text,
    isCut: cut,
    ...(edit?.isRemoved === true ? { state: 'removed' as const } : {}),
  };
}
