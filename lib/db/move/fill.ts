/**
 * Making tables of a DuckDB session into those of a PostgreSQL database, and filling them.
 *
 * Owns: whose definition counts. Tables that migrations made keep the one that they have on DuckDB; all others are made as
 * they are on PostgreSQL. The worst that can happen: a column that one of them has alone and that is lost; so such tables
 * are refused.
 */
import { AppError } from '../../errors.ts';
import { quoteTable, type Session } from '../../sync/sql.ts';
import type { RowSum } from './checksum.ts';
import { describeTable } from './duckdb-inventory.ts';
import { appendDuckDbRows } from './duckdb-rows.ts';
import { duckDbDefinition } from './postgres-inventory.ts';
import { readPostgresRows } from './postgres-rows.ts';
import type { PostgresSession } from './postgres-session.ts';
import { type MovedTable, type PlainRow, tableTitle } from './tables.ts';

export interface Filling {
  readonly postgres: PostgresSession;
  /** Where the inventory of PostgreSQL made its tables. */
  readonly scratch: Session;
  /** Names of the tables that migrations make. */
  readonly ownTables: ReadonlySet<string>;
}

/** Empties or makes the table; answers it as it is now. Within the session's transaction, if there is one. */
export async function makeEmptyTable(session: Session, table: MovedTable, filling: Filling): Promise<MovedTable> {
  const there = await definitionOf(session, table);
  const isOwn = there !== null && (table.schema === 'eider' || filling.ownTables.has(table.name));
  const quoted = quoteTable({ schema: table.schema, table: table.name });
  const definition = isOwn ? there : await duckDbDefinition(filling.postgres, filling.scratch, table);
  // Made anew rather than emptied: a million deleted rows would have to be carried through the transaction.
  await session.execute(`DROP TABLE IF EXISTS ${quoted}; ${definition}`);
  const made = await describeTable(session, table, []);
  requireSameColumns(table, made);
  return { ...made, rows: table.rows };
}

/** DDL of a table and its indexes as they are; null when there is none. */
async function definitionOf(session: Session, { schema, name }: MovedTable): Promise<string | null> {
  const rows = await session.rows(
    `SELECT sql FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2
    UNION ALL SELECT sql FROM duckdb_indexes() WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2`,
    [schema, name],
  );
  return rows.length === 0 ? null : rows.map(([sql]) => String(sql)).join(' ');
}

function requireSameColumns(source: MovedTable, target: MovedTable): void {
  const [there, here] = [source, target].map(({ columns }) =>
    columns
      .map(({ name }) => name)
      .toSorted()
      .join(', '),
  );
  if (there === here) return;
  throw new AppError(
    'invalid',
    `The table ${tableTitle(source)} has the columns ${there} at the source, and ${here} here.`,
    {
      hint: 'Both have to be served by the same version of this program, which runs its migrations on them.',
    },
  );
}

export interface TableFilling {
  /** As it is on DuckDB. */
  readonly table: MovedTable;
  /** As SQL names it on PostgreSQL. */
  readonly quoted: string;
  readonly sum: RowSum;
  /** The last key that is there; undefined: read in any order. */
  readonly after?: PlainRow | null;
  /** After each batch. */
  readonly onRows: (rows: readonly PlainRow[]) => Promise<void> | void;
}

/** Appends all rows of the table on PostgreSQL, or those after a key. */
export async function fillTable(session: Session, postgres: PostgresSession, filling: TableFilling): Promise<void> {
  const { table, quoted, sum, after, onRows } = filling;
  const order = after === undefined ? null : { after };
  try {
    for await (const rows of readPostgresRows(postgres, table, quoted, order)) {
      await appendDuckDbRows(session, table, rows);
      for (const row of rows) sum.add(row);
      await onRows(rows);
    }
  } catch (error) {
    throw beyondDuckDb(table, error);
  }
}

function beyondDuckDb(table: MovedTable, error: unknown): unknown {
  if (error instanceof AppError || !(error instanceof SyntaxError || error instanceof RangeError)) return error;
  return new AppError('invalid', `The table ${tableTitle(table)} holds a value that DuckDB does not have.`, {
    cause: error,
  });
}
