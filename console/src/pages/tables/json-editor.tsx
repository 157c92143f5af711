import { useId, useState } from 'react';
import { type EditorProps, useEditor, valueOf } from './editing.ts';
import { exampleOf, faultOfNested } from './nested.ts';

/** JSON, lists, structs, maps and unions: it stays open while what is written cannot be a value. */
export function JsonEditor(props: EditorProps) {
  const { column, text, typed } = props;
  const [draft, setDraft] = useState(typed ?? text ?? '');
  const [fault, setFault] = useState<string | null>(null);
  const id = useId();
  const check = (): boolean => {
    const found = draft === '' ? null : faultOfNested(column.type, draft);
    setFault(found);
    return found === null;
  };
  const { shared } = useEditor(props, () => valueOf(column, draft, text), { hasLines: true, mayCommit: check });
  return (
    <div className="json-editor">
      <textarea
        {...shared}
        value={draft}
        rows={Math.min(12, Math.max(4, draft.split('\n').length + Math.ceil(draft.length / 60)))}
        cols={56}
        spellCheck={false}
        aria-invalid={fault !== null}
        aria-describedby={id}
        onChange={(event) => {
          setDraft(event.target.value);
          setFault(null);
        }}
      />
      {fault === null ? (
        <p id={id} className="muted">
          {column.type.kind === 'json' ? 'JSON' : `Such as ${exampleOf(column.type)}`}
        </p>
      ) : (
        <p id={id} className="bad" role="alert">
          {fault}
        </p>
      )}
    </div>
  );
}
