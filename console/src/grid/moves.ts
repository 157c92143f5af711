/** Where a key leads. */
import { isApple } from '../shell/keys.ts';
import type { Place } from './model.ts';

interface Extent {
  readonly rowCount: number;
  readonly columnCount: number;
  readonly rowsOfPage: number;
}

type Key = Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey'>;

/** Null for a key that moves nowhere. */
export function placeAfter(event: Key, { row, column }: Place, extent: Extent): Place | null {
  if (event.altKey) return null;
  const mod = isApple ? event.metaKey : event.ctrlKey;
  const [lastRow, lastColumn] = [extent.rowCount - 1, extent.columnCount - 1];
  switch (event.key) {
    case 'ArrowUp':
      return { row: mod ? 0 : row - 1, column };
    case 'ArrowDown':
      return { row: mod ? lastRow : row + 1, column };
    case 'ArrowLeft':
      return { row, column: mod ? 0 : column - 1 };
    case 'ArrowRight':
      return { row, column: mod ? lastColumn : column + 1 };
    case 'PageUp':
      return { row: row - extent.rowsOfPage, column };
    case 'PageDown':
      return { row: row + extent.rowsOfPage, column };
    case 'Home':
      return { row: mod ? 0 : row, column: 0 };
    case 'End':
      return { row: mod ? lastRow : row, column: lastColumn };
    default:
      return null;
  }
}
