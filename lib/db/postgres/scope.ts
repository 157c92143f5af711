/**
 * The scope of a transaction on PostgreSQL: its catalog, and SQL as text.
 *
 * Owns: that nobody's statement ends the transaction that it runs in, and that the catalog follows the statements of its own
 * transaction. The worst that can happen: a COMMIT in the middle of somebody's work.
 */
import { readPostgresCatalog } from '../../catalog/postgres.ts';
import { AppError } from '../../errors.ts';
import type { StatementResult } from '../../sql/result.ts';
import { splitStatements } from '../../sql/tokens.ts';
import type { PlainValue } from '../../values.ts';
import type { Scope } from '../database.ts';
import type { PostgresCatalogs } from './catalogs.ts';
import { requireNoControl } from './queries.ts';
import { typeName } from './query/types.ts';
import type { Transaction } from './transaction.ts';

/** Whatever else a statement does may have changed definitions. */
const rowCommands = /^(?:SELECT|INSERT|UPDATE|DELETE|MERGE|TRUNCATE|SHOW|EXPLAIN)$/;

/** The scope of an open transaction. `onDefinitions` is called when a statement may have changed definitions. */
export async function openScope(
  transaction: Transaction,
  catalogs: PostgresCatalogs,
  onDefinitions?: () => void,
): Promise<Scope> {
  let catalog = await catalogs.of(transaction);
  return {
    get catalog() {
      return catalog;
    },
    run: async (sql, values = []) => {
      const result = await runStatement(transaction, sql, values);
      // CREATE TABLE … AS calls itself a SELECT, but answers no columns.
      const isSelect = result.command === 'SELECT' && result.columns.length > 0;
      if (isSelect || (result.command !== 'SELECT' && rowCommands.test(result.command))) return result;
      catalog = await readPostgresCatalog((text) => transaction.rows(text));
      onDefinitions?.();
      return result;
    },
  };
}

async function runStatement(
  transaction: Transaction,
  sql: string,
  values: readonly PlainValue[],
): Promise<StatementResult> {
  requireOneStatement(sql);
  requireNoControl(sql);
  const { rows, fields, rowCount, command } = await transaction.run({ text: sql, values, rowMode: 'array' });
  return {
    command: command ?? '',
    columns: fields.map((field) => ({ name: field.name, type: typeName(field) })),
    rows: rows as unknown as readonly (readonly PlainValue[])[],
    rowCount,
  };
}

/** Without parameters the drivers would send several as they are, COMMIT among them. */
function requireOneStatement(sql: string): void {
  let count: number;
  try {
    count = splitStatements(sql).length;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new AppError('invalid', `The statement cannot be read: ${cause.message}.`, { cause, sqlState: '42601' });
  }
  if (count !== 1) throw new AppError('invalid', `This is to be one statement, and holds ${count}.`);
}
