import type { ReactNode } from 'react';
import type { GridContent, Place, Range } from './model.ts';

export interface GridHandle {
  focus(): void;
  moveTo(place: Place): void;
  readonly active: Place;
  readonly range: Range;
}

export interface GridProps {
  /** What it is a grid of, for screen readers. */
  readonly label: string;
  /** A new object whenever anything in it changed: then all that is seen is drawn again. */
  readonly content: GridContent;
  readonly ref?: React.Ref<GridHandle>;
  /** Rows that are seen, to load them. */
  readonly onWindow?: (first: number, last: number) => void;
  /** Enter, F2, a double click, or a character that replaces the value. */
  readonly onEdit?: (place: Place, typed: string | null) => void;
  /** Keys before the grid looks at them; true: it was for you. */
  readonly onKey?: (event: React.KeyboardEvent, place: Place) => boolean;
  readonly onHeader?: (column: number, event: { readonly shiftKey: boolean }) => void;
  /** The menu of a cell, or with row -1 that of a column, at a point of the window. */
  readonly onMenu?: (place: Place, at: { readonly x: number; readonly y: number }) => void;
  readonly onActive?: (place: Place) => void;
  /** A tap, where there is no mouse. */
  readonly onTap?: (place: Place) => void;
  /** Over a cell. The grid does not take keys meanwhile. */
  readonly editor?: { readonly place: Place; readonly node: ReactNode } | null;
}
