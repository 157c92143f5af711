import { useMutation } from '@tanstack/react-query';
import { FileUp } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import type { Catalog, Relation } from '../../api/catalog.ts';
import { refreshDefinitions } from '../../api/fresh.ts';
import { href, navigate } from '../../route.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { formatBytes, plural } from '../../ui/format.ts';
import { Failure, Loading } from '../../ui/states.tsx';
import { tell } from '../../ui/toast.tsx';
import { type Foreseen, formatOf, ImportFile, type ImportTarget, tableNameOf } from './import-file.ts';
import { Preview } from './import-preview.tsx';
import { TargetFields } from './import-target.tsx';

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
  const [isKeyChosen, setKeyChosen] = useState(false);
  const columns = foreseen.data?.columns;
  useEffect(() => {
    // What is called id is one, until somebody says otherwise.
    if (isKeyChosen || columns?.some(({ name }) => name === 'id') !== true) return;
    setKeyChosen(true);
    setTarget((now) => (now.create ? { ...now, onConflict: 'id' } : now));
  }, [columns, isKeyChosen]);
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
  const set = (what: Partial<ImportTarget>): void => {
    if (what.onConflict !== undefined) setKeyChosen(true);
    setTarget({ ...target, ...what });
  };
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
      {foreseen.data && target.create && target.onConflict === '' ? (
        <p className="warn">Without a primary key, a row is found by all of its values, and no address names it.</p>
      ) : null}
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
