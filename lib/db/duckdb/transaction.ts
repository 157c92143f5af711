/**
 * Queries inside the engine's transactions: reading ones, and writing ones whose changes are captured.
 *
 * Owns: running a compiled query in either, and answering it as Kysely expects. What may run and what is captured is
 * decided in capture.ts.
 */
import { type DuckDBMaterializedResult, StatementType } from '@duckdb/node-api';
import type { CompiledQuery, QueryResult, ReturningNode } from '#packages/kysely';
import { AppError } from '../../errors.ts';
import type { Queries, Row } from '../../values.ts';
import type { Catalog, TableShape } from '../../sync/catalog.ts';
import type { WriteTransaction } from '../../sync/batch.ts';
import type { Session } from '../../sync/sql.ts';
import { captureDdl, captureRows, isReadOnly, refuseStatement } from './capture.ts';
import { describeWrite, requireKeyKept, type RowWrite } from '../row-write.ts';
import { makeDuckDbQueries, plainRows, runQuery } from './dialect.ts';
import { mapDuckDbError } from './errors.ts';

const readers = new WeakMap<Session, Queries>();

/** Queries on a session inside a read-only transaction; made once a session. */
export function readingQueries(session: Session): Queries {
  let queries = readers.get(session);
  if (!queries) {
    queries = makeDuckDbQueries(async (query) => ({ rows: plainRows(await runQuery(session, query)) }));
    readers.set(session, queries);
  }
  return queries;
}

/** Queries that only read, on a session inside a transaction that could write. `onError`: DuckDB may have given it up. */
export function onlyReadingQueries(session: Session, onError: () => void): Queries {
  return makeDuckDbQueries(async (query) => {
    try {
      if (!isPlainSelect(query.query)) {
        const type = await statementType(session, query.sql);
        if (!isReadOnly(type)) throw refuseStatement(type);
      }
      return { rows: plainRows(await runQuery(session, query)) };
    } catch (error) {
      onError();
      throw error;
    }
  });
}

export interface WritingOptions {
  readonly transaction: WriteTransaction;
  readonly catalog: Catalog;
  /** Present in a migration: DDL is allowed, unless it calls one of these functions. */
  readonly ddl?: { readonly volatileFunctions: ReadonlySet<string> };
}

/** Queries on the writing session, whose changes go into the record. */
export function writingQueries(options: WritingOptions): Queries {
  return makeDuckDbQueries(async (query) => {
    try {
      return await runWriting(options, query);
    } catch (error) {
      options.transaction.spoil(error);
      throw error;
    }
  });
}

async function runWriting(options: WritingOptions, query: CompiledQuery): Promise<QueryResult<Row>> {
  const { session } = options.transaction;
  const write = describeWrite(query.query);
  if (write) return runRowWrite(options, query, write);
  if (isPlainSelect(query.query)) return { rows: plainRows(await runQuery(session, query)) };
  const type = await statementType(session, query.sql);
  if (isReadOnly(type)) return { rows: plainRows(await runQuery(session, query)) };
  if (!options.ddl) throw refuseStatement(type);
  const change = captureDdl(type, query.sql, options.ddl.volatileFunctions);
  await runQuery(session, query);
  options.catalog.forget();
  options.transaction.capture(change);
  return { rows: [] };
}

/** What Kysely built as a SELECT, without a WITH that could hold something else, need not be prepared to be known. */
function isPlainSelect(node: CompiledQuery['query']): boolean {
  return node.kind === 'SelectQueryNode' && node.with === undefined;
}

/** What DuckDB takes the text for. It makes several statements of one that fills a new column row by row. */
async function statementType(session: Session, sql: string): Promise<StatementType> {
  try {
    return await session.withStatement(sql, (statement) => Promise.resolve(statement.statementType));
  } catch (error) {
    if (String(error).includes('multiple statements')) throw refuseStatement(StatementType.MULTI);
    throw mapDuckDbError(error);
  }
}

async function runRowWrite(options: WritingOptions, query: CompiledQuery, write: RowWrite): Promise<QueryResult<Row>> {
  const shape = await options.catalog.shape(write.table);
  requireKeyKept(write, shape);
  const result = await runQuery(options.transaction.session, query, write.readsNothing);
  const rows = plainRows(result);
  requireWholeRows(shape, result);
  const change = captureRows(write, shape, rows);
  if (change) options.transaction.capture(change);
  return { rows: answerRows(query, rows), numAffectedRows: BigInt(rows.length) };
}

function requireWholeRows(shape: TableShape, result: DuckDBMaterializedResult): void {
  const names = result.columnNames();
  if (names.length === shape.columns.length && shape.columns.every(({ name }, index) => names[index] === name)) return;
  throw new AppError('invalid', `The statement on ${shape.table} does not return whole rows and cannot be captured.`);
}

/** What the caller asked to have returned: nothing, everything, or some columns. */
function answerRows(query: CompiledQuery, rows: Row[]): Row[] {
  const returning = (query.query as { readonly returning?: ReturningNode }).returning;
  if (!returning) return [];
  const columns = returning.selections.map(({ selection }) => selectedColumn(selection));
  if (columns.includes('*')) return rows;
  return rows.map((row) => Object.fromEntries(columns.map((column) => [column, row[column] ?? null])));
}

function selectedColumn(selection: ReturningNode['selections'][number]['selection']): string {
  if (selection.kind === 'SelectAllNode') return '*';
  if (selection.kind === 'ReferenceNode') {
    return selection.column.kind === 'SelectAllNode' ? '*' : selection.column.column.name;
  }
  if (selection.kind === 'ColumnNode') return (selection as unknown as { column: { name: string } }).column.name;
  throw new AppError('invalid', 'RETURNING can name columns only.', { hint: 'Compute the rest from the row.' });
}
