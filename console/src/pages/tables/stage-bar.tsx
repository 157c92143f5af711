/** What is staged: to save, to look at, to throw away. It stays where it is, so that nothing appears under the pointer. */
import { useEffect, useState } from 'react';
import type { Catalog, Relation } from '../../api/catalog.ts';
import { refreshRows } from '../../api/fresh.ts';
import { keyLabel, useKeys } from '../../shell/keys.ts';
import { useStore } from '../../store.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { plural } from '../../ui/format.ts';
import { tell } from '../../ui/toast.tsx';
import { Conflict } from './conflict.tsx';
import { bringBack, saveStaged, wordsOf } from './save.ts';
import { hasStaged, type Stage } from './staged.ts';
import { stagedSql } from './staged-sql.ts';

interface StageBarProps {
  readonly catalog: Catalog;
  readonly relation: Relation;
  readonly stage: Stage;
}

export function StageBar({ catalog, relation, stage }: StageBarProps) {
  const { edits, additions } = useStore(stage.store);
  const [isSaving, setSaving] = useState(false);
  const [isReviewing, setReviewing] = useState(false);
  const count = Object.keys(edits).length + additions.length;
  const conflicts = Object.entries(edits).filter(([, { fault }]) => fault?.status === 412);
  const refused = [...Object.values(edits), ...additions].flatMap(({ fault }) =>
    fault && fault.status !== 412 ? [fault.message] : [],
  );

  const save = async (): Promise<void> => {
    if (isSaving || count === 0) return;
    setSaving(true);
    const report = await saveStaged(catalog, relation, stage);
    setSaving(false);
    await refreshRows();
    const undo = {
      label: `Bring ${plural(report.removed.length, 'row')} back`,
      onClick: () => void undoRemoval(relation, report.removed),
    };
    tell(wordsOf(report), report.removed.length > 0 ? undo : undefined);
  };
  useKeys({ 'Mod+S': () => void save() });
  useEffect(() => {
    const listen = (): void => void save();
    const warn = (event: BeforeUnloadEvent): void => {
      if (hasStaged()) event.preventDefault();
    };
    addEventListener('eider-save', listen);
    addEventListener('beforeunload', warn);
    return () => {
      removeEventListener('eider-save', listen);
      removeEventListener('beforeunload', warn);
    };
  });
  return (
    <div className="stage-bar">
      {conflicts.map(([id, edit]) => (
        <Conflict key={id} id={id} edit={edit} catalog={catalog} relation={relation} stage={stage} />
      ))}
      {[...new Set(refused)].slice(0, 3).map((message) => (
        <p key={message} className="fault" role="alert">
          {message}
        </p>
      ))}
      <div className="row">
        <span className="grow" role="status">
          {count === 0 ? (
            <span className="muted">Nothing is changed.</span>
          ) : (
            <strong>{plural(count, 'changed row')}</strong>
          )}
        </span>
        <Button disabled={count === 0} onClick={() => setReviewing(true)}>
          Review SQL
        </Button>
        <Button disabled={count === 0 || isSaving} onClick={() => stage.discard()}>
          Discard
        </Button>
        <Button look="primary" disabled={count === 0 || isSaving} onClick={() => void save()}>
          {isSaving ? 'Saving' : 'Save'} <span className="wide-only">{keyLabel('Mod+S')}</span>
        </Button>
      </div>
      <Dialog title="What Save does" isOpen={isReviewing} onClose={() => setReviewing(false)} isWide>
        <p className="muted">Each row on its own, and only where nobody has changed it since.</p>
        <pre tabIndex={0}>{isReviewing ? stagedSql(catalog, relation, stage) : ''}</pre>
        <div className="dialog-buttons">
          <Button onClick={() => setReviewing(false)}>Close</Button>
        </div>
      </Dialog>
    </div>
  );
}

async function undoRemoval(relation: Relation, rows: readonly string[]): Promise<void> {
  try {
    await bringBack(relation, rows);
    await refreshRows();
    tell(`${plural(rows.length, 'row')} back`);
  } catch (error) {
    tell(`Not brought back: ${(error as Error).message}`);
  }
}
