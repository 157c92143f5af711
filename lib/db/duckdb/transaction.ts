/** Queries and SQL inside the engine's transactions: reading ones, and writing ones whose changes are captured. */
import type { StatementResult } from '../../sql/result.ts';
import { knownStatement } from '../../sql/known-statement.ts';
import type { PlainValue, Queries } from '../../values.ts';
import type { Session } from '../../sync/sql.ts';
import { isPlainSelect, makeTextQueries } from '../dialect.ts';
import { Capture, type CaptureOptions } from './capture.ts';
import { runPlainQuery, runQuery } from './run.ts';

/** Runs one statement of SQL. */
export type RunSql = (sql: string, values?: readonly PlainValue[]) => Promise<StatementResult>;

const readers = new WeakMap<Session, Queries>();

/** Queries on a session inside a read-only transaction; made once a session. */
export function readingQueries(session: Session): Queries {
  let queries = readers.get(session);
  if (!queries) {
    queries = makeTextQueries((sql, values) => runPlainQuery(session, sql, values));
    readers.set(session, queries);
  }
  return queries;
}

/** Queries that only read, on a session inside a transaction that could write. `onError`: DuckDB may have given it up. */
export function onlyReadingQueries(session: Session, onError: () => void): Queries {
  const run = readingSql(session, onError);
  return makeTextQueries((sql, values) => run(sql, values as readonly PlainValue[]));
}

/** SQL that only reads. `onError`: DuckDB may have given the transaction up. */
export function readingSql(session: Session, onError: () => void = () => undefined): RunSql {
  return async (sql, values = []) => {
    try {
      return await runQuery(session, knownStatement(sql), values);
    } catch (error) {
      onError();
      throw error;
    }
  };
}

/** What the work of a write gets: queries of Eider's own code, and SQL of anyone's. */
export interface Writing {
  readonly queries: Queries;
  readonly run: RunSql;
  /** SQL of Eider's own, which may write Eider's own tables. */
  readonly runOwn: RunSql;
}

/**
 * Runs `work` in a write transaction and captures what it changes.
 *
 * @example await engine.write((transaction) => runWriting({ transaction, shapes: engine.shapes }, ({ run }) => run(sql)))
 */
export async function runWriting<T>(options: CaptureOptions, work: (writing: Writing) => Promise<T>): Promise<T> {
  const capture = new Capture(options);
  const { session } = options.transaction;
  const queries = makeTextQueries((sql, values, query) =>
    isPlainSelect(query.query)
      ? capture.select(() => runPlainQuery(session, sql, values))
      : capture.run(sql, values, 'own'),
  );
  const value = await work({
    queries,
    run: (sql, values) => capture.run(sql, values),
    runOwn: (sql, values) => capture.run(sql, values, 'own'),
  });
  await capture.finish();
  return value;
}
