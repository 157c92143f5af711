/** One row beside the grid: all its columns, what it refers to, and what refers to it. On a phone it is how a row is edited. */
import { X } from 'lucide-react';
import { useState } from 'react';
import { type Catalog, type Column, isKeyless, type Relation } from '../../api/catalog.ts';
import { hasAddress, keySegment } from '../../api/rows.ts';
import type { SqlValue } from '../../api/sql.ts';
import { href } from '../../route.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { choiceOf } from './choice.ts';
import { textAtHand, wholeTextOf } from './edited-text.ts';
import type { Choice } from './editing.ts';
import { CellEditor } from './editor.tsx';
import { MarkedText } from '../../ui/marked-text.tsx';
import type { Stage, Values } from './staged.ts';
import type { GridRow } from './grid-rows.ts';
import { References } from './peek-references.tsx';

interface PeekProps {
  readonly catalog: Catalog;
  readonly relation: Relation;
  readonly row: GridRow;
  readonly stage: Stage;
  readonly readOnly: string | null;
  readonly onClose: () => void;
}

export function Peek({ catalog, relation, row, stage, readOnly, onClose }: PeekProps) {
  const { addition, edit, key, values } = row;
  const title = addition
    ? 'New row'
    : key === null || isKeyless(relation)
      ? 'Row'
      : key.map((part) => part ?? 'NULL').join(', ');
  const staged: Values = addition?.values ?? edit?.values ?? {};
  const fault = addition?.fault ?? edit?.fault ?? null;
  const write = (change: Values): void => {
    if (addition) stage.changeAddition(stage.store.get().additions.indexOf(addition), change);
    else if (key && values) stage.change(key, values, change);
  };
  return (
    <aside className="peek" aria-label={`Row ${title}`}>
      <div className="row peek-head">
        <h2 className="grow">
          <bdi>{title}</bdi>
        </h2>
        <IconButton label="Close the row" icon={<X aria-hidden />} onClick={onClose} />
      </div>
      {key !== null && !isKeyless(relation) && relation.kind === 'table' && hasAddress(relation, key) ? (
        <p>
          <a href={href('history', null, { table: relation.path, key: keySegment(relation, key) })}>
            Versions of this row
          </a>
        </p>
      ) : null}
      {fault ? <p className="fault">{fault.message}</p> : null}
      <dl>
        {relation.columns.map((column) => (
          <Field
            key={column.name}
            column={column}
            value={valueShown(staged, column, values)}
            isStaged={column.name in staged}
            canEdit={readOnly === null && !column.generated && (addition !== null || key !== null)}
            choice={choiceOf(catalog, relation, column)}
            textToEdit={async () => {
              const text = textAtHand(row, column);
              return text === undefined && key ? wholeTextOf(catalog.engine, relation, key, column) : text;
            }}
            onWrite={write}
          />
        ))}
      </dl>
      {values ? <References catalog={catalog} relation={relation} values={values} /> : null}
    </aside>
  );
}

/** Undefined: the default, or hidden and not read. */
function valueShown(staged: Values, { name }: Column, values: GridRow['values']): SqlValue | undefined {
  const value = staged[name];
  if (value !== undefined) return value === 'default' ? undefined : value.text;
  return values?.[name];
}

interface FieldProps {
  readonly column: Column;
  readonly value: SqlValue | undefined;
  readonly isStaged: boolean;
  readonly canEdit: boolean;
  readonly choice: Choice | undefined;
  /** Undefined: it cannot be read. */
  readonly textToEdit: () => Promise<SqlValue | undefined>;
  readonly onWrite: (values: Values) => void;
}

function Field({ column, value, isStaged, canEdit, choice, textToEdit, onWrite }: FieldProps) {
  const [edited, setEdited] = useState<{ readonly text: SqlValue } | null>(null);
  const { name, sqlType, nullable } = column;
  const begin = async (): Promise<void> => {
    const text = await textToEdit();
    if (text !== undefined) setEdited({ text });
  };
  const write = (values: Values): void => {
    setEdited(null);
    onWrite(values);
  };
  return (
    <div className={`peek-field ${isStaged ? 'edited' : ''}`}>
      <dt>
        <bdi>{name}</bdi> <span className="muted">{sqlType}</span>
      </dt>
      <dd className="row">
        {edited ? (
          <CellEditor
            column={column}
            text={edited.text}
            typed={null}
            choice={choice}
            onCancel={() => setEdited(null)}
            onPick={write}
            onCommit={(next) => {
              setEdited(null);
              if (next === 'default' || next.text !== edited.text) onWrite({ [name]: next });
            }}
          />
        ) : (
          <>
            <span className="grow peek-value mono">
              {value === undefined ? <i className="muted">default</i> : <MarkedText text={value} />}
            </span>
            {canEdit ? (
              <Button look="plain" aria-label={`Edit ${name}`} onClick={() => void begin()}>
                Edit
              </Button>
            ) : null}
            {canEdit && nullable && value !== null ? (
              <Button look="plain" aria-label={`Set ${name} to NULL`} onClick={() => write({ [name]: { text: null } })}>
                NULL
              </Button>
            ) : null}
            {canEdit && column.default !== null && value !== undefined ? (
              <Button look="plain" aria-label={`Set ${name} to DEFAULT`} onClick={() => write({ [name]: 'default' })}>
                DEFAULT
              </Button>
            ) : null}
          </>
        )}
      </dd>
    </div>
  );
}
