/** The editor over a cell, by the type of its column. Enter commits and goes down, Tab commits and goes right, Escape leaves. */
import { type KeyboardEvent, useId, useLayoutEffect, useRef, useState } from 'react';
import type { Column } from '../../api/catalog.ts';
import { matches } from '../../shell/keys.ts';
import type { Value } from './staged.ts';

export type Move = 'down' | 'up' | 'right' | 'left' | 'stay';

interface EditorProps {
  readonly column: Column;
  /** As it was; null for NULL. */
  readonly text: string | null;
  /** What was typed onto the cell, in the place of the value. */
  readonly typed: string | null;
  readonly suggestions?: readonly string[];
  readonly onCommit: (value: Value, move: Move) => void;
  readonly onCancel: () => void;
}

export function CellEditor({ column, text, typed, suggestions = [], onCommit, onCancel }: EditorProps) {
  const [draft, setDraft] = useState(typed ?? text ?? '');
  const field = useRef<HTMLTextAreaElement & HTMLInputElement & HTMLSelectElement>(null);
  const isDone = useRef(false);
  const listId = useId();
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
  const commit = (move: Move, value: Value = valueOf(column, draft, text)): void => finish(() => onCommit(value, move));
  const onKeyDown = (event: KeyboardEvent): void => {
    event.stopPropagation();
    const isLine = event.key === 'Enter' && (event.altKey || (isLong(column) && event.shiftKey));
    if (isLine || event.nativeEvent.isComposing) return;
    if (event.key === 'Escape') finish(onCancel);
    else if (event.key === 'Enter') commit(event.shiftKey ? 'up' : 'down');
    else if (event.key === 'Tab') commit(event.shiftKey ? 'left' : 'right');
    else if (matches(event, 'Mod+Backspace') && column.nullable) commit('stay', { text: null });
    else if (matches(event, 'Mod+S')) {
      commit('stay');
      event.nativeEvent.view?.dispatchEvent(new CustomEvent('eider-save'));
    } else return;
    event.preventDefault();
  };
  const shared = {
    ref: field,
    className: 'input mono',
    'aria-label': `${column.name}, ${column.sqlType}`,
    value: draft,
    onKeyDown,
    onBlur: () => commit('stay'),
  };
  const choices = choicesOf(column);
  if (choices !== null) {
    return (
      <select {...shared} onChange={(event) => setDraft(event.target.value)}>
        {choices.map((choice) => (
          <option key={choice} value={choice}>
            {choice === '' ? 'NULL' : choice}
          </option>
        ))}
      </select>
    );
  }
  if (isLong(column)) {
    return (
      <textarea
        {...shared}
        rows={Math.min(12, Math.max(1, draft.split('\n').length + (draft.length > 60 ? 2 : 0)))}
        cols={Math.min(60, Math.max(24, draft.length))}
        spellCheck={false}
        onChange={(event) => setDraft(event.target.value)}
      />
    );
  }
  return (
    <>
      <input
        {...shared}
        list={suggestions.length > 0 ? listId : undefined}
        spellCheck={false}
        autoComplete="off"
        placeholder={hintOf(column)}
        aria-invalid={isWrong(column, draft)}
        onChange={(event) => setDraft(event.target.value)}
      />
      {suggestions.length > 0 ? (
        <datalist id={listId}>
          {suggestions.map((each) => (
            <option key={each} value={each} />
          ))}
        </datalist>
      ) : null}
    </>
  );
}

/** Nothing typed into a NULL leaves it NULL; into a column that has no empty value, NULL too. */
export function valueOf(column: Column, draft: string, before: string | null): Value {
  if (draft !== '') return { text: draft };
  if (before === null && column.nullable) return { text: null };
  return { text: column.type.kind === 'text' ? '' : null };
}

const isLong = ({ type: { kind } }: Column): boolean =>
  ['text', 'json', 'list', 'struct', 'map', 'union', 'blob'].includes(kind);

/** Null where anything can be written. */
function choicesOf({ type, nullable }: Column): readonly string[] | null {
  const given = type.kind === 'enum' ? type.values : type.kind === 'boolean' ? ['t', 'f'] : null;
  return given === null ? null : nullable ? ['', ...given] : given;
}

function hintOf({ type }: Column): string {
  switch (type.kind) {
    case 'date':
      return '2026-11-29';
    case 'time':
      return '12:30:00';
    case 'timestamp':
      return type.withZone ? '2026-11-29 12:30:00+00' : '2026-11-29 12:30:00';
    default:
      return '';
  }
}

/** As far as can be told without the database. */
function isWrong({ type: { kind } }: Column, draft: string): boolean {
  if (draft === '') return false;
  if (kind === 'integer') return !/^-?\d+$/.test(draft);
  return kind === 'decimal' && !/^-?\d*\.?\d+$/.test(draft);
}
