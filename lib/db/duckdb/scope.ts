/**
 * The scope of a transaction on DuckDB: its catalog, and SQL as text.
 *
 * Owns: that a read runs nothing but SELECT, and that the catalog follows the statements of its own transaction.
 */
import type { Catalog } from '../../catalog/catalog.ts';
import type { WriteTransaction } from '../../sync/batch.ts';
import type { Definitions } from '../../sync/definitions.ts';
import type { Session } from '../../sync/sql.ts';
import type { Scope } from '../database.ts';
import type { Catalogs } from './catalogs.ts';
import { readingSql, type RunSql } from './transaction.ts';

export interface ScopeOptions {
  readonly session: Session;
  readonly catalogs: Catalogs;
  /** Of what the transaction sees now. */
  readonly definitions: () => Definitions;
  readonly run: RunSql;
}

/** The scope of the open transaction of `session`. */
async function openScope({ session, catalogs, definitions, run }: ScopeOptions): Promise<Scope> {
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
    run: readingSql(session),
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
    run: readingSql(session, onError),
  });
}

/** The scope of a transaction whose changes are captured, by `run`. */
export function writingScope(transaction: WriteTransaction, catalogs: Catalogs, run: RunSql): Promise<Scope> {
  return openScope({ session: transaction.session, catalogs, definitions: () => transaction.definitions, run });
}
