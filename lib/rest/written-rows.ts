/** Rows that a write answers as they came back from it: where columns are all that is asked for, no statement is needed. */
import type { Row } from '../values.ts';
import type { Node } from './plan.ts';
import type { Window } from './read.ts';
import { type ClientRow, toClient } from './values.ts';

/** Whether the answer has columns of the rows, in the order of the rows, and nothing that the database would compute. */
export function isOfColumns({ parts, embeds, order }: Node): boolean {
  return (
    embeds.length === 0 &&
    order.length === 0 &&
    parts.every((part) => {
      if (part.kind !== 'column') return false;
      const { column, path, cast, aggregate, resultCast } = part.expression;
      return column !== null && path.length === 0 && cast === null && aggregate === null && resultCast === null;
    })
  );
}

export function columnsOf({ parts }: Node, rows: readonly Row[], { limit, offset }: Window): ClientRow[] {
  const columns = parts.flatMap((part) => {
    if (part.kind !== 'column' || !part.expression.column) return [];
    return [{ key: part.key, column: part.expression.column }];
  });
  return rows
    .slice(offset, offset + limit)
    .map((row) =>
      Object.fromEntries(columns.map(({ key, column }) => [key, toClient(column.type, row[column.name] ?? null)])),
    );
}
