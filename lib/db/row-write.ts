/**
 * What a statement of the query builder writes, as its node says.
 *
 * Owns: reading the nodes, and the rule that a key is never updated. Knows nothing of either engine. The worst that can
 * happen: a write that is taken for another.
 */
import type { InsertQueryNode, OperationNode, RootOperationNode, ValuesNode } from '#packages/kysely';
import { AppError } from '../errors.ts';
import type { TableName } from '../sync/shapes.ts';

/** A statement that writes rows, as its node describes it. */
export interface RowWrite {
  readonly kind: 'insert' | 'update' | 'delete';
  readonly table: TableName;
  /** A plain INSERT: every row's key was absent before. */
  readonly fresh: boolean;
  /** Columns that it may set on rows that exist. */
  readonly updates: readonly string[];
  /** It inserts given values and reads no table, so that its plan may be kept. */
  readonly readsNothing: boolean;
}

/** What the node writes; null when it is no INSERT, UPDATE or DELETE of one table. */
export function describeWrite(node: RootOperationNode): RowWrite | null {
  switch (node.kind) {
    case 'InsertQueryNode': {
      const table = tableOf(node.into);
      const conflict = node.onConflict;
      const updates = conflict?.updates?.map((update) => columnOf(update.column)) ?? [];
      const isPlain = !conflict && !node.replace && !node.orAction && !node.onDuplicateKey && !node.ignore;
      return table && !node.replace
        ? { kind: 'insert', table, fresh: isPlain, updates, readsNothing: isPlain && isOfValues(node) }
        : null;
    }
    case 'UpdateQueryNode': {
      const table = tableOf(node.table);
      return (
        table && {
          kind: 'update',
          table,
          fresh: false,
          updates: (node.updates ?? []).map(({ column }) => columnOf(column)),
          readsNothing: false,
        }
      );
    }
    case 'DeleteQueryNode': {
      const [from, ...others] = node.from.froms;
      const table = others.length === 0 ? tableOf(from) : null;
      return table && { kind: 'delete', table, fresh: false, updates: [], readsNothing: false };
    }
    default:
      return null;
  }
}

/** A statement of many rows is large, and seldom has as many again. */
const mostRowsKept = 4;

function isOfValues({ values, with: common }: InsertQueryNode): boolean {
  if (common || values?.kind !== 'ValuesNode') return false;
  const rows = (values as ValuesNode).values;
  return (
    rows.length <= mostRowsKept &&
    rows.every((row) => row.kind === 'PrimitiveValueListNode' || row.values.every(({ kind }) => kind === 'ValueNode'))
  );
}

function tableOf(node: OperationNode | undefined): TableName | null {
  if (!node) return null;
  if (node.kind === 'AliasNode') return tableOf((node as OperationNode & { node: OperationNode }).node);
  if (node.kind !== 'TableNode') return null;
  const { table } = node as OperationNode & { table: { schema?: { name: string }; identifier: { name: string } } };
  return { schema: table.schema?.name ?? 'main', table: table.identifier.name };
}

/** Name of the column that an update sets; a form that is not understood names none that exists. */
function columnOf(node: OperationNode): string {
  if (node.kind === 'ColumnNode') return (node as OperationNode & { column: { name: string } }).column.name;
  if (node.kind === 'ReferenceNode') return columnOf((node as OperationNode & { column: OperationNode }).column);
  throw new AppError('invalid', 'An update must name its columns.');
}

/** A table and the columns of its primary key. */
export interface KeyedTable {
  readonly table: string;
  readonly key: readonly { readonly name: string }[];
}

/** A key names a row for ever: changing it would be a delete and an insert that no image shows. */
export function requireKeyKept(write: RowWrite, keyed: KeyedTable): void {
  const changed = keyed.key.find(({ name }) => write.updates.includes(name));
  if (!changed) return;
  throw new AppError('invalid', `The primary key of ${keyed.table} (${changed.name}) cannot be updated.`, {
    hint: 'Delete the row and insert a new one.',
  });
}
