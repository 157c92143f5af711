/**
 * Unique indexes and keys that are made in a transaction in which rows came. DuckDB 1.5 does not hold those rows against them,
 * and then fails to COMMIT, when the record is in the log and no replica can follow it any more. So they are held here.
 */
import { AppError } from '../../errors.ts';
import { mapDuckDbError } from './errors.ts';
import type { Definition } from '../../sql/definition.ts';
import type { Statement } from '../../sql/statement.ts';
import { tokensOf } from '../../sql/tokens.ts';
import type { TableName } from '../../sync/shapes.ts';
import { quoteName, quoteTable, type Session } from '../../sync/sql.ts';

/** Whether the statement makes a table's rows unique that was not made by it. */
export function makesUnique({ tokens }: Statement, { action, object, onTable }: Definition): boolean {
  const words = tokens.map(({ keyword }) => keyword);
  if (onTable !== null) return words.includes('UNIQUE');
  return action === 'ALTER' && object === 'TABLE' && words.includes('PRIMARY');
}

/** @throws AppError `conflict` for two rows that are the same; `invalid` for a key that is null */
export async function checkUnique(session: Session, name: TableName): Promise<void> {
  const table = quoteTable(name);
  const inTable =
    'database_name = current_database() AND lower(schema_name) = lower($1) AND lower(table_name) = lower($2)';
  const indexes = await session.rows(`SELECT sql FROM duckdb_indexes() WHERE is_unique AND ${inTable}`, [
    name.schema,
    name.table,
  ]);
  const keys = await session.rows(
    `SELECT to_json(constraint_column_names) FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY' AND ${inTable}`,
    [name.schema, name.table],
  );
  for (const [columns] of keys) {
    const names = (JSON.parse(String(columns)) as string[]).map(quoteName);
    await requireNoNull(session, name, names);
    await holdAgainst(session, table, names.join(', '));
  }
  for (const [sql] of indexes) await holdAgainst(session, table, expressionsOf(String(sql)));
}

async function requireNoNull(session: Session, name: TableName, columns: readonly string[]): Promise<void> {
  const isNull = columns.map((column) => `${column} IS NULL`).join(' OR ');
  const [found] = await session.rows(`SELECT 1 FROM ${quoteTable(name)} WHERE ${isNull} LIMIT 1`);
  if (found) throw new AppError('invalid', `A row of ${name.table} has null in its key.`, { sqlState: '23502' });
}

/** `a, lower(b)` of `CREATE UNIQUE INDEX i ON t(a, lower(b));` */
function expressionsOf(sql: string): string {
  const first = tokensOf(sql).find(({ kind, text }) => kind === 'symbol' && text === '(');
  return sql.slice((first?.start ?? 0) + 1, sql.lastIndexOf(')'));
}

/** Rows that come into a table that has the index are compared at once. */
async function holdAgainst(session: Session, table: string, expressions: string): Promise<void> {
  const held = `CREATE OR REPLACE TEMP TABLE eider_unique AS FROM ${table} LIMIT 0;
    CREATE UNIQUE INDEX eider_unique_index ON temp.main.eider_unique (${expressions});
    INSERT INTO temp.main.eider_unique FROM ${table};
    DROP TABLE temp.main.eider_unique`;
  await session.execute(held).catch((error: unknown) => {
    throw mapDuckDbError(error);
  });
}
