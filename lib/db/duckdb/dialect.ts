/**
 * Kysely on one DuckDB session: PostgreSQL's SQL with every INSERT, UPDATE and DELETE returning the rows that it
 * changed, so that they can be captured.
 *
 * Owns: the dialect and the driver. Transactions belong to the engine; the driver refuses to begin one. The worst that
 * can happen is described in capture.ts.
 */
import {
  type CompiledQuery,
  type DatabaseConnection,
  type DeleteQueryNode,
  type Dialect,
  type Driver,
  type InsertQueryNode,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  ReturningNode,
  SelectionNode,
  type UpdateQueryNode,
} from '#packages/kysely';
import type { DuckDBMaterializedResult, DuckDBPreparedStatement } from '@duckdb/node-api';
import { AppError } from '../../errors.ts';
import type { Queries, Row } from '../../schema/values.ts';
import { codecFor, encodeNullable } from '../../sync/codec.ts';
import { resultRows, type Session } from '../../sync/sql.ts';
import { bindValues } from './bind.ts';
import { mapDuckDbError } from './errors.ts';

/** Runs one compiled query on a session; what writing adds is in transaction.ts. */
export type RunQuery = (query: CompiledQuery) => Promise<QueryResult<Row>>;

/** Kysely over a function that runs compiled queries. */
export function makeQueries(run: RunQuery): Queries {
  return new Kysely({ dialect: new SessionDialect(run) });
}

/** Prepares, binds and runs a query, with DuckDB's errors mapped to kinds. `keep`: it reads no table. */
export async function runQuery(
  session: Session,
  query: CompiledQuery,
  keep = false,
): Promise<DuckDBMaterializedResult> {
  const run = (statement: DuckDBPreparedStatement): Promise<DuckDBMaterializedResult> => {
    if (query.parameters.length > 0) bindValues(statement, query.parameters);
    return statement.run();
  };
  try {
    return await (keep ? session.withKeptStatement(query.sql, run) : session.withStatement(query.sql, run));
  } catch (error) {
    throw mapDuckDbError(error);
  }
}

/** A result's rows as plain values. */
export function plainRows(result: DuckDBMaterializedResult): Row[] {
  const names = result.columnNames();
  const codecs = result.columnTypes().map((type) => codecFor(type));
  return resultRows(result).map((values) => {
    const row: Row = {};
    for (let index = 0; index < names.length; index++) {
      row[names[index]!] = encodeNullable(codecs[index]!, values[index] ?? null);
    }
    return row;
  });
}

class SessionDialect implements Dialect {
  readonly #run: RunQuery;

  constructor(run: RunQuery) {
    this.#run = run;
  }

  createDriver(): Driver {
    return new SessionDriver(this.#run);
  }

  createQueryCompiler(): PostgresQueryCompiler {
    return new ReturningCompiler();
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

const everything = ReturningNode.create([SelectionNode.createSelectAll()]);

/** Adds RETURNING * to whatever writes; the node that the driver sees keeps what the caller asked for. */
class ReturningCompiler extends PostgresQueryCompiler {
  protected override visitInsertQuery(node: InsertQueryNode): void {
    super.visitInsertQuery({ ...node, returning: everything });
  }

  protected override visitUpdateQuery(node: UpdateQueryNode): void {
    super.visitUpdateQuery({ ...node, returning: everything });
  }

  protected override visitDeleteQuery(node: DeleteQueryNode): void {
    super.visitDeleteQuery({ ...node, returning: everything });
  }
}
