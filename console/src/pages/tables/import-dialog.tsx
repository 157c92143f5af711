import { useMutation } from '@tanstack/react-query';
import { FileUp } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import type { Catalog, Relation } from '../../api/catalog.ts';
import { refreshDefinitions } from '../../api/fresh.ts';
import { href, navigate } from '../../route.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { formatBytes, formatCount, plural } from '../../ui/format.ts';
import { Failure, Loading } from '../../ui/states.tsx';
import { tell } from '../../ui/toast.tsx';
import {
  type Foreseen,
  type Format,
  formatOf,
  formats,
  ImportFile,
  type ImportTarget,
  tableNameOf,
} from './import-file.ts';

interface ImportDialogProps {
  readonly catalog: Catalog;
  /** Where it goes, unless somebody says otherwise; null: into a table of its own. */
  readonly relation: Relation | null;
  readonly onClose: () => void;
}

export function ImportDialog({ catalog, relation, onClose }: ImportDialogProps) {
  const [file, setFile] = useState<File | null>(null);
  return (
    <Dialog title="Import a file" isOpen onClose={onClose} isWide>
      {file === null ? (
        <Choice onChoose={setFile} />
      ) : (
        <Chosen
          key={`${file.name} ${file.size}`}
          {...{ catalog, relation, file, onClose }}
          onOther={() => setFile(null)}
        />
      )}
    </Dialog>
  );
}

function Choice({ onChoose }: { onChoose: (file: File) => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <div
      className="drop-zone"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        const [file] = event.dataTransfer.files;
        if (file) onChoose(file);
      }}
    >
      <FileUp aria-hidden />
      <p>Drop a file of CSV, JSON lines or Parquet here</p>
      <Button look="primary" onClick={() => input.current?.click()}>
        Choose a file
      </Button>
      <input
        ref={input}
        type="file"
        aria-label="File"
        className="hidden-visually"
        tabIndex={-1}
        accept=".csv,.tsv,.txt,.jsonl,.ndjson,.json,.parquet"
        onChange={(event) => {
          const [chosen] = event.target.files ?? [];
          if (chosen) onChoose(chosen);
        }}
      />
    </div>
  );
}

function Chosen({
  catalog,
  relation,
  file,
  onClose,
  onOther,
}: ImportDialogProps & { file: File; onOther: () => void }) {
  const canCreate = catalog.may.define;
  const [target, setTarget] = useState<ImportTarget>({
    table:
      relation?.path ??
      (canCreate ? tableNameOf(file.name) : (catalog.relations.find(({ readOnly }) => readOnly === null)?.path ?? '')),
    format: formatOf(file.name),
    create: relation === null && canCreate,
    onConflict: '',
  });
  const { foreseen, progress, source, ended } = useForeseen(file, target);
  const [sent, setSent] = useState(0);
  const run = useMutation({
    mutationFn: () => source.run(target, setSent, ended.signal),
    onSuccess: async () => {
      await refreshDefinitions();
      tell(`${plural(foreseen.data?.rows ?? 0, 'row')} in ${target.table}`);
      onClose();
      navigate(href('tables', target.table));
    },
  });
  const set = (what: Partial<ImportTarget>): void => setTarget({ ...target, ...what });
  const canRun = foreseen.data !== undefined && foreseen.data.wrong === 0 && foreseen.data.rows > 0 && !run.isPending;
  return (
    <div className="stack">
      <p>
        <bdi>{file.name}</bdi>, {formatBytes(file.size)}
      </p>
      <TargetFields {...{ catalog, target, canCreate, foreseen: foreseen.data }} onChange={set} />
      {foreseen.error ? (
        <Failure error={foreseen.error} onRetry={foreseen.retry} />
      ) : foreseen.data === undefined ? (
        <>
          <Loading label="Looking into the file" />
          {progress > 0 ? <progress className="progress" value={progress} aria-label="Sent" /> : null}
        </>
      ) : (
        <Preview foreseen={foreseen.data} />
      )}
      {run.error ? <Failure error={run.error} /> : null}
      {run.isPending ? (
        <progress className="progress" {...(sent > 0 && sent < 1 ? { value: sent } : {})} aria-label="Importing" />
      ) : null}
      <div className="dialog-buttons">
        <Button onClick={onOther} disabled={run.isPending}>
          Another file
        </Button>
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" disabled={!canRun} onClick={() => run.mutate()}>
          {run.isPending ? 'Importing' : `Import ${foreseen.data ? plural(foreseen.data.rows, 'row') : ''}`}
        </Button>
      </div>
    </div>
  );
}

/** Asks what would come of the file, again whenever the target changes. */
function useForeseen(file: File, target: ImportTarget) {
  const [source] = useState(() => new ImportFile(file));
  const [ended] = useState(() => new AbortController());
  const [progress, setProgress] = useState(0);
  const [round, setRound] = useState(0);
  const [found, setFound] = useState<{ data?: Foreseen; error?: unknown }>({});
  useEffect(() => {
    const asked = new AbortController();
    setFound({});
    // Names are typed letter by letter.
    const timer = setTimeout(() => {
      source.foresee(target, setProgress, asked.signal).then(
        (data) => setFound({ data }),
        (error: unknown) => (asked.signal.aborted ? undefined : setFound({ error })),
      );
    }, 300);
    return () => {
      clearTimeout(timer);
      asked.abort();
    };
  }, [source, target, round]);
  return {
    foreseen: { ...found, data: found.data, error: found.error, retry: () => setRound(round + 1) },
    progress,
    source,
    ended,
  };
}

interface TargetFieldsProps {
  readonly catalog: Catalog;
  readonly target: ImportTarget;
  readonly canCreate: boolean;
  readonly foreseen: Foreseen | undefined;
  readonly onChange: (what: Partial<ImportTarget>) => void;
}

function TargetFields({ catalog, target, canCreate, foreseen, onChange }: TargetFieldsProps) {
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

function Preview({ foreseen: { rows, wrong, columns, sample, errors, create } }: { foreseen: Foreseen }) {
  return (
    <>
      <p role="status">
        <strong>{plural(rows, 'row')}</strong> would be imported
        {wrong > 0 ? (
          <span className="bad">
            , {formatCount(wrong)} are wrong: mend the file first, since all rows come in or none.
          </span>
        ) : (
          '.'
        )}
      </p>
      {errors.length === 0 ? null : (
        <ul className="fault">
          {errors.slice(0, 10).map(({ path, message }) => (
            <li key={path}>
              Line <code>{path}</code> {message}
            </li>
          ))}
        </ul>
      )}
      <div className="preview" tabIndex={0} role="region" aria-label="The first rows">
        <table>
          <thead>
            <tr>
              {columns.map(({ name, type }) => (
                <th key={name}>
                  <bdi>{name}</bdi>
                  <br />
                  <span className="mono">{type}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {sample.map((row, index) => (
              <tr key={index}>
                {columns.map(({ name }) => (
                  <td key={name} className="mono">
                    {shown(row[name])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {create === undefined ? null : (
        <pre tabIndex={0} aria-label="The statement">
          {create}
        </pre>
      )}
    </>
  );
}

function shown(value: unknown): React.ReactNode {
  if (value === null || value === undefined) return <i className="muted">NULL</i>;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
