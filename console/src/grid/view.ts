/**
 * Draws the part of a grid that is seen, with elements that are used again: a frame costs the same for a hundred rows as for
 * a million. React would take twice as long, so it only hands over what there is to draw.
 */
import { drawCell, type DrawnCell, drawHeader, fitCells, make } from './drawing.ts';
import { headHeight, Layout, rowHeight } from './layout.ts';
import { type GridContent, inRange, type Place, type Range, rangeOf } from './model.ts';

interface DrawnRow {
  readonly element: HTMLElement;
  readonly cells: DrawnCell[];
}

let grids = 0;

export class GridView {
  readonly layout = new Layout();
  readonly #id = `grid${++grids}`;
  readonly #root: HTMLElement;
  readonly #space = make('grid-space');
  readonly #layer = make('grid-layer');
  readonly #head = make('grid-head', 'row');
  readonly #body = make('grid-body', 'rowgroup');
  readonly #headCells: DrawnCell[] = [];
  readonly #rows: DrawnRow[] = [];
  readonly #onWindow: (first: number, last: number) => void;
  #content: GridContent = { columns: [], rowCount: 0, cell: () => ({ text: undefined }) };
  #frame = 0;
  active: Place = { row: 0, column: 0 };
  anchor: Place = this.active;

  /** @param onWindow which rows are seen, after each frame */
  constructor(root: HTMLElement, onWindow: (first: number, last: number) => void) {
    this.#root = root;
    this.#onWindow = onWindow;
    this.#head.ariaRowIndex = '1';
    const headGroup = make('', 'rowgroup');
    headGroup.append(this.#head);
    this.#layer.append(headGroup, this.#body);
    root.replaceChildren(this.#space, this.#layer);
  }

  get range(): Range {
    return rangeOf(this.anchor, this.active);
  }

  setContent(content: GridContent): void {
    this.#content = content;
    this.layout.rowCount = content.rowCount;
    this.layout.setColumns(content.columns);
    this.#root.ariaRowCount = String(content.rowCount + 1);
    this.#root.ariaColCount = String(content.columns.length);
    this.moveTo(this.active, { extend: true, reveal: false });
  }

  /** Makes a cell the active one, within what there is. */
  moveTo({ row, column }: Place, { extend = false, reveal = true } = {}): void {
    const { rowCount, columns } = this.#content;
    const within = (value: number, count: number): number => Math.max(0, Math.min(value, count - 1));
    this.active = { row: within(row, rowCount), column: within(column, columns.length) };
    if (!extend) this.anchor = this.active;
    this.anchor = { row: within(this.anchor.row, rowCount), column: within(this.anchor.column, columns.length) };
    if (reveal) this.#reveal();
    this.schedule();
  }

  /** Pixels of the wheel. Answers whether it moved. */
  scrollBy(dx: number, dy: number): boolean {
    const [top, left] = [this.layout.top, this.#root.scrollLeft];
    this.layout.moveTo(top + dy);
    this.#root.scrollLeft += dx;
    this.schedule();
    return this.layout.top !== top || this.#root.scrollLeft !== left;
  }

  followScroll(): void {
    this.layout.followScroll(this.#root.scrollTop);
    this.schedule();
  }

  schedule(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#draw());
  }

  stop(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
  }

  /** The cell at a point of the window; row -1 is the head. Null outside. */
  placeAt(x: number, y: number): Place | null {
    const box = this.#root.getBoundingClientRect();
    const across = x - box.left + this.#root.scrollLeft;
    if (across > this.layout.width) return null;
    const down = y - box.top - headHeight;
    const row = down < 0 ? -1 : Math.floor((down + this.layout.top) / rowHeight);
    return row >= this.layout.rowCount ? null : { row, column: this.layout.columnAt(across) };
  }

  /** Where a cell is, within the grid. */
  boxOf({ row, column }: Place): { left: number; top: number; width: number; height: number } {
    return {
      left: this.layout.offsetOf(column) - this.#root.scrollLeft,
      top: headHeight + row * rowHeight - this.layout.top,
      width: this.layout.widthOf(column),
      height: rowHeight,
    };
  }

  rowsOfPage(): number {
    return Math.max(1, Math.floor(this.layout.viewHeight / rowHeight) - 1);
  }

  #reveal(): void {
    const { layout } = this;
    this.#measure();
    const top = this.active.row * rowHeight;
    if (top < layout.top) layout.moveTo(top);
    else if (top + rowHeight > layout.top + layout.viewHeight) layout.moveTo(top + rowHeight - layout.viewHeight);
    const left = layout.offsetOf(this.active.column);
    const right = left + layout.widthOf(this.active.column);
    const { scrollLeft, clientWidth } = this.#root;
    if (left < scrollLeft) this.#root.scrollLeft = left;
    else if (right > scrollLeft + clientWidth) this.#root.scrollLeft = Math.min(left, right - clientWidth);
  }

  #measure(): void {
    this.layout.viewHeight = Math.max(0, this.#root.clientHeight - headHeight);
    this.#space.style.height = `${this.layout.spaceHeight + headHeight}px`;
    this.#space.style.width = `${this.layout.width}px`;
  }

  #draw(): void {
    this.#frame = 0;
    this.#measure();
    const { layout } = this;
    layout.moveTo(layout.top);
    this.#layer.style.width = `${this.#root.clientWidth}px`;
    this.#layer.style.height = `${this.#root.clientHeight}px`;
    if (Math.abs(this.#root.scrollTop - layout.scrollTop()) > 1) this.#root.scrollTop = layout.scrollTop();
    const left = this.#root.scrollLeft;
    const seen = layout.columns(left, this.#root.clientWidth);
    const { first, last } = layout.rows();
    this.#head.style.transform = this.#body.style.transform = `translateX(${-left}px)`;
    this.#drawHead(seen);
    const isWider = this.#drawRows(first, last, seen);
    const { row, column } = this.active;
    const isActiveSeen = row >= first && row <= last && column >= seen.first && column <= seen.last;
    if (isActiveSeen) this.#root.setAttribute('aria-activedescendant', `${this.#id}-active`);
    else this.#root.removeAttribute('aria-activedescendant');
    if (isWider) this.schedule();
    this.#onWindow(first, last);
  }

  #drawRows(first: number, last: number, seen: { first: number; last: number }): boolean {
    let isWider = false;
    const count = Math.max(0, last - first + 1);
    while (this.#rows.length < count) {
      const element = make('grid-row', 'row');
      this.#body.append(element);
      this.#rows.push({ element, cells: [] });
    }
    const { range } = this;
    const used = new Set<DrawnRow>();
    for (let row = first; row <= last; row++) {
      const drawn = this.#rows[row % this.#rows.length];
      if (!drawn) continue;
      used.add(drawn);
      drawn.element.hidden = false;
      drawn.element.style.transform = `translateY(${headHeight + row * rowHeight - this.layout.top}px)`;
      drawn.element.ariaRowIndex = String(row + 2);
      isWider = this.#drawRow(drawn, row, seen, range) || isWider;
    }
    for (const drawn of this.#rows) if (!used.has(drawn)) drawn.element.hidden = true;
    return isWider;
  }

  #drawRow({ element, cells }: DrawnRow, row: number, seen: { first: number; last: number }, range: Range): boolean {
    let isWider = false;
    fitCells(cells, seen.last - seen.first + 1, element, 'grid-cell', 'gridcell');
    for (let column = seen.first; column <= seen.last; column++) {
      const drawn = cells[column - seen.first];
      const about = this.#content.columns[column];
      if (!drawn || !about) continue;
      const cell = this.#content.cell(row, column);
      const isActive = row === this.active.row && column === this.active.column;
      const isSelected = inRange(range, { row, column });
      drawCell(drawn, this.layout, column, about, cell, `${isActive ? ' active' : ''}${isSelected ? ' selected' : ''}`);
      drawn.element.id = isActive ? `${this.#id}-active` : '';
      isWider =
        this.layout.widen(column, about, Math.min(cell.text?.length ?? 0, about.kind === 'number' ? 400 : 60)) ||
        isWider;
    }
    return isWider;
  }

  #drawHead(seen: { first: number; last: number }): void {
    fitCells(this.#headCells, seen.last - seen.first + 1, this.#head, 'grid-column', 'columnheader');
    for (let column = seen.first; column <= seen.last; column++) {
      const drawn = this.#headCells[column - seen.first];
      const about = this.#content.columns[column];
      if (drawn && about) drawHeader(drawn, this.layout, column, about);
    }
  }
}
