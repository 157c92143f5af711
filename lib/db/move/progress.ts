/**
 * How far a table has come in a move, as texts that either engine keeps until the move is done.
 */
import type { PlainValue } from '../../values.ts';
import type { TableSum } from './checksum.ts';
import type { MovedTable, PlainRow } from './tables.ts';

export interface Progress extends TableSum {
  readonly isDone: boolean;
  /** The last key. */
  readonly after: PlainRow | null;
}

export const progressColumns = 'rows text NOT NULL, checksum text NOT NULL, last_key text, done text NOT NULL';

/** The values of these columns. */
export function progressTexts({ rows, checksum, after, isDone }: Progress): (string | null)[] {
  return [String(rows), checksum, after === null ? null : JSON.stringify(after), String(isDone)];
}

export function progressOf([rows, checksum, after, done]: readonly unknown[]): Progress {
  const key = typeof after === 'string' ? (JSON.parse(after) as PlainValue[]) : null;
  return { rows: Number(rows), checksum: String(checksum), after: key, isDone: done === 'true' };
}

/** The key of the last of these rows; the one before where there is none. */
export function lastKey(
  { key, columns }: MovedTable,
  rows: readonly PlainRow[],
  before: PlainRow | null,
): PlainRow | null {
  const last = rows.at(-1);
  return last ? key.map((column) => last[columns.indexOf(column)] ?? null) : before;
}
