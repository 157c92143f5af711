import { Columns3, Download, Filter as FilterIcon, Plus, RefreshCw, Upload } from 'lucide-react';
import { useState } from 'react';
import type { Catalog, Relation } from '../../api/catalog.ts';
import { download, saveFile } from '../../api/download.ts';
import { refreshRows } from '../../api/fresh.ts';
import { Button } from '../../ui/button.tsx';
import { formatCount, plural } from '../../ui/format.ts';
import { Menu, type MenuEntry } from '../../ui/menu.tsx';
import { tell } from '../../ui/toast.tsx';
import { ColumnsMenu } from './columns-menu.tsx';
import { exportFormats, type ExportFormat, exportView, isNarrowed } from './export-view.ts';
import type { Rows } from './use-rows.ts';
import type { TableView } from './view-state.ts';

interface ToolsProps {
  readonly catalog: Catalog;
  readonly relation: Relation;
  readonly view: TableView;
  readonly rows: Rows;
  readonly canAdd: boolean;
  readonly onAdd: () => void;
  readonly onFilter: () => void;
  readonly onImport: () => void;
}

/** Above the rows of a table. */
export function Tools({ catalog, relation, view, rows, canAdd, onAdd, onFilter, onImport }: ToolsProps) {
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
      <ExportMenu catalog={catalog} relation={relation} view={view} />
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

const formatNames: Readonly<Record<ExportFormat, string>> = { csv: 'CSV', jsonl: 'JSON lines', parquet: 'Parquet' };

function ExportMenu({ catalog, relation, view }: Pick<ToolsProps, 'catalog' | 'relation' | 'view'>) {
  const { path } = relation;
  const [progress, setProgress] = useState<number | null>(null);
  const run = async (work: () => Promise<void>): Promise<void> => {
    setProgress(0);
    try {
      await work();
    } catch (error) {
      tell(`Not exported: ${(error as Error).message}`);
    } finally {
      setProgress(null);
    }
  };
  const whole = (format: ExportFormat) => (): void =>
    void run(() => download(`export?${new URLSearchParams({ table: path, format }).toString()}`, `${path}.${format}`));
  const shown = (format: ExportFormat) => (): void =>
    void run(async () => saveFile(`${path}.${format}`, await exportView(catalog, relation, view, format, setProgress)));
  const entriesOf = (prefix: string, save: (format: ExportFormat) => () => void): MenuEntry[] =>
    exportFormats.map((format) => ({ label: `${prefix}${formatNames[format]}`, onSelect: save(format) }));
  return (
    <>
      <Menu
        trigger={
          <Button icon={<Download aria-hidden />} disabled={progress !== null}>
            {progress === null ? 'Export' : 'Exporting'}
          </Button>
        }
        entries={
          isNarrowed(view)
            ? [...entriesOf('What is shown, as ', shown), ...entriesOf('The whole table, as ', whole)]
            : entriesOf('', whole)
        }
      />
      {progress === null || progress === 0 ? null : (
        <progress className="progress short" value={progress} aria-label="Exported" />
      )}
    </>
  );
}
