import './tables.css';
import { FileUp, Plus } from 'lucide-react';
import { useState } from 'react';
import { type Catalog, relationAt, useCatalog } from '../../api/catalog.ts';
import { useRowCounts } from '../../api/row-counts.ts';
import { href, navigate, useRoute } from '../../route.ts';
import { Button } from '../../ui/button.tsx';
import { formatCount } from '../../ui/format.ts';
import { Empty, Shown } from '../../ui/states.tsx';
import { CreateTable } from './create-table.tsx';
import { ImportDialog } from './import-dialog.tsx';
import { TablePage } from './table-page.tsx';

export default function Tables() {
  return (
    <Shown query={useCatalog()} label="Loading the tables">
      {(catalog) => <Chosen catalog={catalog} />}
    </Shown>
  );
}

function Chosen({ catalog }: { catalog: Catalog }) {
  const { rest, query } = useRoute();
  const [isImporting, setImporting] = useState(false);
  const asked = query.get('new');
  const relation = rest === null ? undefined : relationAt(catalog, rest);
  const close = (): void => {
    setImporting(false);
    if (asked !== null) navigate(href('tables', rest), { replace: true });
  };
  return (
    <>
      {relation ? (
        <TablePage catalog={catalog} relation={relation} onImport={() => setImporting(true)} />
      ) : rest === null ? (
        <TableList catalog={catalog} />
      ) : (
        <Empty title={`There is no table "${rest}"`}>
          <a href={href('tables')}>All tables</a>
        </Empty>
      )}
      {isImporting || asked === 'import' ? (
        <ImportDialog catalog={catalog} relation={relation ?? null} onClose={close} />
      ) : null}
      {asked === 'table' ? <CreateTable catalog={catalog} onClose={close} /> : null}
    </>
  );
}

function TableList({ catalog }: { catalog: Catalog }) {
  const counts = useRowCounts(catalog);
  const create = (): void => navigate(href('tables', null, { new: 'table' }));
  const importFile = (): void => navigate(href('tables', null, { new: 'import' }));
  const buttons = catalog.may.define ? (
    <div className="row">
      <Button look="primary" icon={<Plus aria-hidden />} onClick={create}>
        Create a table
      </Button>
      <Button icon={<FileUp aria-hidden />} onClick={importFile}>
        Import a file
      </Button>
    </div>
  ) : null;
  if (catalog.relations.length === 0) return <Empty title="There are no tables yet">{buttons}</Empty>;
  return (
    <div className="page stack">
      <div className="row">
        <h1 className="grow">Tables</h1>
        {buttons}
      </div>
      <div className="card">
        <table className="table-list">
          <thead>
            <tr>
              <th>Name</th>
              <th>{catalog.engine === 'duckdb' ? 'Rows' : 'Rows, about'}</th>
              <th className="wide-only">Columns</th>
              <th className="wide-only">Comment</th>
            </tr>
          </thead>
          <tbody>
            {catalog.relations.map(({ path, kind, columns, comment }) => (
              <tr key={path}>
                <td>
                  <a href={href('tables', path)}>
                    <bdi>{path}</bdi>
                  </a>
                  {kind === 'view' ? <span className="muted"> view</span> : null}
                </td>
                <td>{counts.has(path) ? formatCount(counts.get(path) ?? 0) : ''}</td>
                <td className="wide-only">{columns.length}</td>
                <td className="wide-only muted">{comment}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
