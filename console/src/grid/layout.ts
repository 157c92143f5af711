/**
 * Where rows and columns are. A browser ends a scrolled area at some millions of pixels, so that a long table has its own
 * position: the wheel moves it one to one, the scrollbar in proportion.
 */
import type { GridColumn } from './model.ts';

export const rowHeight = 28;
export const headHeight = 40;
/** Firefox ends at 17.9 million. */
const longestSpace = 8_000_000;
const characterWidth = 7.9;
const padding = 18;
const [narrowest, widest] = [56, 360];

export class Layout {
  #widths: number[] = [];
  #offsets: number[] = [0];
  /** Of columns that somebody has dragged. */
  readonly #chosen = new Map<string, number>();
  #names: readonly string[] = [];
  rowCount = 0;
  viewHeight = 0;
  /** Pixels of the table above the first that is seen. */
  top = 0;

  get width(): number {
    return this.#offsets.at(-1) ?? 0;
  }

  get #height(): number {
    return this.rowCount * rowHeight;
  }

  get #longest(): number {
    return Math.max(0, this.#height - this.viewHeight);
  }

  get spaceHeight(): number {
    return Math.min(this.#height, longestSpace);
  }

  get isScaled(): boolean {
    return this.#height > longestSpace;
  }

  /** Of the same columns, widths stay as they are, or grow with what is seen. */
  setColumns(columns: readonly GridColumn[]): void {
    const names = columns.map(({ name }) => name);
    if (names.join('\0') === this.#names.join('\0')) return;
    const known = new Map(this.#names.map((name, index) => [name, this.#widths[index] ?? narrowest]));
    this.#names = names;
    this.#widths = columns.map(
      ({ name, note = '' }) =>
        this.#chosen.get(name) ??
        known.get(name) ??
        clamp(Math.max(name.length * 8.2 + 24, note.length * 8.8) + padding),
    );
    this.#measure();
  }

  /** Widens a column for a text. Numbers are never cut, so for them there is no end. Answers whether anything changed. */
  widen(column: number, { kind, name }: GridColumn, characters: number): boolean {
    const wanted = characters * characterWidth + padding;
    const width = kind === 'number' ? Math.max(wanted, narrowest) : clamp(wanted);
    if (width <= (this.#widths[column] ?? 0) || (this.#chosen.has(name) && kind !== 'number')) return false;
    this.#widths[column] = width;
    this.#measure();
    return true;
  }

  resize(column: number, name: string, width: number): void {
    const chosen = Math.max(narrowest, Math.min(width, 1200));
    this.#chosen.set(name, chosen);
    this.#widths[column] = chosen;
    this.#measure();
  }

  widthOf(column: number): number {
    return this.#widths[column] ?? narrowest;
  }

  offsetOf(column: number): number {
    return this.#offsets[column] ?? 0;
  }

  /** Rows that are seen, both ends included. */
  rows(): { readonly first: number; readonly last: number } {
    const first = Math.floor(this.top / rowHeight);
    const last = Math.min(this.rowCount - 1, Math.floor((this.top + this.viewHeight - 1) / rowHeight));
    return { first, last };
  }

  columns(left: number, width: number): { readonly first: number; readonly last: number } {
    let first = 0;
    while (first < this.#widths.length - 1 && this.offsetOf(first + 1) <= left) first++;
    let last = first;
    while (last < this.#widths.length - 1 && this.offsetOf(last + 1) < left + width) last++;
    return { first, last };
  }

  columnAt(x: number): number {
    const { first } = this.columns(x, 0);
    return first;
  }

  moveTo(top: number): void {
    this.top = Math.max(0, Math.min(top, this.#longest));
  }

  /** What the scrollbar should say. */
  scrollTop(): number {
    const most = Math.max(0, this.spaceHeight - this.viewHeight);
    return this.isScaled ? Math.round((this.top / Math.max(1, this.#longest)) * most) : this.top;
  }

  /** After somebody moved the scrollbar. */
  followScroll(scrollTop: number): void {
    if (!this.isScaled) return this.moveTo(scrollTop);
    if (Math.abs(scrollTop - this.scrollTop()) <= 1) return undefined;
    const most = Math.max(1, this.spaceHeight - this.viewHeight);
    return this.moveTo((scrollTop / most) * this.#longest);
  }

  #measure(): void {
    this.#offsets = [0];
    for (const width of this.#widths) this.#offsets.push((this.#offsets.at(-1) ?? 0) + width);
  }
}

function clamp(width: number): number {
  return Math.max(narrowest, Math.min(Math.ceil(width), widest));
}
