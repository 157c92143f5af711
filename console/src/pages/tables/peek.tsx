/** One row beside the grid: all its columns, what it refers to, and what refers to it. On a phone it is how a row is edited. */
import { useQuery } from '@tanstack/react-query';
import { ExternalLink, X } from 'lucide-react';
import { useState } from 'react';
import { type Catalog, type Column, isKeyless, type Reference, type Relation, targetOf } from '../../api/catalog.ts';
import { rowsKey } from '../../api/fresh.ts';
import { hasAddress, keySegment } from '../../api/rows.ts';
import { runSql, type SqlValue } from '../../api/sql.ts';
import { href } from '../../route.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { Failure, Loading } from '../../ui/states.tsx';
import { choiceOf } from './choice.ts';
import { textAtHand, wholeTextOf } from './edited-text.ts';
import type { Choice } from './editing.ts';
import { CellEditor } from './editor.tsx';
import { MarkedText } from '../../ui/marked-text.tsx';
import type { Stage, Values } from './staged.ts';
import { rowStatement } from './statements.ts';
import type { GridRow } from './grid-rows.ts';
import { viewAddress } from './view-state.ts';

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

function References({
  catalog,
  relation,
  values,
}: {
  catalog: Catalog;
  relation: Relation;
  values: Readonly<Record<string, SqlValue>>;
}) {
  const referring = catalog.relations.flatMap((other) =>
    other.references
      .filter((reference) => targetOf(catalog, reference) === relation)
      .map((reference) => ({ other, reference })),
  );
  return (
    <>
      {relation.references.map((reference) => (
        <Referred key={reference.name} catalog={catalog} reference={reference} values={values} />
      ))}
      {referring.length === 0 ? null : (
        <section>
          <h3>Referred to by</h3>
          <ul>
            {referring.map(({ other, reference }) => {
              const filters = reference.columns.map((column, index) => ({
                column,
                operator: '=' as const,
                value: values[reference.targetColumns[index] ?? ''] ?? '',
              }));
              return (
                <li key={`${other.path} ${reference.name}`}>
                  <a href={viewAddress(other.path, { filters, sorts: [], hidden: [] })}>
                    <bdi>
                      {other.path} ({reference.columns.join(', ')})
                    </bdi>
                  </a>
                </li>
              );
            })}
          </ul>
        </section>
      )}
    </>
  );
}

/** Read when somebody asks for it. */
function Referred({
  catalog,
  reference,
  values,
}: {
  catalog: Catalog;
  reference: Reference;
  values: Readonly<Record<string, SqlValue>>;
}) {
  const target = targetOf(catalog, reference);
  const key = reference.columns.map((column) => values[column] ?? null);
  const [isOpen, setOpen] = useState(false);
  const query = useQuery({
    queryKey: [rowsKey, 'referred', reference, key],
    enabled: isOpen && target !== undefined && !key.includes(null),
    queryFn: async ({ signal }) => {
      if (!target) return null;
      const { value } = await runSql(rowStatement(catalog.engine, target, reference.targetColumns, key), { signal });
      return value.rows[0] ?? null;
    },
  });
  if (!target || key.includes(null)) return null;
  const filters = reference.targetColumns.map((column, index) => ({
    column,
    operator: '=' as const,
    value: key[index] ?? '',
  }));
  return (
    <section>
      <div className="row">
        <h3 className="grow">
          <bdi>
            {reference.columns.join(', ')} → {target.path}
          </bdi>
        </h3>
        <Button look="plain" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? 'Hide' : 'Show'}
        </Button>
        <a
          className="button plain icon"
          href={viewAddress(target.path, { filters, sorts: [], hidden: [] })}
          aria-label={`Go to the row of ${target.path}`}
        >
          <ExternalLink aria-hidden />
        </a>
      </div>
      {!isOpen ? null : query.error ? (
        <Failure error={query.error} />
      ) : query.data === undefined ? (
        <Loading label="Loading the row" lines={2} />
      ) : query.data === null ? (
        <p className="muted">There is no such row.</p>
      ) : (
        <dl>
          {target.columns.slice(0, 12).map(({ name }, index) => (
            <div key={name} className="peek-field">
              <dt>{name}</dt>
              <dd className="mono peek-value">
                <MarkedText text={query.data?.[index] ?? null} />
              </dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  );
}
