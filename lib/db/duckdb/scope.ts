/**
 * The scope of a transaction on DuckDB: its catalog, and SQL as text.
 *
 * Owns: that a read runs nothing but SELECT, and that the catalog follows the statements of its own transaction.
 */
import { type DuckDBMaterializedResult, StatementType } from '@duckdb/node-api';
import type { Catalog } from '../../catalog/catalog.ts';
import { AppError } from '../../errors.ts';
import type { StatementResult } from '../../sql/result.ts';
import type { WriteTransaction } from '../../sync/batch.ts';
import { codecFor, encodeNullable } from '../../sync/codec.ts';
import type { Definitions } from '../../sync/definitions.ts';
import { resultRows, type Session } from '../../sync/sql.ts';
import type { PlainValue } from '../../values.ts';
import type { Scope } from '../database.ts';
import { bindValues } from './bind.ts';
import type { Catalogs } from './catalogs.ts';
import { mapDuckDbError } from './errors.ts';

export type RunStatement = (sql: string, values: readonly PlainValue[]) => Promise<StatementResult>;

export interface ScopeOptions {
  readonly session: Session;
  readonly catalogs: Catalogs;
  /** Of what the transaction sees now. */
  readonly definitions: () => Definitions;
  readonly run: RunStatement;
}

/** The scope of the open transaction of `session`. */
export async function openScope({ session, catalogs, definitions, run }: ScopeOptions): Promise<Scope> {
  let catalog: Catalog = await catalogs.of(definitions(), session);
  return {
    get catalog() {
      return catalog;
    },
    run: async (sql, values = []) => {
      const result = await run(sql, values);
      catalog = await catalogs.of(definitions(), session);
      return result;
    },
  };
}

/** The scope of a transaction that only reads. */
export function readingScope(session: Session, definitions: Definitions, catalogs: Catalogs): Promise<Scope> {
  return openScope({
    session,
    catalogs,
    definitions: () => definitions,
    run: (sql, values) => runSelect(session, sql, values),
  });
}

/** The same inside a transaction that could write. `onError`: DuckDB may have given it up. */
export function onlyReadingScope(
  session: Session,
  definitions: Definitions,
  catalogs: Catalogs,
  onError: () => void,
): Promise<Scope> {
  return openScope({
    session,
    catalogs,
    definitions: () => definitions,
    run: async (sql, values) => {
      try {
        return await runSelect(session, sql, values);
      } catch (error) {
        onError();
        throw error;
      }
    },
  });
}

/** The scope of a transaction whose changes are captured. */
export function writingScope(transaction: WriteTransaction, catalogs: Catalogs): Promise<Scope> {
  return openScope({
    session: transaction.session,
    catalogs,
    definitions: () => transaction.definitions,
    run: async (sql, values) => {
      try {
        return await runSelect(transaction.session, sql, values);
      } catch (error) {
        transaction.spoil(error);
        throw error;
      }
    },
  });
}

/** Runs a SELECT. @throws AppError `invalid` for anything else */
export async function runSelect(
  session: Session,
  sql: string,
  values: readonly PlainValue[] = [],
): Promise<StatementResult> {
  try {
    return await session.withStatement(sql, async (statement) => {
      if (statement.statementType !== StatementType.SELECT) throw refuse();
      bindValues(statement, values);
      return selectResult(await statement.run());
    });
  } catch (error) {
    throw String(error).includes('multiple statements') ? refuse() : mapDuckDbError(error);
  }
}

/** The answer of a statement that returns rows. */
export function selectResult(result: DuckDBMaterializedResult): StatementResult {
  const types = result.columnTypes();
  const codecs = types.map((type) => codecFor(type));
  const rows = resultRows(result).map((row) => codecs.map((codec, at) => encodeNullable(codec, row[at] ?? null)));
  const columns = result.columnNames().map((name, at) => ({ name, type: types[at]!.toString() }));
  return { command: 'SELECT', columns, rows, rowCount: rows.length };
}

function refuse(): AppError {
  return new AppError('invalid', 'Only one SELECT can be run here, since this is a read.', {
    hint: 'Run statements that change something in a write.',
  });
}
