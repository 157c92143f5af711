/**
 * Kysely on one DuckDB session: PostgreSQL's SQL with every INSERT, UPDATE and DELETE returning the rows that it
 * changed, so that they can be captured.
 *
 * Owns: the compiler, and running what it compiled. The worst that can happen is described in capture.ts.
 */
import {
  type CompiledQuery,
  type DeleteQueryNode,
  type InsertQueryNode,
  PostgresQueryCompiler,
  ReturningNode,
  SelectionNode,
  type UpdateQueryNode,
} from '#packages/kysely';
import type { DuckDBMaterializedResult, DuckDBPreparedStatement } from '@duckdb/node-api';
import type { Queries, Row } from '../../values.ts';
import { codecFor, encodeNullable } from '../../sync/codec.ts';
import { resultRows, type Session } from '../../sync/sql.ts';
import { makeQueries, type RunQuery } from '../dialect.ts';
import { bindValues } from './bind.ts';
import { mapDuckDbError } from './errors.ts';

/** Kysely over a function that runs compiled queries; what writing adds is in transaction.ts. */
export function makeDuckDbQueries(run: RunQuery): Queries {
  return makeQueries(run, () => new ReturningCompiler());
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
