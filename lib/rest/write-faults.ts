/** Violated constraints in PostgreSQL's words, with the values that the request itself brought. */
import type { Relation } from '../catalog/catalog.ts';
import { isAppError } from '../errors.ts';
import { textOf } from '../rows/values.ts';
import type { Row } from '../values.ts';
import { RestError } from './faults.ts';

/** `rows`: what was to be written. Other errors stay as they are. */
export function explainWrite(relation: Relation, rows: readonly Row[], error: unknown): unknown {
  if (!isAppError(error, 'conflict', 'invalid') || error instanceof RestError) return error;
  const { sqlState, constraint, fields = [], hint } = error;
  const [first] = fields;
  const { row, columns } = placeOf(fields.map(({ path }) => path));
  const key = keyText(rows[row], columns);
  const table = constraint?.table ?? relation.name;
  const more = hint === undefined ? {} : { hint };
  switch (sqlState) {
    case '23505': {
      const message = `duplicate key value violates unique constraint "${constraint?.name ?? columns.join('_')}"`;
      return new RestError(sqlState, 409, message, { details: key && `Key ${key} already exists.`, ...more });
    }
    case '23503': {
      const what = error.kind === 'conflict' ? 'update or delete' : 'insert or update';
      const message = `${what} on table "${relation.name}" violates foreign key constraint "${constraint?.name ?? ''}"`;
      return new RestError(sqlState, 409, message, { details: referenceText(key, first?.message) ?? error.message });
    }
    case '23502': {
      const column = columns[0] ?? '';
      const message = `null value in column "${column}" of relation "${relation.name}" violates not-null constraint`;
      return new RestError(sqlState, 400, message, more);
    }
    case '23514': {
      const message = `new row for relation "${table}" violates check constraint "${constraint?.name ?? ''}"`;
      return new RestError(sqlState, 400, message, { details: error.message, ...more });
    }
    default:
      return error;
  }
}

/** `3/email`: the row, and its column. */
function placeOf(paths: readonly string[]): { readonly row: number; readonly columns: readonly string[] } {
  const placed = paths.map((path) => /^(\d+)\/(.*)$/s.exec(path));
  const row = Number(placed[0]?.[1] ?? 0);
  const own = paths.filter((_, index) => Number(placed[index]?.[1] ?? 0) === row);
  return { row, columns: own.map((path) => /^\d+\/(.*)$/s.exec(path)?.[1] ?? path) };
}

/** `(a, b)=(1, x)`; null where the request did not give each of them. */
function keyText(row: Row | undefined, columns: readonly string[]): string | null {
  if (!row || columns.length === 0 || columns.some((column) => (row[column] ?? null) === null)) return null;
  return `(${columns.join(', ')})=(${columns.map((column) => textOf(row[column] ?? null)).join(', ')})`;
}

function referenceText(key: string | null, message = ''): string | null {
  const target = /^names no row of (.*)$/s.exec(message)?.[1];
  if (target !== undefined && key !== null) return `Key ${key} is not present in table "${target}".`;
  const child = /^is still referred to by (.*)\.[^.]*$/s.exec(message)?.[1];
  return child === undefined
    ? null
    : `Key ${key ?? ''} is still referenced from table "${child}".`.replace('Key  ', 'Key ');
}
