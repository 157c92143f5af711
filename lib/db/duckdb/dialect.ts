/**
 * Kysely on one DuckDB session: PostgreSQL's SQL, run as text like all other.
 *
 * Owns: answering a compiled query as Kysely expects.
 */
import type { DuckDBMaterializedResult } from '@duckdb/node-api';
import type { CompiledQuery, QueryResult } from 'kysely';
import type { StatementResult } from '../../sql/result.ts';
import type { Queries, Row } from '../../values.ts';
import { makeQueries } from '../dialect.ts';
import { readResult } from './run.ts';

/** Runs the text of a query with its values. */
export type RunText = (sql: string, values: readonly unknown[], query: CompiledQuery) => Promise<StatementResult>;

/** Kysely over a function that runs statements. */
export function makeDuckDbQueries(run: RunText): Queries {
  return makeQueries(async (query) => answerOf(await run(query.sql, query.parameters, query)));
}

const rowCommands: ReadonlySet<string> = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE', 'TRUNCATE']);

function answerOf(result: StatementResult): QueryResult<Row> {
  const rows = rowsOf(result);
  return rowCommands.has(result.command) ? { rows, numAffectedRows: BigInt(result.rowCount ?? 0) } : { rows };
}

function rowsOf({ columns, rows }: Pick<StatementResult, 'columns' | 'rows'>): Row[] {
  return rows.map((values) => {
    const row: Row = {};
    for (const [index, { name }] of columns.entries()) row[name] = values[index] ?? null;
    return row;
  });
}

/** A result's rows as plain values by name. */
export function plainRows(result: DuckDBMaterializedResult): Row[] {
  return rowsOf(readResult(result));
}
