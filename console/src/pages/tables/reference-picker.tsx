import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type KeyboardEvent, useId, useState } from 'react';
import { rowsKey } from '../../api/fresh.ts';
import { runSql, type SqlValue } from '../../api/sql.ts';
import { MarkedText } from '../../ui/marked-text.tsx';
import { type Choice, type EditorProps, type Move, useEditor, valueOf } from './editing.ts';
import { choicesStatement, labelColumns } from './statements.ts';

/** Searches the rows of the table that a column refers to. Any key can be typed, too. */
export function ReferencePicker({ choice, ...props }: EditorProps & { choice: Choice }) {
  const { column, text, typed, onCommit, onPick } = props;
  const { reference, target } = choice;
  const [draft, setDraft] = useState(typed ?? text ?? '');
  const [active, setActive] = useState(-1);
  const found = useChoices(choice, draft === (text ?? '') ? '' : draft);
  const listId = useId();

  const pick = (row: readonly SqlValue[], move: Move): void => {
    const values = reference.columns.map((name, index) => [name, { text: row[index] ?? null }] as const);
    onPick(Object.fromEntries(values), move);
  };
  const chosen = found.data?.[active];
  const onKey = ({ key }: KeyboardEvent): boolean => {
    if (key !== 'ArrowDown' && key !== 'ArrowUp') return false;
    const last = (found.data?.length ?? 0) - 1;
    setActive((now) => (key === 'ArrowDown' ? Math.min(now + 1, last) : Math.max(now - 1, -1)));
    return true;
  };
  const { shared, finish } = useEditor(props, () => valueOf(column, draft, text), {
    onKey,
    commit: (move) => (chosen ? pick(chosen, move) : onCommit(valueOf(column, draft, text), move)),
  });
  return (
    <div className="reference-picker">
      <input
        {...shared}
        role="combobox"
        aria-expanded
        aria-controls={listId}
        aria-autocomplete="list"
        aria-activedescendant={chosen ? `${listId}-${active}` : undefined}
        autoComplete="off"
        spellCheck={false}
        value={draft}
        placeholder={`Search ${target.path}`}
        onChange={(event) => {
          setDraft(event.target.value);
          setActive(-1);
        }}
      />
      <div id={listId} className="choices" role="listbox" aria-label={`Rows of ${target.path}`}>
        {found.data?.map((row, index) => (
          <div
            key={row.slice(0, reference.columns.length).join('\n')}
            id={`${listId}-${index}`}
            role="option"
            aria-selected={index === active}
            tabIndex={-1}
            // Before the field loses the focus, which would commit what is typed.
            onMouseDown={(event) => {
              event.preventDefault();
              finish(() => pick(row, 'down'));
            }}
          >
            <OptionText row={row} keys={reference.columns.length} />
          </div>
        ))}
      </div>
      <p className="muted" role="status">
        {found.error
          ? `The rows cannot be read: ${found.error.message}`
          : found.data?.length === 0
            ? `No row of ${target.path} has this. What is typed is taken as it is.`
            : labelColumns(target, reference.targetColumns).length > 0
              ? 'Searches keys and texts'
              : 'Searches keys'}
      </p>
    </div>
  );
}

function OptionText({ row, keys }: { row: readonly SqlValue[]; keys: number }) {
  const labels = row.slice(keys).filter((text) => text !== null && text !== '');
  return (
    <>
      <span className="mono">
        <MarkedText text={row.slice(0, keys).join(', ')} />
      </span>
      {labels.map((label, index) => (
        <span key={index} className="muted">
          <MarkedText text={label} />
        </span>
      ))}
    </>
  );
}

function useChoices({ engine, target, reference: { targetColumns } }: Choice, needle: string) {
  return useQuery({
    queryKey: [rowsKey, 'choices', target.path, targetColumns, needle],
    queryFn: async ({ signal }) => {
      const { value } = await runSql(choicesStatement(engine, target, targetColumns, needle), { signal });
      return value.rows;
    },
    placeholderData: keepPreviousData,
  });
}
