import { Plus, X } from 'lucide-react';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import type { Relation } from '../../api/catalog.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { type Filter, type Operator, operators, showView, type TableView } from './view-state.ts';

const needsNoValue: readonly Operator[] = ['is null', 'is not null'];

interface FilterBarProps {
  readonly relation: Relation;
  readonly view: TableView;
  /** Open for another filter; its field has the focus at once. */
  readonly isAdding: boolean;
  readonly onAdding: (isAdding: boolean) => void;
}

/** All filters, in one place. */
export function FilterBar({ relation, view, isAdding, onAdding }: FilterBarProps) {
  const { filters } = view;
  const show = (next: readonly Filter[]): void => showView(relation.path, { ...view, filters: next });
  if (filters.length === 0 && !isAdding) return null;
  return (
    <div className="filter-bar row" role="group" aria-label="Filters">
      {filters.map((filter, index) => (
        <span key={index} className="badge filter">
          <bdi>
            <strong>{filter.column}</strong> {filter.operator}{' '}
            {needsNoValue.includes(filter.operator) ? '' : filter.value || '(empty)'}
          </bdi>
          <button
            type="button"
            aria-label={`Remove the filter of ${filter.column}`}
            onClick={() => show(filters.filter((_, at) => at !== index))}
          >
            <X aria-hidden />
          </button>
        </span>
      ))}
      {isAdding ? (
        <NewFilter
          relation={relation}
          onCancel={() => onAdding(false)}
          onAdd={(filter) => {
            onAdding(false);
            show([...filters, filter]);
          }}
        />
      ) : (
        <Button look="plain" icon={<Plus aria-hidden />} onClick={() => onAdding(true)}>
          Add
        </Button>
      )}
    </div>
  );
}

function NewFilter({
  relation,
  onAdd,
  onCancel,
}: {
  relation: Relation;
  onAdd: (filter: Filter) => void;
  onCancel: () => void;
}) {
  const [column, setColumn] = useState(relation.columns[0]?.name ?? '');
  const kind = relation.columns.find(({ name }) => name === column)?.type.kind;
  const [operator, setOperator] = useState<Operator | null>(null);
  const [value, setValue] = useState('');
  const first = useRef<HTMLSelectElement>(null);
  useEffect(() => first.current?.focus(), []);
  const chosen = operator ?? (kind === 'text' ? 'contains' : '=');
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    onAdd({ column, operator: chosen, value: needsNoValue.includes(chosen) ? '' : value });
  };
  return (
    <form
      className="row"
      onSubmit={submit}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onCancel();
      }}
    >
      <select
        ref={first}
        className="input narrow"
        aria-label="Column"
        value={column}
        onChange={(event) => setColumn(event.target.value)}
      >
        {relation.columns.map(({ name }) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      <select
        className="input narrow"
        aria-label="Comparison"
        value={chosen}
        onChange={(event) => setOperator(event.target.value as Operator)}
      >
        {operators.map((each) => (
          <option key={each}>{each}</option>
        ))}
      </select>
      {needsNoValue.includes(chosen) ? null : (
        <input
          className="input narrow mono"
          aria-label="Value"
          placeholder={chosen === 'is one of' ? 'a, b, c' : 'Value'}
          value={value}
          onChange={(event) => setValue(event.target.value)}
        />
      )}
      <Button look="primary" type="submit">
        Filter
      </Button>
      <IconButton label="Cancel" icon={<X aria-hidden />} onClick={onCancel} />
    </form>
  );
}
