/** What can be done with a cell, or with a column. */
import type { Catalog, Column, Relation } from '../../api/catalog.ts';
import type { Place } from '../../grid/model.ts';
import { keyLabel } from '../../shell/keys.ts';
import type { MenuEntry } from '../../ui/menu.tsx';
import type { GridRow } from './grid-rows.ts';
import type { TableGridHandle } from './table-grid.tsx';
import { type Filter, showView, type Sort, type TableView } from './view-state.ts';

interface MenuOptions {
  readonly catalog: Catalog;
  readonly relation: Relation;
  readonly view: TableView;
  readonly readOnly: string | null;
  readonly grid: TableGridHandle;
  readonly place: Place;
  readonly onPeek: (row: GridRow) => void;
  readonly onFollow: (row: GridRow, column: Column) => void;
  readonly onValues: (column: Column) => void;
}

export function menuOf(options: MenuOptions): readonly MenuEntry[] {
  const column = options.grid.columnAt(options.place.column);
  if (!column) return [];
  return options.place.row < 0 ? columnEntries(options, column) : cellEntries(options, column);
}

function columnEntries({ relation, view, onValues }: MenuOptions, column: Column): MenuEntry[] {
  const { name } = column;
  const sorted = (sorts: readonly Sort[]) => () => showView(relation.path, { ...view, sorts });
  return [
    { label: 'Values and their counts', onSelect: () => onValues(column) },
    { label: 'Sort up', onSelect: sorted([{ column: name, isDescending: false }]) },
    { label: 'Sort down', onSelect: sorted([{ column: name, isDescending: true }]) },
    { label: 'As it is stored', isDisabled: view.sorts.length === 0, onSelect: sorted([]) },
    {
      label: 'Only with NULL',
      onSelect: () => filterBy(relation, view, { column: name, operator: 'is null', value: '' }),
    },
    {
      label: 'Only without NULL',
      onSelect: () => filterBy(relation, view, { column: name, operator: 'is not null', value: '' }),
    },
    {
      label: 'Hide',
      isDisabled: view.hidden.length === relation.columns.length - 1,
      onSelect: () => showView(relation.path, { ...view, hidden: [...view.hidden, name] }),
    },
  ];
}

function cellEntries(
  { relation, view, readOnly, grid, place, onPeek, onFollow }: MenuOptions,
  column: Column,
): MenuEntry[] {
  const row = grid.rowAt(place.row);
  const value = row.values?.[column.name];
  const isReference = relation.references.some(({ columns }) => columns.includes(column.name));
  const filter = (operator: Filter['operator']) => () =>
    filterBy(
      relation,
      view,
      value === null
        ? { column: column.name, operator: operator === '=' ? 'is null' : 'is not null', value: '' }
        : { column: column.name, operator, value: value ?? '' },
    );
  const writing: MenuEntry[] = [
    { label: 'Edit', keys: 'Enter', onSelect: () => grid.edit(place) },
    { label: 'Set to NULL', keys: keyLabel('Mod+Backspace'), isDisabled: !column.nullable, onSelect: grid.setNull },
    {
      label: `Set to DEFAULT${column.default === null ? '' : ` (${column.default})`}`,
      isDisabled: column.generated || (column.default === null && !column.nullable),
      onSelect: grid.setDefault,
    },
    {
      label: 'Duplicate the row',
      keys: keyLabel('Mod+D'),
      isDisabled: row.addition !== null,
      onSelect: grid.duplicate,
    },
    { label: row.edit?.isRemoved === true ? 'Keep the row' : 'Delete the row', keys: 'Delete', onSelect: grid.remove },
  ];
  return [
    { label: 'Show the row', keys: 'Space', onSelect: () => onPeek(row) },
    ...(isReference
      ? [{ label: 'Follow the reference', keys: keyLabel('Alt+Enter'), onSelect: () => onFollow(row, column) }]
      : []),
    ...(readOnly === null ? writing : []),
    { label: 'Only with this value', isDisabled: value === undefined, onSelect: filter('=') },
    { label: 'Without this value', isDisabled: value === undefined, onSelect: filter('≠') },
  ];
}

function filterBy(relation: Relation, view: TableView, filter: Filter): void {
  showView(relation.path, { ...view, filters: [...view.filters, filter] });
}
