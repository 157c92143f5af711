/**
 * The process in which queries of users run, one at a time: what they take and break is taken and broken here.
 *
 * It is started by sandbox.ts, with an empty environment and limits of the operating system.
 */
import { DuckDBInstance, type DuckDBConnection, type DuckDBPreparedStatement, StatementType } from '@duckdb/node-api';
import { copyFile } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { AppError, isAppError } from '../../../errors.ts';
import type { PlainValue } from '../../../values.ts';
import type { QueryRequest, QueryResult } from '../../database.ts';
import { explaining } from '../../../sql/explain.ts';
import { duckDbOptions } from '../../../sync/duckdb-options.ts';
import { bindValues } from '../bind.ts';
import { mapDuckDbError } from '../errors.ts';
import type { Relations } from './grammar.ts';
import { checkQuery, readRelations } from './judgement.ts';
import type { QueryOrder, QueryReply } from './messages.ts';
import { readRows } from './result.ts';

/** This file, or the bundle that it is in: what the process has to load. */
export const moduleUrl = import.meta.url;

/** The last argument of a process for queries. */
export const processMark = 'eider-queries';

// By itself, since in a bundle this file has no exports that anybody could name.
if (process.argv.at(-1) === processMark && process.send) serveQueries();

interface OpenCopy {
  readonly instance: DuckDBInstance;
  readonly connection: DuckDBConnection;
  readonly relations: Relations;
}

/** Serves orders until the server goes away. */
function serveQueries(): void {
  let copy: OpenCopy | null = null;
  // Requests of tables go first.
  setPriority(10);
  // Nothing is lost here, and a query may hold what an orderly end would wait for.
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.on('message', (order: QueryOrder) => {
    if (order.kind === 'stop') return copy?.connection.interrupt();
    const reply = order.kind === 'open' ? openInstead(order) : runQuery(copy, order.request);
    void reply.catch(replyToFailure).then((message) => process.send?.(message));
  });

  async function openInstead(order: Extract<QueryOrder, { kind: 'open' }>): Promise<QueryReply> {
    copy?.connection.closeSync();
    copy?.instance.closeSync();
    copy = null;
    copy = await openCopy(order);
    return { kind: 'opened' };
  }
}

/** The order matters: what comes last forbids what comes before it. */
async function openCopy({ path, spillPath, memoryBytes }: Extract<QueryOrder, { kind: 'open' }>): Promise<OpenCopy> {
  const instance = await DuckDBInstance.create(':memory:', {
    ...duckDbOptions(spillPath),
    memory_limit: `${memoryBytes}B`,
  });
  const connection = await instance.connect();
  await attachCopy(connection, path);
  await connection.run('SET enable_external_access = false');
  await connection.run("SET max_temp_directory_size = '64MB'");
  await connection.run('SET allow_community_extensions = false');
  await connection.run("SET GLOBAL TimeZone = 'UTC'");
  const relations = await readRelations(connection);
  await connection.run('SET lock_configuration = true');
  return { instance, connection, relations };
}

const attach = (file: string, more = ''): string => `ATTACH '${file.replaceAll("'", "''")}' AS replica${more}`;

/** As its main database, DuckDB 1.5.6 would not replay every ALTER from the write-ahead log. */
async function attachCopy(connection: DuckDBConnection, path: string): Promise<void> {
  try {
    await connection.run(attach(path, ' (READ_ONLY)'));
  } catch (error) {
    if (!String(error).includes('replaying WAL')) throw error;
    // An index that was built over rows is built again, into blocks of the file; others may read that one.
    const own = `${path}.own`;
    for (const end of ['', '.wal']) await copyFile(`${path}${end}`, `${own}${end}`);
    await connection.run(`${attach(own)}; CHECKPOINT replica; DETACH replica; ${attach(own, ' (READ_ONLY)')}`);
  }
  await connection.run('USE replica');
}

async function runQuery(copy: OpenCopy | null, request: Omit<QueryRequest, 'timeoutMs'>): Promise<QueryReply> {
  if (!copy) throw new Error('No copy is open.');
  const { connection, relations } = copy;
  await checkQuery(connection, request.sql, relations);
  await connection.run('BEGIN TRANSACTION READ ONLY');
  try {
    return { kind: 'result', result: await runChecked(connection, request) };
  } finally {
    await connection.run('ROLLBACK');
  }
}

async function runChecked(
  connection: DuckDBConnection,
  request: Omit<QueryRequest, 'timeoutMs'>,
): Promise<QueryResult> {
  const statement = await connection.prepare(explaining(request.explain, request.sql));
  try {
    const type = request.explain ? StatementType.EXPLAIN : StatementType.SELECT;
    if (statement.statementType !== type) throw new AppError('invalid', 'A query is one SELECT.');
    bindValues(statement, parameterValues(statement, request.parameters));
    return await readRows(await statement.stream(), request);
  } finally {
    statement.destroySync();
  }
}

function parameterValues(statement: DuckDBPreparedStatement, given: QueryRequest['parameters']): PlainValue[] {
  const names = Array.from({ length: statement.parameterCount }, (_, index) => statement.parameterName(index + 1));
  const values: Readonly<Record<string, PlainValue>> = isList(given)
    ? Object.fromEntries(given.map((value, index) => [String(index + 1), value]))
    : given;
  const missing = names.filter((name) => !Object.hasOwn(values, name));
  const unused = Object.keys(values).filter((name) => !names.includes(name));
  if (missing.length > 0) throw wrongParameters(`The parameters lack ${missing.join(', ')}.`);
  if (unused.length > 0) throw wrongParameters(`The query has no parameter ${unused.join(', ')}.`);
  return names.map((name) => values[name] ?? null);
}

function wrongParameters(message: string): AppError {
  return new AppError('invalid', message, { sqlState: '08P01' });
}

function isList(given: QueryRequest['parameters']): given is readonly PlainValue[] {
  return Array.isArray(given);
}

function replyToFailure(error: unknown): QueryReply {
  const text = error instanceof Error ? error.message : String(error);
  if (/^(?:Error: )?INTERRUPT Error/.test(text)) return { kind: 'stopped' };
  if (/^(?:Error: )?Out of Memory Error|bad_alloc|bad allocation/.test(text)) return { kind: 'too-much-memory' };
  const known = mapDuckDbError(error, { isWritten: true });
  if (!isAppError(known, 'invalid', 'not-found', 'conflict')) return { kind: 'failed', message: text.slice(0, 2000) };
  return { kind: 'invalid', message: known.message.slice(0, 2000), hint: known.hint, sqlState: known.sqlState };
}
