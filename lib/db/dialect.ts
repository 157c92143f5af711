/** Kysely inside a transaction that the database opened and will end. */
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
import type { Queries, Row } from '../values.ts';

/** Runs one compiled query on a session. */
export type RunQuery = (query: CompiledQuery) => Promise<QueryResult<Row>>;

/** Kysely over a function that runs compiled queries. */
export function makeQueries(run: RunQuery, compiler = () => new PostgresQueryCompiler()): Queries {
  return new Kysely({ dialect: new SessionDialect(run, compiler) });
}

class SessionDialect implements Dialect {
  readonly #run: RunQuery;
  readonly createQueryCompiler: () => PostgresQueryCompiler;

  constructor(run: RunQuery, compiler: () => PostgresQueryCompiler) {
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

  constructor(run: RunQuery) {
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
    new AppError('invalid', 'These queries run inside a transaction already.', {
      hint: 'Put everything that belongs together into one read or one write.',
    }),
  );
}
