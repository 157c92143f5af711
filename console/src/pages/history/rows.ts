/** Rows of the feed: what they are called in addresses, and how two images of one differ. */
import type { JsonRow, JsonValue } from '../../api/changes.ts';

/** Null without a key. @example keyOf({ id: '7', name: 'Ada' }, ['id']) // '7' */
export function keyOf(row: JsonRow, key: readonly string[]): string | null {
  if (key.length === 0) return null;
  return key.map((column) => encodeURIComponent(textOf(row[column]) ?? 'null')).join(',');
}

/** Null is NULL. */
export function textOf(value: JsonValue | undefined): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export interface Difference {
  readonly column: string;
  /** Absent: nobody knows, or there was no row. */
  readonly before?: string | null;
  readonly after?: string | null;
}

/** All columns where one of the images is not there. */
export function differences(before: JsonRow | undefined, after: JsonRow | undefined): Difference[] {
  const columns = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
  return [...columns]
    .map((column) => ({
      column,
      ...(before ? { before: textOf(before[column]) } : {}),
      ...(after ? { after: textOf(after[column]) } : {}),
    }))
    .filter((each) => !before || !after || each.before !== each.after);
}
