/** What can be done with the cells that are selected. All of it is staged, none of it saved. */
import type { Column, Relation } from '../../api/catalog.ts';
import { runSql, type SqlValue } from '../../api/sql.ts';
import type { GridHandle } from '../../grid/grid.tsx';
import { fromTsv, type Place, type Range } from '../../grid/model.ts';
import { tell } from '../../ui/toast.tsx';
import type { Move } from './editor.tsx';
import type { GridRow } from './grid-rows.ts';
import type { Value, Values } from './staged.ts';
import { isCut, wholeStatement } from './statements.ts';
import type { TableGridProps } from './table-grid.tsx';

export interface Editing {
  readonly place: Place;
  readonly typed: string | null;
  readonly text: string | null;
}

interface ActionOptions extends Pick<TableGridProps, 'relation' | 'stage' | 'readOnly'> {
  readonly columns: readonly Column[];
  readonly rowAt: (index: number) => GridRow;
  readonly grid: React.RefObject<GridHandle | null>;
  readonly setEditing: (editing: Editing | null) => void;
}

export function actionsOf({ relation, stage, readOnly, columns, rowAt, grid, setEditing }: ActionOptions) {
  const write = (place: Place, value: Value): void => {
    const [row, column] = [rowAt(place.row), columns[place.column]];
    if (!column || column.generated) return;
    if (row.addition) stage.changeAddition(place.row, { [column.name]: value });
    else if (row.key && row.values) stage.change(row.key, row.values, { [column.name]: value });
  };
  const selected = (): Place[] => placesIn(grid.current?.range ?? nowhere);
  const selectedRows = (): number[] => [...new Set(selected().map(({ row }) => row))];

  const startEdit = async (place: Place, typed: string | null): Promise<void> => {
    const [row, column] = [rowAt(place.row), columns[place.column]];
    if (!column) return;
    if (readOnly !== null && !row.addition) return tell(readOnly);
    if (column.generated) return tell(`${column.name} is computed by the database.`);
    if (row.key) stage.begin(row.key);
    const atHand = textAtHand(row, column);
    if (atHand !== undefined) return setEditing({ place, typed, text: atHand });
    if (!row.key || !row.values) return undefined;
    try {
      const { value } = await runSql(wholeStatement(relation, row.key, column));
      setEditing({ place, typed, text: value.rows[0]?.[0] ?? null });
    } catch (error) {
      tell(`The whole value cannot be read: ${(error as Error).message}`);
    }
  };
  const commit = (place: Place, before: string | null, value: Value, move: Move): void => {
    setEditing(null);
    if (value === 'default' || value.text !== before) write(place, value);
    const [dy, dx] = { down: [1, 0], up: [-1, 0], right: [0, 1], left: [0, -1], stay: [0, 0] }[move] as [
      number,
      number,
    ];
    if (move === 'stay') return;
    grid.current?.focus();
    grid.current?.moveTo({ row: place.row + dy, column: place.column + dx });
  };
  return {
    startEdit,
    commit,
    edit: (place: Place) => void startEdit(place, null),
    focus: () => grid.current?.focus(),
    range: () => grid.current?.range ?? { from: { row: 0, column: 0 }, to: { row: 0, column: 0 } },
    active: () => grid.current?.active ?? { row: 0, column: 0 },
    setNull: () => {
      for (const place of selected()) if (columns[place.column]?.nullable === true) write(place, { text: null });
    },
    remove: () => {
      const rows = selectedRows();
      const additions = rows.filter((row) => rowAt(row).addition !== null);
      if (additions.length > 0) return stage.dropAdditions(additions);
      stage.remove(rows.map(rowAt).flatMap(({ key, values }) => (key && values ? [{ key, before: values }] : [])));
    },
    add: () => {
      stage.add();
      grid.current?.focus();
      grid.current?.moveTo({
        row: 0,
        column: Math.max(
          0,
          columns.findIndex((column) => column.default === null && !column.generated),
        ),
      });
    },
    duplicate: () => stage.add(copyOf(relation, rowAt(grid.current?.active.row ?? 0))),
    paste: async () => {
      const lines = fromTsv(await navigator.clipboard.readText());
      const { row, column } = grid.current?.range.from ?? { row: 0, column: 0 };
      for (const [down, texts] of lines.entries())
        for (const [right, text] of texts.entries()) write({ row: row + down, column: column + right }, { text });
    },
  };
}

/** As it stands there now; undefined where only its beginning is here. */
function textAtHand({ addition, edit, values }: GridRow, column: Column): SqlValue | undefined {
  const changed = (addition ?? edit)?.values[column.name];
  if (changed !== undefined && changed !== 'default') return changed.text;
  if (addition) return null;
  const text = values?.[column.name];
  return isCut(column, text ?? null) ? undefined : text;
}

/** What a copy of a row begins with: all but the key, which is the row's own. */
function copyOf({ columns, key }: Relation, { values = {} }: GridRow): Values {
  const copied = columns.filter(({ name, generated }) => !generated && !key.includes(name) && name in values);
  return Object.fromEntries(copied.map(({ name }) => [name, { text: values[name] ?? null }]));
}

const nowhere: Range = { from: { row: 0, column: 0 }, to: { row: -1, column: 0 } };
/** A selection of everything is no wish to stage a million rows. */
const mostRows = 1000;

function placesIn({ from, to }: Range): Place[] {
  const places: Place[] = [];
  for (let row = from.row; row <= Math.min(to.row, from.row + mostRows - 1); row++)
    for (let column = from.column; column <= to.column; column++) places.push({ row, column });
  return places;
}
