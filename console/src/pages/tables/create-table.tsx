import { useMutation } from '@tanstack/react-query';
import { Plus, Trash2 } from 'lucide-react';
import { type FormEvent, useId, useState } from 'react';
import type { Catalog } from '../../api/catalog.ts';
import { refreshDefinitions } from '../../api/fresh.ts';
import { runSql } from '../../api/sql.ts';
import { href, navigate } from '../../route.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Failure } from '../../ui/states.tsx';
import { tell } from '../../ui/toast.tsx';
import { commonTypes, createSql, firstColumns, type NewColumn, referable, wordsOfReference } from './define.ts';

export function CreateTable({ catalog, onClose }: { catalog: Catalog; onClose: () => void }) {
  const [name, setName] = useState('');
  const [columns, setColumns] = useState(firstColumns);
  const sql = createSql(catalog, name, columns);
  const create = useMutation({
    mutationFn: () => runSql({ query: sql }),
    onSuccess: async () => {
      await refreshDefinitions();
      tell(`${name} is there`);
      navigate(href('tables', name));
    },
  });
  const change = (id: number, what: Partial<NewColumn>): void =>
    setColumns(columns.map((column) => (column.id === id ? { ...column, ...what } : column)));
  const add = (): void => {
    const id = Math.max(0, ...columns.map((column) => column.id)) + 1;
    const type = commonTypes[catalog.engine][0] ?? '';
    setColumns([
      ...columns,
      { id, name: '', type, isKey: false, isRequired: false, isUnique: false, otherwise: '', refersTo: '' },
    ]);
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <Dialog title="Create a table" isOpen onClose={onClose} isWide>
      <form className="stack" onSubmit={submit}>
        <label className="field">
          <span>Name</span>
          <input className="input" required value={name} onChange={(event) => setName(event.target.value)} />
        </label>
        <div className="form-columns" role="group" aria-label="Columns">
          {columns.map((column, index) => (
            <ColumnRow
              key={column.id}
              catalog={catalog}
              column={column}
              number={index + 1}
              onChange={(what) => change(column.id, what)}
              onRemove={columns.length > 1 ? () => setColumns(columns.filter(({ id }) => id !== column.id)) : null}
            />
          ))}
          <div>
            <Button icon={<Plus aria-hidden />} onClick={add}>
              Column
            </Button>
          </div>
        </div>
        <pre tabIndex={0} aria-label="The statement">
          {sql}
        </pre>
        {create.error ? <Failure error={create.error} /> : null}
        <div className="dialog-buttons">
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" disabled={create.isPending}>
            {create.isPending ? 'Creating' : 'Create'}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

interface ColumnRowProps {
  readonly catalog: Catalog;
  readonly column: NewColumn;
  readonly number: number;
  readonly onChange: (what: Partial<NewColumn>) => void;
  readonly onRemove: (() => void) | null;
}

function ColumnRow({ catalog, column, number, onChange, onRemove }: ColumnRowProps) {
  const types = useId();
  const { name, type, isKey, isRequired, isUnique, otherwise, refersTo } = column;
  const of = (what: string): string => `${what} of column ${number}`;
  return (
    <div className="form-column" role="group" aria-label={`Column ${number}`}>
      <input
        className="input"
        aria-label={of('Name')}
        placeholder="Name"
        required
        value={name}
        onChange={(event) => onChange({ name: event.target.value })}
      />
      <input
        className="input mono"
        aria-label={of('Type')}
        list={types}
        required
        value={type}
        onChange={(event) => onChange({ type: event.target.value })}
      />
      <datalist id={types}>
        {[...commonTypes[catalog.engine], ...catalog.enums.map((each) => each.name)].map((each) => (
          <option key={each} value={each} />
        ))}
      </datalist>
      <input
        className="input mono"
        aria-label={of('Default')}
        placeholder="Default"
        value={otherwise}
        onChange={(event) => onChange({ otherwise: event.target.value })}
      />
      <select
        className="input"
        aria-label={of('Reference')}
        value={refersTo}
        onChange={(event) => {
          const [path, target] = event.target.value === '' ? [] : (JSON.parse(event.target.value) as string[]);
          const found = catalog.relations
            .find((each) => each.path === path)
            ?.columns.find((each) => each.name === target);
          onChange({ refersTo: event.target.value, ...(found ? { type: found.sqlType } : {}) });
        }}
      >
        <option value="">No reference</option>
        {referable(catalog).map((each) => (
          <option key={each} value={each}>
            → {wordsOfReference(each)}
          </option>
        ))}
      </select>
      <span className="row">
        <Check label="Key" of={of} isOn={isKey} onChange={(on) => onChange({ isKey: on })} />
        <Check
          label="Required"
          of={of}
          isOn={isRequired || isKey}
          isDisabled={isKey}
          onChange={(on) => onChange({ isRequired: on })}
        />
        <Check
          label="Unique"
          of={of}
          isOn={isUnique || isKey}
          isDisabled={isKey}
          onChange={(on) => onChange({ isUnique: on })}
        />
      </span>
      {onRemove === null ? (
        <span />
      ) : (
        <IconButton label={`Remove column ${number}`} icon={<Trash2 aria-hidden />} onClick={onRemove} />
      )}
    </div>
  );
}

interface CheckProps {
  readonly label: string;
  readonly of: (what: string) => string;
  readonly isOn: boolean;
  readonly isDisabled?: boolean;
  readonly onChange: (isOn: boolean) => void;
}

function Check({ label, of, isOn, isDisabled = false, onChange }: CheckProps) {
  return (
    <label className="check">
      <input
        type="checkbox"
        aria-label={`${label}: ${of('option')}`}
        checked={isOn}
        disabled={isDisabled}
        onChange={(event) => onChange(event.target.checked)}
      />
      {label}
    </label>
  );
}
