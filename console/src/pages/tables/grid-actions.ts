/** What can be done with the cells that are selected. All of it is staged, none of it saved. */
import type { Catalog, Column, Relation } from '../../api/catalog.ts';
import { hasAddress } from '../../api/rows.ts';
import { fromTsv, type Place, type Range } from '../../grid/model.ts';
import type { GridHandle } from '../../grid/props.ts';
import { tell } from '../../ui/toast.tsx';
import type { Move } from './editing.ts';
import { textAtHand, wholeTextOf } from './edited-text.ts';
import type { GridRow } from './grid-rows.ts';
import type { Stage, Value, Values } from './staged.ts';

export interface Editing {
  readonly place: Place;
  readonly typed: string | null;
  readonly text: string | null;
}

interface ActionOptions {
  readonly engine: Catalog['engine'];
  readonly relation: Relation;
  readonly stage: Stage;
  readonly readOnly: string | null;
  readonly columns: readonly Column[];
  readonly rowAt: (index: number) => GridRow;
  readonly grid: React.RefObject<GridHandle | null>;
  readonly setEditing: (editing: Editing | null) => void;
}

export function actionsOf({ engine, relation, stage, readOnly, columns, rowAt, grid, setEditing }: ActionOptions) {
  const writeAll = ({ row: index }: Place, values: Values): void => {
    const row = rowAt(index);
    if (row.addition) stage.changeAddition(index, values);
    else if (row.key && row.values && hasAddress(relation, row.key)) stage.change(row.key, row.values, values);
  };
  const write = (place: Place, value: Value): void => {
    const column = columns[place.column];
    if (column && !column.generated) writeAll(place, { [column.name]: value });
  };
  const selected = (): Place[] => placesIn(grid.current?.range ?? nowhere);
  const selectedRows = (): number[] => [...new Set(selected().map(({ row }) => row))];

  const startEdit = async (place: Place, typed: string | null): Promise<void> => {
    const [row, column] = [rowAt(place.row), columns[place.column]];
    if (!column) return;
    if (readOnly !== null && !row.addition) return tell(readOnly);
    if (column.generated) return tell(`${column.name} is computed by the database.`);
    if (row.key && !hasAddress(relation, row.key)) return tell(noAddress);
    if (row.key) stage.begin(row.key);
    const atHand = textAtHand(row, column);
    if (atHand !== undefined) return setEditing({ place, typed, text: atHand });
    if (!row.key || !row.values) return undefined;
    const text = await wholeTextOf(engine, relation, row.key, column);
    if (text !== undefined) setEditing({ place, typed, text });
  };
  const commit = (place: Place, before: string | null, value: Value, move: Move): void => {
    setEditing(null);
    if (value === 'default' || value.text !== before) write(place, value);
    moveFrom(place, move);
  };
  const pick = (place: Place, values: Values, move: Move): void => {
    setEditing(null);
    writeAll(place, values);
    moveFrom(place, move);
  };
  const moveFrom = (place: Place, move: Move): void => {
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
    pick,
    edit: (place: Place) => void startEdit(place, null),
    focus: () => grid.current?.focus(),
    range: () => grid.current?.range ?? { from: { row: 0, column: 0 }, to: { row: 0, column: 0 } },
    active: () => grid.current?.active ?? { row: 0, column: 0 },
    setNull: () => {
      for (const place of selected()) if (columns[place.column]?.nullable === true) write(place, { text: null });
    },
    setDefault: () => {
      for (const place of selected()) write(place, 'default');
    },
    remove: () => {
      const rows = selectedRows();
      const additions = rows.filter((row) => rowAt(row).addition !== null);
      if (additions.length > 0) return stage.dropAdditions(additions);
      stage.remove(
        rows
          .map(rowAt)
          .flatMap(({ key, values }) => (key && values && hasAddress(relation, key) ? [{ key, before: values }] : [])),
      );
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

/** What a copy of a row begins with: all but the key, which is the row's own. */
function copyOf({ columns, key }: Relation, { values = {} }: GridRow): Values {
  const copied = columns.filter(({ name, generated }) => !generated && !key.includes(name) && name in values);
  return Object.fromEntries(copied.map(({ name }) => [name, { text: values[name] ?? null }]));
}

const noAddress = 'No address names this row, because its key is empty or dots: change it by SQL.';
const nowhere: Range = { from: { row: 0, column: 0 }, to: { row: -1, column: 0 } };
/** A selection of everything is no wish to stage a million rows. */
const mostRows = 1000;

function placesIn({ from, to }: Range): Place[] {
  const places: Place[] = [];
  for (let row = from.row; row <= Math.min(to.row, from.row + mostRows - 1); row++)
    for (let column = from.column; column <= to.column; column++) places.push({ row, column });
  return places;
}
