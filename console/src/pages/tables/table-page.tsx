/** One table or view: its rows, or how it is built. */
import { useCallback, useMemo, useRef, useState } from 'react';
import { type Catalog, type Column, isKeyless, type Relation, sqlName, targetOf } from '../../api/catalog.ts';
import { useChanges } from '../../api/changes.ts';
import { refreshRows } from '../../api/fresh.ts';
import { quoteName } from '../../api/sql.ts';
import { type Place } from '../../grid/model.ts';
import { navigate, useRoute } from '../../route.ts';
import { useKeys } from '../../shell/keys.ts';
import { useStore } from '../../store.ts';
import { Button } from '../../ui/button.tsx';
import { PointMenu } from '../../ui/menu.tsx';
import { Empty, Failure } from '../../ui/states.tsx';
import { tell } from '../../ui/toast.tsx';
import { menuOf } from './cell-menu.tsx';
import { FilterBar } from './filter-bar.tsx';
import { Peek } from './peek.tsx';
import { StageBar } from './stage-bar.tsx';
import { rowId, type Staged, stageOf } from './staged.ts';
import { Structure } from './structure.tsx';
import type { GridRow } from './grid-rows.ts';
import { TableGrid, type TableGridHandle } from './table-grid.tsx';
import { Tools } from './tools.tsx';
import { ValuesDialog } from './values-dialog.tsx';
import { useRows } from './use-rows.ts';
import { parseView, showView, sortedBy, viewAddress } from './view-state.ts';

interface TablePageProps {
  readonly catalog: Catalog;
  readonly relation: Relation;
  readonly onImport: () => void;
}

export function TablePage({ catalog, relation, onImport }: TablePageProps) {
  const [tab, setTab] = useState<'data' | 'structure'>('data');
  return (
    <div className="page-full">
      <div className="table-head row">
        <h1>
          <bdi>{relation.path}</bdi>
        </h1>
        {relation.comment === null ? null : <span className="muted wide-only">{relation.comment}</span>}
        <span className="grow" />
        <div className="row" role="group" aria-label="View">
          <Button
            aria-pressed={tab === 'data'}
            look={tab === 'data' ? 'primary' : 'plain'}
            onClick={() => setTab('data')}
          >
            Data
          </Button>
          <Button
            aria-pressed={tab === 'structure'}
            look={tab === 'structure' ? 'primary' : 'plain'}
            onClick={() => setTab('structure')}
          >
            Structure
          </Button>
        </div>
      </div>
      {tab === 'data' ? (
        <Data key={relation.path} catalog={catalog} relation={relation} onImport={onImport} />
      ) : (
        <Structure catalog={catalog} relation={relation} />
      )}
    </div>
  );
}

/** Why rows cannot be edited; null when they can. */
function whyReadOnly({ may }: Catalog, { readOnly }: Relation): string | null {
  if (!may.writeRows) return 'Your token only reads.';
  return readOnly;
}

function Data({ catalog, relation, onImport }: TablePageProps) {
  const { query } = useRoute();
  const view = useMemo(() => parseView(query), [query]);
  const rows = useRows(catalog, relation, view);
  const stage = useMemo(() => stageOf(relation), [relation]);
  const staged = useStore(stage.store);
  const readOnly = whyReadOnly(catalog, relation);
  const canAdd = catalog.may.writeRows && relation.readOnly === null;
  const [isAdding, setAdding] = useState(false);
  const [peeked, setPeeked] = useState<GridRow | null>(null);
  const [counted, setCounted] = useState<Column | null>(null);
  const [menu, setMenu] = useState<{ place: Place; at: { x: number; y: number } } | null>(null);
  const grid = useRef<TableGridHandle>(null);
  useKeys({ '/': () => setAdding(true) });
  useChanges(
    useCallback(() => void refreshRows(), []),
    { table: relation.path },
  );

  const shownRow = withStaged(peeked, staged);
  const follow = (row: GridRow, column: Column): void => {
    const reference = relation.references.find(({ columns }) => columns.includes(column.name));
    const target = reference && targetOf(catalog, reference);
    if (!reference || !target || !row.values) return tell(`${column.name} refers to no other table.`);
    const filters = reference.targetColumns.map((name, index) => ({
      column: name,
      operator: '=' as const,
      value: row.values?.[reference.columns[index] ?? ''] ?? '',
    }));
    return navigate(viewAddress(target.path, { filters, sorts: [], hidden: [] }));
  };
  // Without a grid, where there are no rows, the first one brings it.
  const add = (): void => (grid.current ? grid.current.add() : stage.add());
  return (
    <>
      <Tools {...{ catalog, relation, view, rows, canAdd, onImport }} onAdd={add} onFilter={() => setAdding(true)} />
      <FilterBar relation={relation} view={view} isAdding={isAdding} onAdding={setAdding} />
      {rows.error ? (
        <div className="table-fill page">
          <Failure error={rows.error} onRetry={rows.retry} />
        </div>
      ) : rows.isCounted && rows.count === 0 && staged.additions.length === 0 ? (
        <div className="table-fill">
          <NoRows isFiltered={view.filters.length > 0} canAdd={canAdd} onAdd={add} onImport={onImport} />
        </div>
      ) : (
        <div className="table-body">
          <TableGrid
            ref={grid}
            {...{ catalog, relation, view, rows, stage, readOnly, canAdd }}
            onHeader={(column, more) => showView(relation.path, sortedBy(view, column.name, more))}
            onMenu={(place, at) => setMenu({ place, at })}
            onPeek={setPeeked}
            onFollow={follow}
            onActive={(row) => setPeeked((now) => (now === null ? null : row))}
          />
          {shownRow === null ? null : (
            <Peek {...{ catalog, relation, stage, readOnly }} row={shownRow} onClose={() => setPeeked(null)} />
          )}
        </div>
      )}
      {canAdd ? <StageBar catalog={catalog} relation={relation} stage={stage} /> : null}
      {readOnly !== null ? (
        <p className="table-note muted">{readOnly}</p>
      ) : isKeyless(relation) ? (
        <KeylessNote relation={relation} mayDefine={catalog.may.define} />
      ) : null}
      <ValuesDialog relation={relation} view={view} column={counted} onClose={() => setCounted(null)} />
      {menu === null || !grid.current ? null : (
        <PointMenu
          at={menu.at}
          label="Menu"
          onClose={() => {
            setMenu(null);
            grid.current?.focus();
          }}
          entries={menuOf({
            catalog,
            relation,
            view,
            readOnly,
            grid: grid.current,
            place: menu.place,
            onPeek: setPeeked,
            onFollow: follow,
            onValues: setCounted,
          })}
        />
      )}
    </>
  );
}

/** How its rows are named, and how that becomes quicker. */
function KeylessNote({ relation, mayDefine }: { relation: Relation; mayDefine: boolean }) {
  const column = relation.columns.find(({ name }) => name === 'id') ?? relation.columns[0];
  return (
    <p className="table-note muted">
      The table has no primary key, so a row is found by all of its values, and of equal rows one is changed.
      {mayDefine && column ? (
        <>
          {' '}
          A key makes that quicker:{' '}
          <code>{`ALTER TABLE ${sqlName(relation)} ADD PRIMARY KEY (${quoteName(column.name)})`}</code>
        </>
      ) : null}
    </p>
  );
}

/** What is peeked at, with what was staged since. */
function withStaged(row: GridRow | null, { edits, additions }: Staged): GridRow | null {
  if (row === null) return null;
  if (row.addition) return { ...row, addition: additions.find(({ id }) => id === row.addition?.id) ?? null };
  return row.key === null ? row : { ...row, edit: edits[rowId(row.key)] ?? null };
}

function NoRows({
  isFiltered,
  canAdd,
  onAdd,
  onImport,
}: {
  isFiltered: boolean;
  canAdd: boolean;
  onAdd: () => void;
  onImport: () => void;
}) {
  if (isFiltered) return <Empty title="No row passes the filters" />;
  return (
    <Empty title="No rows yet">
      {canAdd ? (
        <div className="row">
          <Button look="primary" onClick={onAdd}>
            Add a row
          </Button>
          <Button onClick={onImport}>Import a file</Button>
        </div>
      ) : null}
    </Empty>
  );
}
