/** What all editors of a cell have in common: how they begin, their keys, and that they end once. */
import { type KeyboardEvent, useLayoutEffect, useRef } from 'react';
import type { Column, Reference, Relation } from '../../api/catalog.ts';
import type { SqlValue } from '../../api/sql.ts';
import { matches } from '../../shell/keys.ts';
import type { Value, Values } from './staged.ts';

export type Move = 'down' | 'up' | 'right' | 'left' | 'stay';

/** The rows that a reference may name. */
export interface Choice {
  readonly engine: 'duckdb' | 'postgres';
  readonly reference: Reference;
  readonly target: Relation;
}

export interface EditorProps {
  readonly column: Column;
  /** As it was; null for NULL. */
  readonly text: SqlValue;
  /** What was typed onto the cell, in the place of the value. */
  readonly typed: string | null;
  /** Of a column that refers to another table. */
  readonly choice?: Choice | undefined;
  readonly onCommit: (value: Value, move: Move) => void;
  /** Several columns at once: a row that a reference of several columns names. */
  readonly onPick: (values: Values, move: Move) => void;
  readonly onCancel: () => void;
}

interface EditorOptions {
  /** Shift+Enter is a new line. */
  readonly hasLines?: boolean;
  /** Keys before the editor looks at them; true: it was for you. */
  readonly onKey?: (event: KeyboardEvent) => boolean;
  /** False keeps the editor open at Enter and Tab. */
  readonly mayCommit?: () => boolean;
  readonly commit?: (move: Move) => void;
}

/** The properties of its field, and how to end in another way. @param valueNow what a commit writes */
export function useEditor(
  { column, typed, onCommit, onCancel }: EditorProps,
  valueNow: () => Value,
  {
    hasLines = false,
    onKey,
    mayCommit = () => true,
    commit = (move) => onCommit(valueNow(), move),
  }: EditorOptions = {},
) {
  const field = useRef<HTMLTextAreaElement & HTMLInputElement & HTMLSelectElement>(null);
  const isDone = useRef(false);
  // Before the next key comes.
  useLayoutEffect(() => {
    const { current } = field;
    current?.focus();
    if (typed === null) current?.select?.();
    else current?.setSelectionRange?.(typed.length, typed.length);
  }, [typed]);

  // Removing the field makes it lose the focus, which would commit a second time.
  const finish = (act: () => void): void => {
    if (isDone.current) return;
    isDone.current = true;
    act();
  };
  const end = (move: Move): void => {
    if (mayCommit()) finish(() => commit(move));
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    event.stopPropagation();
    const isLine = event.key === 'Enter' && (event.altKey || (hasLines && event.shiftKey));
    if (isLine || event.nativeEvent.isComposing) return;
    if (onKey?.(event) === true) event.preventDefault();
    else if (event.key === 'Escape') finish(onCancel);
    else if (event.key === 'Enter') end(event.shiftKey ? 'up' : 'down');
    else if (event.key === 'Tab') end(event.shiftKey ? 'left' : 'right');
    else if (matches(event, 'Mod+Backspace') && column.nullable) finish(() => onCommit({ text: null }, 'stay'));
    else if (matches(event, 'Mod+S')) {
      end('stay');
      event.nativeEvent.view?.dispatchEvent(new CustomEvent('eider-save'));
    } else return;
    event.preventDefault();
  };
  const shared = {
    ref: field,
    className: 'input mono',
    'aria-label': `${column.name}, ${column.sqlType}`,
    onKeyDown,
    onBlur: () => finish(() => onCommit(valueNow(), 'stay')),
  };
  return { shared, finish };
}

/** Nothing typed into a NULL leaves it NULL; into a column that has no empty value, NULL too. */
export function valueOf(column: Column, draft: string, before: SqlValue): Value {
  if (draft !== '') return { text: draft };
  if (before === null && column.nullable) return { text: null };
  const hasEmpty = column.type.kind === 'text' || (column.type.kind === 'enum' && column.type.values.includes(''));
  return { text: hasEmpty ? '' : null };
}
