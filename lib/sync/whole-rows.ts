/**
 * Rows of tables without a key, which are named by all of their values. DuckDB finds values equal that are not: 0 and -0,
 * one month and 30 days, texts of one collation. So such a value is compared as itself and as text, byte by byte.
 */
import type { Shape, ShapeColumn } from './shapes.ts';
import { quoteName, quoteTable, type Session } from './sql.ts';

/**
 * What of a column must be equal. Of two rows that are `near` each other, zeros and NaN may have other signs: a checkpoint of
 * DuckDB 1.5 stores neighbouring 0 and -0 as one value, and JavaScript has one NaN.
 */
function identity(column: ShapeColumn, row: string, isNear: boolean): string[] {
  const value = `${row}.${quoteName(column.name)}`;
  if (column.isExact) return [value];
  const text = `CAST(${value} AS VARCHAR)`;
  const unsigned = `replace(replace(${text}, '-0.0', '0.0'), '-nan', 'nan')`;
  return [value, `encode(${isNear && holdsFloats(column) ? unsigned : text})`];
}

function holdsFloats({ type }: ShapeColumn): boolean {
  return /FLOAT|DOUBLE/.test(type.toString());
}

function identities(shape: Shape, row: string, isNear = false): string {
  return shape.columns.flatMap((column) => identity(column, row, isNear)).join(', ');
}

function same(shape: Shape, one: string, other: string, isNear = false): string {
  return shape.columns
    .flatMap((column) => {
      const theirs = identity(column, other, isNear);
      return identity(column, one, isNear).map((value, index) => `${value} IS NOT DISTINCT FROM ${theirs[index]}`);
    })
    .join(' AND ');
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

/**
 * Takes away one row of the table for each row of the table `removed`, which has the same columns: an equal one, or, where a
 * checkpoint has changed the sign of a zero, one that is near it.
 */
export async function removeWholeRows(session: Session, shape: Shape, removed: string): Promise<void> {
  const groups = (isNear: boolean): string =>
    `(SELECT min(r.rowid) AS eider_row, count(*) AS eider_count FROM ${removed} AS r
      GROUP BY ${identities(shape, 'r', isNear)})`;
  const hasNear = shape.columns.some((column) => !column.isExact && holdsFloats(column));
  const isEqual = 'row_number() OVER (PARTITION BY tg.eider_row ORDER BY t.rowid) <= tg.eider_count';
  const equals = `LEFT JOIN (${removed} AS w JOIN ${groups(false)} AS tg ON tg.eider_row = w.rowid)
    ON ${same(shape, 't', 'w')}`;
  await session.execute(
    `DELETE FROM ${quoteTable(shape)} WHERE rowid IN (
      SELECT unnest(list(c.eider_at ORDER BY c.eider_is_equal DESC, c.eider_at)[1:any_value(c.eider_count)])
      FROM (SELECT t.rowid AS eider_at, g.eider_row, g.eider_count,
          ${hasNear ? `coalesce(${isEqual}, false)` : 'true'} AS eider_is_equal
        FROM ${quoteTable(shape)} AS t
        JOIN ${removed} AS k ON ${same(shape, 't', 'k', true)}
        JOIN ${groups(true)} AS g ON g.eider_row = k.rowid
        ${hasNear ? equals : ''}) AS c
      GROUP BY c.eider_row)`,
  );
}
