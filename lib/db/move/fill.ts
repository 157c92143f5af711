/**
 * Filling the tables of a DuckDB session with the rows of a PostgreSQL database.
 */
import { AppError } from '../../errors.ts';
import type { Session } from '../../sync/sql.ts';
import type { RowSum } from './checksum.ts';
import { appendDuckDbRows, quotedOnDuckDb } from './duckdb-rows.ts';
import { readPostgresRows } from './postgres-rows.ts';
import type { PostgresSession } from './postgres-session.ts';
import { type DuckDbDefinitions, remakeOnDuckDb } from './onto-duckdb.ts';
import type { MovedTable, PlainRow } from './tables.ts';

/** Makes everything anew, as PostgreSQL has it, and without rows. Within the session's transaction, if there is one. */
export async function makeEmpty(
  session: Session,
  postgres: PostgresSession,
  tables: readonly MovedTable[],
  definitions: DuckDbDefinitions,
): Promise<void> {
  await remakeOnDuckDb(session, definitions);
  for (const table of tables.filter(({ duckdb }) => duckdb.schema === 'eider')) {
    await session.execute(`DELETE FROM ${quotedOnDuckDb(table)}`);
  }
  for (const { name, at } of await postgres.rows(
    `SELECT name, at::text AS at FROM eider.migrations WHERE name NOT LIKE 'eider.%'`,
  )) {
    await session.run('INSERT OR IGNORE INTO eider.migrations (name, "at") VALUES ($1, $2::TIMESTAMPTZ)', [name!, at!]);
  }
}

export interface TableFilling {
  readonly table: MovedTable;
  readonly sum: RowSum;
  /** The last key that is there; undefined: read in any order. */
  readonly after?: PlainRow | null;
  /** After each batch. */
  readonly onRows: (rows: readonly PlainRow[]) => Promise<void> | void;
}

/** Appends all rows of the table on PostgreSQL, or those after a key. */
export async function fillTable(session: Session, postgres: PostgresSession, filling: TableFilling): Promise<void> {
  const { table, sum, after, onRows } = filling;
  const order = after === undefined ? null : { after };
  try {
    for await (const rows of readPostgresRows(postgres, table, order)) {
      await appendDuckDbRows(session, table, rows);
      for (const row of rows) sum.add(row);
      await onRows(rows);
    }
  } catch (error) {
    throw beyondDuckDb(table, error);
  }
}

function beyondDuckDb({ title }: MovedTable, error: unknown): unknown {
  if (error instanceof AppError || !isAboutValues(error)) return error;
  return new AppError('invalid', `The table ${title} holds a value that DuckDB does not have.`, { cause: error });
}

/** Of the forms of values, or of DuckDB. */
function isAboutValues(error: unknown): boolean {
  if (error instanceof SyntaxError || error instanceof RangeError) return true;
  return error instanceof Error && /^(?:Error: )?(?:Constraint|Conversion|Out of Range) Error/.test(error.message);
}
