/**
 * Row images of what a statement changed.
 *
 * Owns: which statements may run inside a write, and what goes into the record for each. The worst that can happen: a
 * change that no record holds, and so no other replica ever sees. So what a statement is, is asked of DuckDB itself,
 * and whatever is not captured here is refused.
 */
import { StatementType } from '@duckdb/node-api';
import { AppError } from '../../errors.ts';
import type { Row } from '../../values.ts';
import type { TableShape } from '../../sync/catalog.ts';
import type { DdlChange, RowChange } from '../../sync/record.ts';
import type { RowWrite } from '../row-write.ts';

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
