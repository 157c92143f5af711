/** The grid of a table: what is seen, the editor over it, and the keys. */
import { useEffect, useMemo, useRef, useState } from 'react';
import type { Catalog, Column, Relation } from '../../api/catalog.ts';
import { Grid } from '../../grid/grid.tsx';
import type { Place, Range } from '../../grid/model.ts';
import type { GridHandle } from '../../grid/props.ts';
import { matches } from '../../shell/keys.ts';
import { useStore } from '../../store.ts';
import { choiceOf } from './choice.ts';
import { CellEditor } from './editor.tsx';
import { actionsOf, type Editing } from './grid-actions.ts';
import { type GridRow, useContent, useRowAt } from './grid-rows.ts';
import type { Stage } from './staged.ts';
import type { Rows } from './use-rows.ts';
import type { TableView } from './view-state.ts';

export interface TableGridProps {
  readonly catalog: Catalog;
  readonly relation: Relation;
  readonly view: TableView;
  readonly rows: Rows;
  readonly stage: Stage;
  /** Null: it can be written. */
  readonly readOnly: string | null;
  /** Rows can be added, also where they cannot be changed. */
  readonly canAdd: boolean;
  readonly ref: React.Ref<TableGridHandle>;
  readonly onHeader: (column: Column, more: boolean) => void;
  readonly onMenu: (place: Place, at: { readonly x: number; readonly y: number }) => void;
  readonly onPeek: (row: GridRow) => void;
  readonly onFollow: (row: GridRow, column: Column) => void;
  readonly onActive: (row: GridRow) => void;
}

export interface TableGridHandle {
  readonly rowAt: (index: number) => GridRow;
  readonly columnAt: (index: number) => Column | undefined;
  readonly range: () => Range;
  readonly active: () => Place;
  readonly edit: (place: Place) => void;
  readonly setNull: () => void;
  readonly setDefault: () => void;
  readonly remove: () => void;
  readonly duplicate: () => void;
  /** A new row, on top. */
  readonly add: () => void;
  readonly focus: () => void;
}

export function TableGrid(props: TableGridProps) {
  const { catalog, relation, view, rows, stage, readOnly, canAdd, ref } = props;
  const { onHeader, onMenu, onPeek, onFollow, onActive } = props;
  const staged = useStore(stage.store);
  const grid = useRef<GridHandle>(null);
  const [editing, setEditing] = useState<Editing | null>(null);
  const columns = useMemo(
    () => relation.columns.filter(({ name }) => !view.hidden.includes(name)),
    [relation, view.hidden],
  );
  const rowAt = useRowAt(relation, view, rows, staged);
  const content = useContent(columns, relation, view, rows, staged, rowAt);
  const actions = actionsOf({ engine: catalog.engine, relation, stage, readOnly, columns, rowAt, grid, setEditing });
  useEffect(() => {
    if (typeof ref === 'object' && ref !== null)
      ref.current = { ...actions, rowAt, columnAt: (index) => columns[index] };
  });
  useEffect(() => setEditing(null), [view, relation.path]);

  const onKey = (event: React.KeyboardEvent, place: Place): boolean => {
    const [row, column] = [rowAt(place.row), columns[place.column]];
    if (event.key === ' ' && !event.ctrlKey) onPeek(row);
    else if (matches(event, 'Alt+Enter') && column) onFollow(row, column);
    else if (readOnly === null && matches(event, 'Mod+Backspace')) actions.setNull();
    else if (readOnly === null && event.key === 'Delete') actions.remove();
    else if (matches(event, 'Mod+Z')) stage.undo();
    else if (canAdd && matches(event, 'Mod+I')) actions.add();
    else if (readOnly === null && matches(event, 'Mod+D')) actions.duplicate();
    else if (readOnly === null && matches(event, 'Mod+V')) void actions.paste();
    else return false;
    return true;
  };
  const editedColumn = editing === null ? undefined : columns[editing.place.column];
  return (
    <Grid
      ref={grid}
      label={`Rows of ${relation.path}`}
      content={content}
      onWindow={(first, last) => rows.see(first - staged.additions.length, last - staged.additions.length)}
      onEdit={(place, typed) => void actions.startEdit(place, typed)}
      onKey={onKey}
      onHeader={(index, { shiftKey }) => {
        const column = columns[index];
        if (column) onHeader(column, shiftKey);
      }}
      onMenu={onMenu}
      onActive={(place) => onActive(rowAt(place.row))}
      onTap={(place) => onPeek(rowAt(place.row))}
      editor={
        editing === null || !editedColumn
          ? null
          : {
              place: editing.place,
              node: (
                <CellEditor
                  key={`${editing.place.row} ${editing.place.column}`}
                  column={editedColumn}
                  text={editing.text}
                  typed={editing.typed}
                  onCancel={() => {
                    setEditing(null);
                    grid.current?.focus();
                  }}
                  choice={choiceOf(catalog, relation, editedColumn)}
                  onCommit={(value, move) => actions.commit(editing.place, editing.text, value, move)}
                  onPick={(values, move) => actions.pick(editing.place, values, move)}
                />
              ),
            }
      }
    />
  );
}
