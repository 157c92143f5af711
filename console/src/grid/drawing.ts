/** One element of a grid at a time: touched only where it shows something else than before. */
import type { Layout } from './layout.ts';
import { markedText } from './marks.ts';
import type { Cell, GridColumn } from './model.ts';

export interface DrawnCell {
  readonly element: HTMLElement;
  /** What it shows, to leave it alone while that stays. */
  shown: string;
  text: string | null | undefined;
}

/** @param classes of the selection */
export function drawCell(
  drawn: DrawnCell,
  layout: Layout,
  column: number,
  about: GridColumn,
  cell: Cell,
  classes: string,
): void {
  const { element } = drawn;
  const { text, placeholder } = cell;
  const [left, width] = [layout.offsetOf(column), layout.widthOf(column)];
  const className = `grid-cell ${about.kind} ${wordOf(cell)} ${cell.state ?? ''}${cell.isCut === true ? ' cut' : ''}${classes}`;
  const shown = `${column} ${left} ${width} ${className}`;
  if (drawn.shown !== shown) {
    drawn.shown = shown;
    element.className = className;
    element.style.left = `${left}px`;
    element.style.width = `${width}px`;
    element.ariaColIndex = String(column + 1);
    element.ariaSelected = String(classes.includes('selected'));
  }
  const content = text ?? placeholder ?? '';
  if (drawn.text === content) return;
  drawn.text = content;
  element.replaceChildren(...markedText(content));
}

/** What stands there in the place of a text. */
function wordOf({ text, placeholder }: Cell): string {
  if (text === undefined) return placeholder === undefined ? 'loading' : 'default';
  if (text === null) return 'null';
  return text === '' ? 'empty' : '';
}

export function drawHeader(drawn: DrawnCell, layout: Layout, column: number, about: GridColumn): void {
  const { element } = drawn;
  const { name, note = '', kind, sort, sign } = about;
  element.style.left = `${layout.offsetOf(column)}px`;
  element.style.width = `${layout.widthOf(column)}px`;
  const shown = JSON.stringify([column, name, note, kind, sort, sign]);
  if (drawn.shown === shown) return;
  drawn.shown = shown;
  element.className = `grid-column ${kind}`;
  element.ariaColIndex = String(column + 1);
  element.ariaSort = sort ?? 'none';
  const title = make('grid-column-name');
  const signs = [sign, sort === undefined ? undefined : sort === 'ascending' ? '▲' : '▼'];
  title.append(...markedText(name), ...signs.filter((each) => each !== undefined).map((each) => ` ${each}`));
  const below = make('grid-column-note');
  below.append(...markedText(note));
  element.replaceChildren(title, below);
}

/** As many as are needed, in their parent. */
export function fitCells(
  cells: DrawnCell[],
  count: number,
  parent: HTMLElement,
  className: string,
  role: string,
): void {
  while (cells.length < count) {
    const element = make(className, role);
    parent.append(element);
    cells.push({ element, shown: '', text: undefined });
  }
  while (cells.length > count) cells.pop()?.element.remove();
}

export function make(className: string, role?: string): HTMLElement {
  const element = document.createElement('div');
  element.className = className;
  if (role !== undefined) element.role = role;
  return element;
}
