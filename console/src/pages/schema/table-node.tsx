import { Handle, type Node, type NodeProps, Position } from '@xyflow/react';
import { ArrowRight, Eye, KeyRound, Table2 } from 'lucide-react';
import type { Column, Relation } from '../../api/catalog.ts';
import { href } from '../../route.ts';

export type TableNodeType = Node<{ readonly relation: Relation; readonly columns: readonly Column[] }, 'table'>;

/** Its name opens it; the ends of references are at the columns. */
export function TableNode({ data: { relation, columns } }: NodeProps<TableNodeType>) {
  const hidden = relation.columns.length - columns.length;
  const Icon = relation.kind === 'view' ? Eye : Table2;
  return (
    <div className="table-node">
      <p className="table-node-head">
        <Icon aria-label={relation.kind} className="icon-inline" />
        <a href={href('tables', relation.path)} className="nodrag" title={relation.comment ?? relation.path}>
          {relation.path}
        </a>
      </p>
      <ul>
        {columns.map((column) => (
          <ColumnRow key={column.name} relation={relation} column={column} />
        ))}
        {hidden > 0 ? (
          <li className="muted">
            and {hidden} {hidden === 1 ? 'column' : 'columns'} more
          </li>
        ) : null}
      </ul>
    </div>
  );
}

function ColumnRow({ relation, column }: { relation: Relation; column: Column }) {
  const isKey = relation.key.includes(column.name);
  const isReference = relation.references.some(({ columns }) => columns.includes(column.name));
  return (
    <li>
      <Handle type="target" id={column.name} position={Position.Left} isConnectable={false} />
      <span className={isKey ? 'table-node-key' : ''}>
        {isKey ? <KeyRound className="icon-inline" aria-label="key" /> : null}
        {isReference ? <ArrowRight className="icon-inline" aria-label="reference" /> : null}
        {column.name}
      </span>
      <small className="muted">{column.sqlType}</small>
      <Handle type="source" id={column.name} position={Position.Right} isConnectable={false} />
    </li>
  );
}
