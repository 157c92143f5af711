import { useQuery } from '@tanstack/react-query';
import type { Column, Relation } from '../../api/catalog.ts';
import { rowsKey } from '../../api/fresh.ts';
import { runSql, type SqlValue } from '../../api/sql.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { formatCount } from '../../ui/format.ts';
import { Shown } from '../../ui/states.tsx';
import { MarkedText } from '../../ui/marked-text.tsx';
import { topValuesStatement } from './statements.ts';
import { showView, type TableView } from './view-state.ts';

interface ValuesDialogProps {
  readonly relation: Relation;
  readonly view: TableView;
  /** Null: closed. */
  readonly column: Column | null;
  readonly onClose: () => void;
}

/** The commonest values of a column among the rows that pass the filters, each a filter of its own. */
export function ValuesDialog({ relation, view, column, onClose }: ValuesDialogProps) {
  const query = useQuery({
    queryKey: [rowsKey, 'values', relation.path, view.filters, column?.name],
    enabled: column !== null,
    queryFn: async ({ signal }) =>
      column === null ? [] : (await runSql(topValuesStatement(relation, view, column), { signal })).value.rows,
  });
  const choose = (value: SqlValue): void => {
    if (column === null) return;
    const filter =
      value === null
        ? { column: column.name, operator: 'is null' as const, value: '' }
        : { column: column.name, operator: '=' as const, value };
    onClose();
    showView(relation.path, { ...view, filters: [...view.filters, filter] });
  };
  return (
    <Dialog title={`Values of ${column?.name ?? ''}`} isOpen={column !== null} onClose={onClose}>
      <Shown query={query} label="Counting the values">
        {(rows) => (
          <table className="table-list">
            <thead>
              <tr>
                <th>Value</th>
                <th>Rows</th>
                <th aria-label="Filter" />
              </tr>
            </thead>
            <tbody>
              {rows.map(([value = null, count = null], index) => (
                <tr key={index}>
                  <td className="mono peek-value">
                    <MarkedText text={value} />
                  </td>
                  <td>{formatCount(Number(count))}</td>
                  <td>
                    <Button onClick={() => choose(value)}>Only these</Button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Shown>
    </Dialog>
  );
}
