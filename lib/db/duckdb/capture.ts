/**
 * Row images of what a statement changed.
 *
 * Owns: which statements may run inside a write, and what goes into the record for each. The worst that can happen: a
 * change that no record holds, and so no other replica ever sees. So what a statement is, is asked of DuckDB itself,
 * and whatever is not captured here is refused.
 */
import { StatementType } from '@duckdb/node-api';
import type { InsertQueryNode, OperationNode, RootOperationNode, ValuesNode } from '#packages/kysely';
import { AppError } from '../../errors.ts';
import type { Row } from '../../schema/values.ts';
import type { TableName, TableShape } from '../../sync/catalog.ts';
import type { DdlChange, RowChange } from '../../sync/record.ts';

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

/** The change that the rows returned by the statement make. */
export function captureRows(write: RowWrite, shape: TableShape, rows: readonly Row[]): RowChange | null {
  if (rows.length === 0) return null;
  const { schema, table } = write.table;
  const name = schema === 'main' ? { table } : { schema, table };
  if (write.kind === 'delete') {
    return {
      ...name,
      delete: rows.map((row) => Object.fromEntries(shape.key.map(({ name: key }) => [key, row[key] ?? null]))),
    };
  }
  return write.fresh ? { ...name, put: rows, fresh: true } : { ...name, put: rows };
}

/** A key names a row for ever: changing it would be a delete and an insert that no image shows. */
export function requireKeyKept(write: RowWrite, shape: TableShape): void {
  const changed = shape.key.find(({ name }) => write.updates.includes(name));
  if (!changed) return;
  throw new AppError('invalid', `The primary key of ${shape.table} (${changed.name}) cannot be updated.`, {
    hint: 'Delete the row and insert a new one.',
  });
}

/** What a write may run besides captured changes. */
export function isReadOnly(type: StatementType): boolean {
  return type === StatementType.SELECT || type === StatementType.EXPLAIN;
}

const ddlTypes: ReadonlySet<StatementType> = new Set([StatementType.CREATE, StatementType.ALTER, StatementType.DROP]);

/**
 * The change that a DDL statement makes. Its text is replayed, so it must mean the same everywhere and at any time:
 * no rows by way of DDL, no sequence, no value that is made up while it runs.
 */
export function captureDdl(type: StatementType, sql: string, volatile: ReadonlySet<string>): DdlChange {
  if (!ddlTypes.has(type)) throw refuse('Only CREATE, ALTER and DROP can be replayed.');
  const words = sql.replaceAll(/'(?:[^']|'')*'/g, "''").replaceAll(/--.*$|\/\*[\s\S]*?\*\//gm, ' ');
  if (/^\s*CREATE\b.*\bTABLE\b[^(]*\bAS\b/is.test(words))
    throw refuse('CREATE TABLE … AS writes rows that no image shows.');
  if (/^\s*(?:CREATE|ALTER|DROP)\s+(?:OR\s+REPLACE\s+)?(?:TEMP(?:ORARY)?\s+)?SEQUENCE\b/i.test(words)) {
    throw refuse('The state of a sequence is not replicated.');
  }
  if (/^\s*CREATE\s+(?:OR\s+REPLACE\s+)?TEMP(?:ORARY)?\b/i.test(words))
    throw refuse('A temporary object is not replicated.');
  if (/^\s*(?:CREATE|DROP)\s+(?:PERSISTENT\s+)?SECRET\b/i.test(words)) throw refuse('A secret is not replicated.');
  const called =
    type === StatementType.ALTER ? [...words.matchAll(/\b(\w+)\s*\(|\b(current_\w+|localtime\w*)\b/gi)] : [];
  const culprit = called.map((match) => (match[1] ?? match[2] ?? '').toLowerCase()).find((word) => volatile.has(word));
  if (culprit !== undefined) throw refuse(`ALTER calls ${culprit}, which gives another value on every replica.`);
  return { ddl: sql };
}

function refuse(reason: string): AppError {
  return new AppError('invalid', `This statement cannot be captured. ${reason}`, {
    hint: 'Write rows with the query builder (insertInto, updateTable, deleteFrom), and DDL in a migration.',
  });
}

export function refuseStatement(type: StatementType): AppError {
  if (type === StatementType.MULTI) return refuse('It is several statements, or DuckDB makes several of it.');
  return refuse(`It is ${StatementType[type]}, run as raw SQL or of a kind that shows no rows.`);
}
