/**
 * Rows of tables without a key, which are named by all of their values: which came and which went, and taking some away.
 *
 * Owns: when two rows are the same. DuckDB finds values equal that are not: 0 and -0, one month and 30 days, texts of one
 * collation. So such a value is compared as itself and as text, byte by byte. The worst that can happen: a row taken for
 * another, on one replica.
 */
import type { Shape, ShapeColumn } from './shapes.ts';
import { quoteName, quoteTable, type Session } from './sql.ts';

/** What of a column must be equal. */
function identity(column: ShapeColumn, row: string): string[] {
  const value = `${row}.${quoteName(column.name)}`;
  return column.isExact ? [value] : [value, `encode(CAST(${value} AS VARCHAR))`];
}

function identities(shape: Shape, row: string): string {
  return shape.columns.flatMap((column) => identity(column, row)).join(', ');
}

function names(columns: readonly ShapeColumn[], row?: string): string {
  return columns.map(({ name }) => (row === undefined ? quoteName(name) : `${row}.${quoteName(name)}`)).join(', ');
}

/**
 * SQL for the rows that differ between the table `before` and the table now: their values, and how many more there are, or
 * fewer. Nothing here sorts or aggregates values: DuckDB 1.5 makes 0 of -0 when it does.
 */
export function rowDifference(shape: Shape, before: string): string {
  const columns = names(shape.columns);
  const differing = `SELECT sum(r.eider_more)::INTEGER AS eider_more,
      min(r.eider_row) FILTER (r.eider_more > 0) AS eider_now, min(r.eider_row) FILTER (r.eider_more < 0) AS eider_then
    FROM (SELECT ${columns}, rowid AS eider_row, 1 AS eider_more FROM ${quoteTable(shape)}
      UNION ALL SELECT ${columns}, rowid, -1 FROM ${before}) AS r
    GROUP BY ${identities(shape, 'r')} HAVING sum(r.eider_more) <> 0`;
  const values = `SELECT ${names(shape.columns, 't')}, d.eider_more FROM`;
  return `WITH d AS MATERIALIZED (${differing})
    ${values} ${quoteTable(shape)} AS t JOIN d ON t.rowid = d.eider_now WHERE d.eider_more > 0
    UNION ALL ${values} ${before} AS t JOIN d ON t.rowid = d.eider_then WHERE d.eider_more < 0`;
}

/** Takes away one row of the table for each row of the table `removed`, which has the same columns. */
export async function removeWholeRows(session: Session, shape: Shape, removed: string): Promise<void> {
  const same = shape.columns
    .flatMap((column) => {
      const theirs = identity(column, 'k');
      return identity(column, 't').map((value, index) => `${value} IS NOT DISTINCT FROM ${theirs[index]}`);
    })
    .join(' AND ');
  await session.execute(
    `DELETE FROM ${quoteTable(shape)} WHERE rowid IN (
      SELECT unnest(list_sort(list(t.rowid))[1:any_value(d.eider_count)])
      FROM (SELECT min(r.rowid) AS eider_row, count(*) AS eider_count
        FROM ${removed} AS r GROUP BY ${identities(shape, 'r')}) AS d
      JOIN ${removed} AS k ON k.rowid = d.eider_row
      JOIN ${quoteTable(shape)} AS t ON ${same}
      GROUP BY d.eider_row)`,
  );
}
