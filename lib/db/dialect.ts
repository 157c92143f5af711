/** Kysely on one session of a database. It refuses to begin transactions: those belong to the database. */
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely';
import { AppError } from '../errors.ts';
import { rowsOf, type StatementResult } from '../sql/result.ts';
import type { Queries, Row } from '../values.ts';

/** Runs one compiled query on a session. */
export type DialectQuery = (query: CompiledQuery) => Promise<QueryResult<Row>>;

/** Kysely over a function that runs compiled queries. */
export function makeQueries(run: DialectQuery, compiler?: () => PostgresQueryCompiler): Queries {
  return new Kysely({ dialect: new SessionDialect(run, compiler) });
}

/** Runs the text of a query with its values. */
export type RunText = (sql: string, values: readonly unknown[], query: CompiledQuery) => Promise<StatementResult>;

const rowCommands: ReadonlySet<string> = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE', 'TRUNCATE']);

/** Kysely over a function that runs statements as text. */
export function makeTextQueries(run: RunText): Queries {
  return makeQueries(async (query) => {
    const result = await run(query.sql, query.parameters, query);
    return kyselyResult(result, rowsOf(result));
  });
}

export function kyselyResult(
  { command, rowCount }: Pick<StatementResult, 'command' | 'rowCount'>,
  rows: Row[],
): QueryResult<Row> {
  return rowCommands.has(command) ? { rows, numAffectedRows: BigInt(rowCount ?? 0) } : { rows };
}

/** What Kysely built as a SELECT, without a WITH that could hold something else, need not be read to be known. */
export function isPlainSelect(node: CompiledQuery['query']): boolean {
  return node.kind === 'SelectQueryNode' && node.with === undefined;
}

export class SessionDialect implements Dialect {
  readonly #run: DialectQuery;
  readonly createQueryCompiler: () => PostgresQueryCompiler;

  constructor(run: DialectQuery, compiler = () => new PostgresQueryCompiler()) {
    this.#run = run;
    this.createQueryCompiler = compiler;
  }

  createDriver(): Driver {
    return new SessionDriver(this.#run);
  }

  createAdapter(): PostgresAdapter {
    return new PostgresAdapter();
  }

  createIntrospector(db: Kysely<unknown>): PostgresIntrospector {
    return new PostgresIntrospector(db);
  }
}

class SessionDriver implements Driver {
  readonly #connection: DatabaseConnection;

  constructor(run: DialectQuery) {
    this.#connection = {
      executeQuery: <R>(query: CompiledQuery) => run(query) as Promise<QueryResult<R>>,
      streamQuery: () => {
        throw new AppError('invalid', 'Streaming is not supported here.', { hint: 'Read pages, or export the table.' });
      },
    };
  }

  init(): Promise<void> {
    return Promise.resolve();
  }

  acquireConnection(): Promise<DatabaseConnection> {
    return Promise.resolve(this.#connection);
  }

  beginTransaction(): Promise<void> {
    return refuseTransaction();
  }

  commitTransaction(): Promise<void> {
    return refuseTransaction();
  }

  rollbackTransaction(): Promise<void> {
    return refuseTransaction();
  }

  releaseConnection(): Promise<void> {
    return Promise.resolve();
  }

  destroy(): Promise<void> {
    return Promise.resolve();
  }
}

function refuseTransaction(): Promise<void> {
  return Promise.reject(
    new AppError('invalid', 'Kysely cannot begin a transaction here.', {
      hint: 'Use `transaction` of the database; transactions cannot be nested.',
    }),
  );
}
