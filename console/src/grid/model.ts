/** What a grid shows: the same for pages of a table and for the result of a statement. */
import type { ValueKind } from '../api/sql.ts';

export interface GridColumn {
  readonly name: string;
  /** Below the name: the type, say. */
  readonly note?: string;
  readonly kind: ValueKind;
  readonly sort?: 'ascending' | 'descending';
  /** Beside the name: a reference. */
  readonly sign?: '→';
}

export interface Cell {
  /** Null is NULL. Undefined: not loaded yet. */
  readonly text: string | null | undefined;
  readonly state?: 'edited' | 'added' | 'removed' | 'failed' | undefined;
  /** Only the beginning is here. */
  readonly isCut?: boolean;
  /** Stands in the place of a value that only the database gives, such as a default. */
  readonly placeholder?: string;
}

export interface Place {
  readonly row: number;
  readonly column: number;
}

/** Both ends included. */
export interface Range {
  readonly from: Place;
  readonly to: Place;
}

export function rangeOf(a: Place, b: Place): Range {
  const [min, max] = [Math.min, Math.max];
  return {
    from: { row: min(a.row, b.row), column: min(a.column, b.column) },
    to: { row: max(a.row, b.row), column: max(a.column, b.column) },
  };
}

export function inRange({ from, to }: Range, { row, column }: Place): boolean {
  return row >= from.row && row <= to.row && column >= from.column && column <= to.column;
}

export interface GridContent {
  readonly columns: readonly GridColumn[];
  readonly rowCount: number;
  readonly cell: (row: number, column: number) => Cell;
}

/** Cells as spreadsheets take them from the clipboard; NULL is left empty. */
export function toTsv({ cell }: GridContent, { from, to }: Range): string {
  const lines: string[] = [];
  for (let row = from.row; row <= to.row; row++) {
    const texts: string[] = [];
    for (let column = from.column; column <= to.column; column++) texts.push(quoteTsv(cell(row, column).text ?? ''));
    lines.push(texts.join('\t'));
  }
  return lines.join('\n');
}

function quoteTsv(text: string): string {
  return /[\t\n\r"]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The opposite: what was copied from a spreadsheet or from here. */
export function fromTsv(text: string): string[][] {
  const rows: string[][] = [[]];
  const field = /(?:"((?:[^"]|"")*)"|([^\t\n\r]*))(\t|\r?\n|$)/gy;
  for (let found = field.exec(text); found; found = field.exec(text)) {
    rows.at(-1)?.push(found[1]?.replaceAll('""', '"') ?? found[2] ?? '');
    if (field.lastIndex >= text.length && found[3] !== '\t') break;
    if (found[3] !== '\t') rows.push([]);
  }
  return rows.filter((row, index) => index < rows.length - 1 || row.length > 1 || row[0] !== '' || rows.length === 1);
}
