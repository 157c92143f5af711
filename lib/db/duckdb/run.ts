/** Running one statement on a DuckDB session: its parameters in, plain values out, DuckDB's errors as ours. */
import {
  type DuckDBMaterializedResult,
  type DuckDBPreparedStatement,
  type DuckDBType,
  type DuckDBValue,
  DuckDBTypeId,
  StatementType,
} from '@duckdb/node-api';
import { AppError } from '../../errors.ts';
import type { QueryColumn, StatementResult } from '../../sql/result.ts';
import type { Statement } from '../../sql/statement.ts';
import type { PlainValue } from '../../values.ts';
import { type Codec, codecFor, encodeNullable } from '../../sync/codec.ts';
import type { Shape } from '../../sync/shapes.ts';
import { resultRows, type Session } from '../../sync/sql.ts';
import { bindValues } from './bind.ts';
import { mapDuckDbError } from './errors.ts';
import { syntaxError } from './refusals.ts';

export interface Run {
  readonly sql: string;
  readonly values: readonly unknown[];
  /** What DuckDB must take it for; absent: anything, where nothing can be written. */
  readonly types?: readonly StatementType[];
  /** As the user wrote it: what errors are about. */
  readonly original?: string;
  /** It reads no table, so that its plan may be kept. */
  readonly keep?: boolean;
  /** The table that it writes. */
  readonly shape?: Shape;
}

/** Prepares, binds and runs a statement. */
export async function runStatement(session: Session, run: Run): Promise<DuckDBMaterializedResult> {
  const work = (statement: DuckDBPreparedStatement): Promise<DuckDBMaterializedResult> => {
    if (run.types && !run.types.includes(statement.statementType)) throw unexpected(statement.statementType);
    bindValues(statement, run.values);
    return statement.run();
  };
  try {
    return await (run.keep === true ? session.withKeptStatement(run.sql, work) : session.withStatement(run.sql, work));
  } catch (error) {
    throw await explain(session, run, error);
  }
}

/** What is wrong with the words that the user wrote, rather than with what was made of them. */
async function explain(
  session: Session,
  { sql, original = sql, values, shape }: Run,
  error: unknown,
): Promise<unknown> {
  if (original === sql || !/^(?:Parser|Binder|Catalog|Invalid Input) Error/.test(textOf(error))) {
    // What has parameters may be made by a program.
    return mapDuckDbError(error, { shape, isWritten: sql.startsWith(original) && values.length === 0 });
  }
  const theirs = await session.withStatement(original, () => Promise.resolve(null)).catch((again: unknown) => again);
  return mapDuckDbError(theirs ?? error, { shape });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : '';
}

function unexpected(type: StatementType): AppError {
  return new AppError('invalid', `DuckDB reads this as another kind of statement: ${StatementType[type]}.`, {
    sqlState: '0A000',
    hint: 'Put names that are SQL keywords into double quotes.',
  });
}

const queryCommands: ReadonlySet<string> = new Set(
  'SELECT FROM VALUES TABLE ( PIVOT UNPIVOT DESCRIBE DESC SHOW SUMMARIZE EXPLAIN'.split(' '),
);

/** Whether the statement only reads, judged by its words. EXPLAIN ANALYZE runs what it explains. */
export function isQuery({ command, tokens }: Statement): boolean {
  if (!queryCommands.has(command)) return false;
  return command !== 'EXPLAIN' || !(tokens[1]?.keyword === 'ANALYZE' || tokens[1]?.text === '(');
}

/**
 * Runs a statement that only reads.
 *
 * @throws AppError `invalid` for any other
 */
export async function runQuery(
  session: Session,
  statement: Statement,
  values: readonly unknown[],
): Promise<StatementResult> {
  if (!isQuery(statement)) throw (await syntaxError(session, statement)) ?? notAQuery(statement);
  const types = [StatementType.SELECT, StatementType.EXPLAIN];
  const { columns, rows } = readResult(await runStatement(session, { sql: statement.sql, values, types }));
  return { command: statement.command === 'EXPLAIN' ? 'EXPLAIN' : 'SELECT', columns, rows, rowCount: rows.length };
}

/** Runs a SELECT, or any statement in a transaction that cannot write. */
export async function runPlainQuery(
  session: Session,
  sql: string,
  values: readonly unknown[],
): Promise<StatementResult> {
  const { columns, rows } = readResult(await runStatement(session, { sql, values }));
  return { command: 'SELECT', columns, rows, rowCount: rows.length };
}

function notAQuery({ command }: Statement): AppError {
  return new AppError('invalid', `Only SELECT can be run here, since this is a read; this is ${command}.`, {
    sqlState: '25006',
    hint: 'Run the statement in a write.',
  });
}

/** More than any record holds, so that memory ends before the commit refuses it. */
const mostChangedRows = 1_000_000;
const mostChangedCharacters = 64 * 1024 * 1024;

/** The rows that a statement returns, which are what it changed. @throws AppError `invalid` for too much */
export function changedRows(result: DuckDBMaterializedResult): DuckDBValue[][] {
  if (result.rowCount > mostChangedRows) throw tooMuchChanged();
  const rows: DuckDBValue[][] = [];
  let characters = 0;
  for (let index = 0; index < result.chunkCount; index++) {
    const chunk = result.getChunk(index);
    for (let at = 0; at < chunk.rowCount; at++) {
      const row = chunk.getRowValues(at);
      for (const value of row) if (typeof value === 'string') characters += value.length;
      if (characters > mostChangedCharacters) throw tooMuchChanged();
      rows.push(row);
    }
  }
  return rows;
}

function tooMuchChanged(): AppError {
  const most = `${mostChangedRows} rows, or ${mostChangedCharacters / 1024 / 1024} MB of text`;
  return new AppError('invalid', `A statement may change ${most}, at most.`, {
    sqlState: '54000',
    hint: 'Change fewer rows at a time, or import them as a file.',
  });
}

/** The columns of a result from `from` on, with plain values. */
export function readResult(
  result: DuckDBMaterializedResult,
  from = 0,
): Pick<StatementResult, 'rows'> & { readonly columns: readonly QueryColumn[] } {
  const types = result.columnTypes().slice(from);
  const columns = result
    .columnNames()
    .slice(from)
    .map((name, index) => ({ name, type: typeName(types[index]!) }));
  const codecs = types.map(codecOf);
  const rows = resultRows(result).map((values) =>
    codecs.map((codec, index): PlainValue => encodeNullable(codec, values[from + index] ?? null)),
  );
  return { columns, rows };
}

/** A type that no table of ours may hold is shown as DuckDB writes it. */
export function codecOf(type: DuckDBType): Codec {
  try {
    return codecFor(type);
  } catch {
    return { encode: String, decode: () => null };
  }
}

export function typeName(type: DuckDBType): string {
  if (type.alias === 'JSON') return 'JSON';
  return type.typeId === DuckDBTypeId.SQLNULL ? 'NULL' : type.toString();
}
