/** The editor over a cell, by the type of its column. Enter commits and goes down, Tab commits and goes right, Escape leaves. */
import { useState } from 'react';
import type { Column } from '../../api/catalog.ts';
import { type EditorProps, useEditor, valueOf } from './editing.ts';
import { JsonEditor } from './json-editor.tsx';
import { isNested } from './nested.ts';
import { ReferencePicker } from './reference-picker.tsx';

export function CellEditor(props: EditorProps) {
  const { column, choice } = props;
  const choices = choicesOf(column);
  if (choice) return <ReferencePicker {...props} choice={choice} />;
  if (choices !== null) return <ChoiceEditor {...props} choices={choices} />;
  if (isNested(column.type) || column.type.kind === 'json') return <JsonEditor {...props} />;
  return column.type.kind === 'text' || column.type.kind === 'blob' ? (
    <TextEditor {...props} />
  ) : (
    <LineEditor {...props} />
  );
}

function ChoiceEditor({ choices, ...props }: EditorProps & { choices: readonly string[] }) {
  const { column, text, typed } = props;
  const begun = typed === null ? undefined : choices.find((choice) => choice !== '' && choice.startsWith(typed));
  const [draft, setDraft] = useState(begun ?? text ?? '');
  const { shared } = useEditor(props, () => valueOf(column, draft, text));
  return (
    <select {...shared} value={draft} onChange={(event) => setDraft(event.target.value)}>
      {choices.map((choice) => (
        <option key={choice} value={choice}>
          {choice === '' ? 'NULL' : choice}
        </option>
      ))}
    </select>
  );
}

function TextEditor(props: EditorProps) {
  const { column, text, typed } = props;
  const [draft, setDraft] = useState(typed ?? text ?? '');
  const { shared } = useEditor(props, () => valueOf(column, draft, text), { hasLines: true });
  return (
    <textarea
      {...shared}
      value={draft}
      rows={Math.min(12, Math.max(1, draft.split('\n').length + (draft.length > 60 ? 2 : 0)))}
      cols={Math.min(60, Math.max(24, draft.length))}
      spellCheck={false}
      onChange={(event) => setDraft(event.target.value)}
    />
  );
}

function LineEditor(props: EditorProps) {
  const { column, text, typed } = props;
  const [draft, setDraft] = useState(typed ?? text ?? '');
  const { shared } = useEditor(props, () => valueOf(column, draft, text));
  return (
    <input
      {...shared}
      value={draft}
      spellCheck={false}
      autoComplete="off"
      placeholder={hintOf(column)}
      aria-invalid={isWrong(column, draft)}
      onChange={(event) => setDraft(event.target.value)}
    />
  );
}

/** Null where anything can be written. */
function choicesOf({ type, nullable }: Column): readonly string[] | null {
  const given = type.kind === 'enum' ? type.values : type.kind === 'boolean' ? ['t', 'f'] : null;
  return given === null ? null : nullable && !given.includes('') ? ['', ...given] : given;
}

function hintOf({ type }: Column): string {
  switch (type.kind) {
    case 'date':
      return '2026-11-29';
    case 'time':
      return type.withZone ? '12:30:00+00' : '12:30:00';
    case 'timestamp':
      return type.withZone ? '2026-11-29 12:30:00+00' : '2026-11-29 12:30:00';
    case 'interval':
      return '1 year 2 mons 3 days 04:05:06';
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
