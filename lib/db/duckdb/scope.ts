/** The scope of a transaction on DuckDB: its catalog, and SQL as text. */
import type { Catalog } from '../../catalog/catalog.ts';
import { finished, type Runtime } from '../../runtime.ts';
import { knownStatement } from '../../sql/known-statement.ts';
import type { WriteTransaction } from '../../sync/batch.ts';
import type { Definitions } from '../../sync/definitions.ts';
import type { Session } from '../../sync/sql.ts';
import type { PlainValue } from '../../values.ts';
import type { Scope, Untrusted } from '../database.ts';
import type { Catalogs } from './catalogs.ts';
import { runPlainQuery } from './run.ts';
import { readingSql, type RunSql } from './transaction.ts';

export interface ScopeOptions {
  readonly session: Session;
  readonly catalogs: Catalogs;
  /** Of what the transaction sees now. */
  readonly definitions: () => Definitions;
  readonly run: RunSql;
  /** Without it, statements are not stopped. */
  readonly runtime?: Runtime;
}

/** The scope of the open transaction of `session`. */
async function openScope({ session, catalogs, definitions, run, runtime }: ScopeOptions): Promise<Scope> {
  let catalog: Catalog = await catalogs.of(definitions(), session);
  const runFor = async ({ signal }: Untrusted, sql: string, values: readonly PlainValue[]) => {
    const { checkStatement } = await import('./query/judgement.ts');
    await checkStatement(session.connection, catalog, knownStatement(sql), values);
    return runtime ? interruptible(session, { signal, runtime }, () => run(sql, values)) : run(sql, values);
  };
  return {
    get catalog() {
      return catalog;
    },
    run: async (sql, values = [], untrusted) => {
      const result = await (untrusted ? runFor(untrusted, sql, values) : run(sql, values));
      catalog = await catalogs.of(definitions(), session);
      return result;
    },
  };
}

/** The scope of a transaction that only reads. */
export async function readingScope(session: Session, definitions: Definitions, catalogs: Catalogs): Promise<Scope> {
  const scope = await openScope({
    session,
    catalogs,
    definitions: () => definitions,
    run: readingSql(session),
  });
  // What Eider's own code says by itself is a SELECT, and need not be read to be known.
  return { catalog: scope.catalog, run: scope.run, runAlone: (sql, values) => runPlainQuery(session, sql, values) };
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
export function writingScope(
  transaction: WriteTransaction,
  { catalogs, runtime, run }: Omit<ScopeOptions, 'session' | 'definitions'>,
): Promise<Scope> {
  const definitions = (): Definitions => transaction.definitions;
  return openScope({ session: transaction.session, catalogs, definitions, run, ...(runtime ? { runtime } : {}) });
}

/** How often the interrupt of a statement is repeated: DuckDB forgets one that comes just before it runs. */
const insistMs = 20;

async function interruptible<T>(
  { connection }: Session,
  { signal, runtime }: Untrusted & { readonly runtime: Runtime },
  work: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const ended = new AbortController();
  const insist = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      connection.interrupt();
      await runtime.sleep(insistMs, ended.signal).catch(() => undefined);
    }
  };
  const stop = (): void => void insist();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await work();
  } finally {
    ended.abort(finished);
    signal.removeEventListener('abort', stop);
  }
}
