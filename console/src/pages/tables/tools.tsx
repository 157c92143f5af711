import { Columns3, Download, Filter as FilterIcon, Plus, RefreshCw, Upload } from 'lucide-react';
import type { Relation } from '../../api/catalog.ts';
import { download } from '../../api/download.ts';
import { refreshRows } from '../../api/fresh.ts';
import { Button } from '../../ui/button.tsx';
import { formatCount, plural } from '../../ui/format.ts';
import { Menu } from '../../ui/menu.tsx';
import { tell } from '../../ui/toast.tsx';
import { ColumnsMenu } from './columns-menu.tsx';
import type { Rows } from './use-rows.ts';
import type { TableView } from './view-state.ts';

interface ToolsProps {
  readonly relation: Relation;
  readonly view: TableView;
  readonly rows: Rows;
  readonly canAdd: boolean;
  readonly onAdd: () => void;
  readonly onFilter: () => void;
  readonly onImport: () => void;
}

/** Above the rows of a table. */
export function Tools({ relation, view, rows, canAdd, onAdd, onFilter, onImport }: ToolsProps) {
  return (
    <div className="table-tools row">
      {canAdd ? (
        <Button icon={<Plus aria-hidden />} onClick={onAdd}>
          Row
        </Button>
      ) : null}
      <Button icon={<FilterIcon aria-hidden />} onClick={onFilter}>
        Filter
      </Button>
      <ColumnsMenu relation={relation} view={view} trigger={<Button icon={<Columns3 aria-hidden />}>Columns</Button>} />
      <ExportMenu relation={relation} />
      {canAdd ? (
        <Button icon={<Upload aria-hidden />} onClick={onImport}>
          Import
        </Button>
      ) : null}
      <Button
        look="plain"
        className="icon"
        aria-label="Load again"
        title="Load again"
        icon={<RefreshCw aria-hidden />}
        onClick={() => void refreshRows()}
      />
      <span className="grow" />
      <span className="muted" role="status">
        {rows.isCounted ? plural(rows.count, 'row') : `about ${formatCount(rows.count)} rows`}
      </span>
    </div>
  );
}

function ExportMenu({ relation: { path } }: { relation: Relation }) {
  const save = async (format: string): Promise<void> => {
    try {
      await download(`export?${new URLSearchParams({ table: path, format }).toString()}`, `${path}.${format}`);
    } catch (error) {
      tell(`Not exported: ${(error as Error).message}`);
    }
  };
  return (
    <Menu
      trigger={<Button icon={<Download aria-hidden />}>Export</Button>}
      entries={['csv', 'jsonl', 'parquet'].map((format) => ({
        label: { csv: 'CSV', jsonl: 'JSON lines', parquet: 'Parquet' }[format],
        onSelect: () => void save(format),
      }))}
    />
  );
}
