/**
 * Row statements and what they changed: INSERT, UPDATE, DELETE, TRUNCATE and MERGE.
 *
 * Each is run so that it returns the rows that it changed. Where these do not tell all (a key that is set, a table
 * without a key), the table before it is compared with the table after it, by DuckDB, in sets.
 */
import { type DuckDBMaterializedResult, type DuckDBValue, StatementType } from '@duckdb/node-api';
import { AppError } from '../../errors.ts';
import type { StatementResult } from '../../sql/result.ts';
import { returningRows, type RowStatement, type Statement, type WholeRows } from '../../sql/statement.ts';
import { encodeNullable } from '../../sync/codec.ts';
import { isAt } from '../../sql/tokens.ts';
import { keyText, type RowChange } from '../../sync/record.ts';
import type { Shape, ShapeColumn } from '../../sync/shapes.ts';
import { quoteName, quoteTable, type Session } from '../../sync/sql.ts';
import { rowDifference } from '../../sync/whole-rows.ts';
import type { Row } from '../../values.ts';
import { changedRows, readResult, runStatement } from './run.ts';

export interface RowRun {
  readonly statement: Statement;
  readonly write: RowStatement;
  readonly values: readonly unknown[];
  /** Of its target. */
  readonly shape: Shape;
  /** Rows that it deletes are wanted whole, not only by their keys. */
  readonly wantsDeleted?: boolean;
}

export interface RowOutcome {
  readonly result: StatementResult;
  /** In the order in which they are to be replayed. */
  readonly changes: readonly RowChange[];
  /** The rows that its one change of the kind `delete` names, whole; absent: not known. */
  readonly deleted?: readonly Row[];
}

const types: Readonly<Record<RowStatement['kind'], StatementType>> = {
  insert: StatementType.INSERT,
  update: StatementType.UPDATE,
  delete: StatementType.DELETE,
  merge: StatementType.MERGE_INTO,
};

/** Runs the statement and finds out what it changed. */
export async function runRowStatement(session: Session, run: RowRun): Promise<RowOutcome> {
  const { statement, write, values, shape } = run;
  requireReturnable(statement, write);
  const whole = returningRows(statement, write);
  const compared = whatToCompare(write, shape);
  if (compared) await keepBefore(session, shape, compared);
  const result = await runStatement(session, {
    sql: whole.sql,
    values,
    types: [types[write.kind]],
    original: statement.sql,
    keep: write.insertsParameters && !compared,
    shape,
  });
  requireWholeRows(shape, result, whole);
  const rows = changedRows(result);
  const changes = compared ? await compare(session, run, { rows, compared }) : changesOf(run, rows);
  const outcome = { result: answerOf(run, result, whole), changes };
  return run.wantsDeleted === true && !compared ? { ...outcome, deleted: deletedRows(run, rows) } : outcome;
}

/** Of rows that no source matches and a MERGE updates, DuckDB 1.5.6 returns wild memory. */
function requireReturnable({ tokens }: Statement, { kind }: RowStatement): void {
  const source = kind === 'merge' ? tokens.findIndex((_, index) => isAt(tokens, index, 'BY', 'SOURCE')) : -1;
  if (source < 0 || !tokens.some((_, index) => index > source && isAt(tokens, index, 'THEN', 'UPDATE'))) return;
  throw new AppError('invalid', 'MERGE … WHEN NOT MATCHED BY SOURCE THEN UPDATE cannot be captured.', {
    sqlState: '0A000',
    hint: 'Update these rows with an UPDATE of their own, in the same transaction.',
  });
}

/** Runs a statement whose changes need not be known. */
export async function runUncaptured(session: Session, run: RowRun): Promise<StatementResult> {
  const { statement, write, values, shape } = run;
  const result = await runStatement(session, { sql: statement.sql, values, types: [types[write.kind]], shape });
  const answer = write.returning ? readResult(result) : { columns: [], rows: [] };
  return { command: statement.command, ...answer, rowCount: write.returning ? result.rowCount : result.rowsChanged };
}

const beforeTable = 'temp.main.eider_before';

/** What has to be read from the table before the statement; null when the returned rows suffice. */
function whatToCompare(write: RowStatement, shape: Shape): readonly ShapeColumn[] | null {
  const changesRows = !write.addsOnly && (write.kind !== 'delete' || write.joins);
  if (shape.key.length === 0) return changesRows ? shape.columns : null;
  const { assigned } = write;
  if (!changesRows || write.kind === 'delete') return null;
  const isSet = ({ name }: ShapeColumn): boolean =>
    assigned === null || assigned.some((column) => column.toLowerCase() === name.toLowerCase());
  return shape.key.some(isSet) ? shape.key : null;
}

async function keepBefore(session: Session, shape: Shape, columns: readonly ShapeColumn[]): Promise<void> {
  const names = columns.map(({ name }) => quoteName(name)).join(', ');
  await session.execute(`CREATE OR REPLACE TEMP TABLE eider_before AS SELECT ${names} FROM ${quoteTable(shape)}`);
}

interface Compared {
  readonly rows: readonly DuckDBValue[][];
  readonly compared: readonly ShapeColumn[];
}

async function compare(session: Session, run: RowRun, { rows, compared }: Compared): Promise<RowChange[]> {
  const changes = rows.length === 0 ? [] : await differences(session, run, { rows, compared });
  await session.execute(`DROP TABLE ${beforeTable}`);
  return changes;
}

async function differences(session: Session, run: RowRun, { rows, compared }: Compared): Promise<RowChange[]> {
  if (run.shape.key.length === 0) return wholeRowChanges(session, run.shape);
  const gone = await keysGone(session, run.shape, compared);
  return [
    ...gone,
    ...imagesOf(
      run,
      rows.filter((row) => !isDeleted(run, row)),
    ),
  ];
}

async function wholeRowChanges(session: Session, shape: Shape): Promise<RowChange[]> {
  const added: Row[] = [];
  const removed: Row[] = [];
  for (const row of await session.rows(rowDifference(shape, beforeTable))) {
    const more = Number(row.at(-1));
    const image = rowOf(shape.columns, row, (_column, index) => index);
    for (let count = Math.abs(more); count > 0; count--) (more > 0 ? added : removed).push(image);
  }
  const name = nameOf(shape);
  return [
    ...(removed.length > 0 ? [{ ...name, remove: removed }] : []),
    ...(added.length > 0 ? [{ ...name, add: added }] : []),
  ];
}

/** All rows of a table that was not there before, as a change. */
export async function addedRows(session: Session, shape: Shape): Promise<RowChange[]> {
  const rows = await session.rows(`SELECT * FROM ${quoteTable(shape)}`);
  if (rows.length === 0) return [];
  const images = rows.map((row) => rowOf(shape.columns, row, ({ at }) => at));
  const name = nameOf(shape);
  return [shape.key.length === 0 ? { ...name, add: images } : { ...name, put: images, fresh: true }];
}

/** The keys that were there and are not any more. */
async function keysGone(session: Session, shape: Shape, key: readonly ShapeColumn[]): Promise<RowChange[]> {
  const names = key.map(({ name }) => `b.${quoteName(name)}`);
  const same = key.map(({ name }) => `t.${quoteName(name)} = b.${quoteName(name)}`).join(' AND ');
  const gone = await session.rows(
    // No subquery: in it, a column `b` of structs would come before the table `b` outside.
    `SELECT ${names.join(', ')} FROM ${beforeTable} AS b ANTI JOIN ${quoteTable(shape)} AS t ON ${same}`,
  );
  if (gone.length === 0) return [];
  return [{ ...nameOf(shape), delete: gone.map((row) => rowOf(key, row, (_column, index) => index)) }];
}

/** The changes of a statement whose returned rows suffice. */
function changesOf(run: RowRun, rows: readonly DuckDBValue[][]): RowChange[] {
  const { shape, write } = run;
  if (rows.length === 0) return [];
  const gone = rows.filter((row) => isDeleted(run, row));
  const there = gone.length === 0 ? rows : rows.filter((row) => !isDeleted(run, row));
  const leading = leadingColumns(write);
  const named = shape.key.length === 0 ? shape.columns : shape.key;
  const removed = gone.map((row) => rowOf(named, row, ({ at }) => at + leading));
  const removal = shape.key.length === 0 ? { remove: removed } : { delete: removed };
  return [...(gone.length > 0 ? [{ ...nameOf(shape), ...removal }] : []), ...imagesOf(run, there)];
}

/** MERGE says first what it did to the row. */
function leadingColumns({ kind }: RowStatement): number {
  return kind === 'merge' ? 1 : 0;
}

function deletedRows(run: RowRun, rows: readonly DuckDBValue[][]): Row[] {
  const leading = leadingColumns(run.write);
  const gone = rows.filter((row) => isDeleted(run, row));
  return gone.map((row) => rowOf(run.shape.columns, row, ({ at }) => at + leading));
}

function isDeleted({ write }: RowRun, row: readonly DuckDBValue[]): boolean {
  return write.kind === 'delete' || (write.kind === 'merge' && row[0] === 'DELETE');
}

/** The change that rows make which are there after the statement. */
function imagesOf({ shape, write }: RowRun, rows: readonly DuckDBValue[][]): RowChange[] {
  if (rows.length === 0) return [];
  const leading = leadingColumns(write);
  const images = rows.map((row) => rowOf(shape.columns, row, ({ at }) => at + leading));
  const name = nameOf(shape);
  if (shape.key.length === 0) return [{ ...name, add: images }];
  if (write.addsOnly) return [{ ...name, put: images, fresh: true }];
  requireOnce(shape, images);
  return [{ ...name, put: images }];
}

/** Of two images of one row it is unknown which is the last. DuckDB 1.5 returns each row of a table with a key once. */
function requireOnce(shape: Shape, images: readonly Row[]): void {
  const keys = new Set(images.map((image) => keyText(shape.key.map(({ name }) => image[name] ?? null))));
  if (keys.size === images.length) return;
  throw new AppError('invalid', `The statement changes a row of ${shape.table} more than once.`, {
    sqlState: '21000',
    hint: 'Join each row of the target with at most one other row.',
  });
}

function rowOf(
  columns: readonly ShapeColumn[],
  values: readonly DuckDBValue[],
  place: (column: ShapeColumn, index: number) => number,
): Row {
  const row: Row = {};
  for (const [index, column] of columns.entries()) {
    row[column.name] = encodeNullable(column.codec, values[place(column, index)] ?? null);
  }
  return row;
}

function nameOf({ schema, table }: Shape): { readonly schema?: string; readonly table: string } {
  return schema === 'main' ? { table } : { schema, table };
}

function requireWholeRows({ table, allNames }: Shape, result: DuckDBMaterializedResult, whole: WholeRows): void {
  const { leading, answer } = whole;
  if (answer === 'rest' && result.columnCount === leading + allNames.length)
    throw new AppError('invalid', 'The list after RETURNING is empty.', { sqlState: '42601' });
  const names = result.columnNames().slice(leading, leading + allNames.length);
  if (names.length === allNames.length && allNames.every((name, index) => names[index] === name)) return;
  throw new AppError('invalid', `The statement on ${table} does not return whole rows and cannot be captured.`, {
    sqlState: '0A000',
  });
}

function answerOf({ statement, shape }: RowRun, result: DuckDBMaterializedResult, whole: WholeRows): StatementResult {
  const { command } = statement;
  const { rowCount } = result;
  if (whole.answer === 'none') return { command, columns: [], rows: [], rowCount };
  const from = whole.answer === 'row' ? 0 : whole.leading + shape.allNames.length;
  return { command, ...readResult(result, from), rowCount };
}
