import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import type { Catalog, Relation } from '../../api/catalog.ts';
import { refreshDefinitions } from '../../api/fresh.ts';
import { runSql } from '../../api/sql.ts';
import { href, navigate } from '../../route.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Failure } from '../../ui/states.tsx';
import { tell } from '../../ui/toast.tsx';
import { alterSql, type Change, type ChangeInput, changes, commonTypes, needsOf } from './define.ts';

/** One change at a time, with the statement that it is. */
export function AlterTable({ catalog, relation }: { catalog: Catalog; relation: Relation }) {
  const [input, setInput] = useState<ChangeInput>({
    change: 'Add a column',
    column: relation.columns[0]?.name ?? '',
    text: '',
    type: commonTypes[catalog.engine][0] ?? '',
  });
  const [isAsking, setAsking] = useState(false);
  const { isLosing } = needsOf(input.change);
  const sql = alterSql(relation, input);
  const alter = useMutation({
    mutationFn: () => runSql({ query: sql }),
    onSuccess: async () => {
      if (input.change === 'Drop the table') navigate(href('tables'));
      if (input.change === 'Rename the table')
        navigate(href('tables', relation.path.replace(relation.name, input.text)));
      await refreshDefinitions();
      setInput({ ...input, text: '' });
      tell('Done');
    },
    onSettled: () => setAsking(false),
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (isLosing) setAsking(true);
    else alter.mutate();
  };
  return (
    <section className="card">
      <form className="stack tight" onSubmit={submit}>
        <h2>Change</h2>
        <div className="row">
          <Fields
            catalog={catalog}
            relation={relation}
            input={input}
            onChange={(what) => setInput({ ...input, ...what })}
          />
          <Button look={isLosing ? 'danger' : 'primary'} type="submit" disabled={alter.isPending}>
            Run
          </Button>
        </div>
        <pre tabIndex={0} aria-label="The statement">
          {sql}
        </pre>
        {alter.error ? <Failure error={alter.error} /> : null}
      </form>
      <Dialog title={`${input.change}?`} isOpen={isAsking} onClose={() => setAsking(false)}>
        <p>What is in it is gone then.</p>
        <pre tabIndex={0}>{sql}</pre>
        <div className="dialog-buttons">
          <Button onClick={() => setAsking(false)}>Keep it</Button>
          <Button look="danger" onClick={() => alter.mutate()}>
            {input.change}
          </Button>
        </div>
      </Dialog>
    </section>
  );
}

interface FieldsProps {
  readonly catalog: Catalog;
  readonly relation: Relation;
  readonly input: ChangeInput;
  readonly onChange: (what: Partial<ChangeInput>) => void;
}

/** What the change needs to know. */
function Fields({ catalog, relation, input, onChange: set }: FieldsProps) {
  const types = useId();
  const { column, text } = needsOf(input.change);
  return (
    <>
      <select
        className="input narrow"
        aria-label="Change"
        value={input.change}
        onChange={(event) => set({ change: event.target.value as Change, text: '' })}
      >
        {changes.map((each) => (
          <option key={each}>{each}</option>
        ))}
      </select>
      {column ? (
        <select
          className="input narrow"
          aria-label="Column"
          value={input.column}
          onChange={(event) => set({ column: event.target.value })}
        >
          {relation.columns.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      ) : null}
      {text === null ? null : (
        <input
          className="input narrow"
          aria-label={text}
          placeholder={text}
          required={!text.includes('empty') && text !== 'Comment'}
          list={text === 'Type' ? types : undefined}
          value={input.text}
          onChange={(event) => set({ text: event.target.value })}
        />
      )}
      {input.change === 'Add a column' ? (
        <input
          className="input narrow mono"
          aria-label="Type"
          list={types}
          required
          value={input.type}
          onChange={(event) => set({ type: event.target.value })}
        />
      ) : null}
      <datalist id={types}>
        {commonTypes[catalog.engine].map((each) => (
          <option key={each} value={each} />
        ))}
      </datalist>
    </>
  );
}
