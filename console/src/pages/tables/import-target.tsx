import type { Catalog } from '../../api/catalog.ts';
import { type Foreseen, type Format, formats, type ImportTarget } from './import-file.ts';

interface TargetFieldsProps {
  readonly catalog: Catalog;
  readonly target: ImportTarget;
  readonly canCreate: boolean;
  readonly foreseen: Foreseen | undefined;
  readonly onChange: (what: Partial<ImportTarget>) => void;
}

/** Into which table a file goes, and what becomes of rows that are there. */
export function TargetFields({ catalog, target, canCreate, foreseen, onChange }: TargetFieldsProps) {
  const writable = catalog.relations.filter(({ readOnly }) => readOnly === null);
  const relation = writable.find(({ path }) => path === target.table);
  const keys = target.create
    ? (foreseen?.columns ?? []).map(({ name }) => name)
    : [relation?.key ?? [], ...(relation?.unique.map(({ columns }) => columns) ?? [])]
        .filter(({ length }) => length > 0)
        .map((columns) => columns.join(','));
  return (
    <div className="row">
      {canCreate ? (
        <label className="field">
          <span>Into</span>
          <select
            className="input"
            value={target.create ? 'new' : 'old'}
            onChange={(event) => {
              const create = event.target.value === 'new';
              onChange({ create, onConflict: '', table: create ? target.table : (writable[0]?.path ?? '') });
            }}
          >
            <option value="new">A new table</option>
            <option value="old" disabled={writable.length === 0}>
              A table that is there
            </option>
          </select>
        </label>
      ) : null}
      <label className="field grow">
        <span>Table</span>
        {target.create ? (
          <input className="input" value={target.table} onChange={(event) => onChange({ table: event.target.value })} />
        ) : (
          <select
            className="input"
            value={target.table}
            onChange={(event) => onChange({ table: event.target.value, onConflict: '' })}
          >
            {writable.map(({ path }) => (
              <option key={path}>{path}</option>
            ))}
          </select>
        )}
      </label>
      <label className="field">
        <span>{target.create ? 'Primary key' : 'Rows that are there'}</span>
        <select
          className="input"
          value={target.onConflict}
          onChange={(event) => onChange({ onConflict: event.target.value })}
        >
          <option value="">{target.create ? 'None' : 'are an error'}</option>
          {keys.map((key) => (
            <option key={key} value={key}>
              {target.create ? key : `are changed, by ${key}`}
            </option>
          ))}
        </select>
      </label>
      <label className="field">
        <span>Format</span>
        <select
          className="input"
          value={target.format}
          onChange={(event) => onChange({ format: event.target.value as Format })}
        >
          {formats.map((format) => (
            <option key={format} value={format}>
              {{ csv: 'CSV', jsonl: 'JSON lines', parquet: 'Parquet' }[format]}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}
