/**
 * The process in which queries of users run, one at a time: what they take and break is taken and broken here.
 *
 * Owns: opening the copy of the database without any right beyond reading it, running a query that passed the check of
 * grammar.ts, cutting its rows off. It is started by sandbox.ts, with an empty environment and limits of the operating
 * system. The worst that can happen: it dies; the server starts another.
 */
import { DuckDBInstance, type DuckDBConnection, type DuckDBPreparedStatement, StatementType } from '@duckdb/node-api';
import { setPriority } from 'node:os';
import { AppError } from '../../../errors.ts';
import type { PlainValue } from '../../../values.ts';
import type { QueryRequest, QueryResult } from '../../database.ts';
import { duckDbOptions } from '../../../sync/duckdb-options.ts';
import { bindValues } from '../bind.ts';
import { checkTree, type Relations } from './grammar.ts';
import type { Order, Reply } from './messages.ts';
import { readRows } from './result.ts';

/** Where this file is, or what it became a part of: what the process has to load. */
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
  process.on('message', (order: Order) => {
    if (order.kind === 'stop') return copy?.connection.interrupt();
    const reply = order.kind === 'open' ? openInstead(order) : runQuery(copy, order.request);
    void reply.catch(replyToFailure).then((message) => process.send?.(message));
  });

  async function openInstead(order: Extract<Order, { kind: 'open' }>): Promise<Reply> {
    copy?.connection.closeSync();
    copy?.instance.closeSync();
    copy = null;
    copy = await openCopy(order);
    return { kind: 'opened' };
  }
}

/** The order matters: what comes last forbids what comes before it. */
async function openCopy({ path, spillPath, memoryBytes }: Extract<Order, { kind: 'open' }>): Promise<OpenCopy> {
  const instance = await DuckDBInstance.create(':memory:', {
    ...duckDbOptions(spillPath),
    memory_limit: `${memoryBytes}B`,
  });
  const connection = await instance.connect();
  // As its main database, DuckDB 1.5.6 would not replay every ALTER from the write-ahead log.
  await connection.run(`ATTACH '${path.replaceAll("'", "''")}' AS replica (READ_ONLY); USE replica`);
  await connection.run('SET enable_external_access = false');
  await connection.run("SET max_temp_directory_size = '64MB'");
  await connection.run('SET allow_community_extensions = false');
  await connection.run("SET GLOBAL TimeZone = 'UTC'");
  const relations = await readRelations(connection);
  await connection.run('SET lock_configuration = true');
  return { instance, connection, relations };
}

/** All tables and views, each with whether it is the user's. */
const relationsSql = `
  SELECT schema_name || '.' || name AS path, schema_name, name,
    NOT internal AND NOT temporary AND database_name = current_database() AND schema_name <> 'eider' AS own
  FROM (
    SELECT database_name, schema_name, table_name, internal, temporary FROM duckdb_tables() UNION ALL
    SELECT database_name, schema_name, view_name, internal, temporary FROM duckdb_views()
  ) AS relations(database_name, schema_name, name, internal, temporary)`;

async function readRelations(connection: DuckDBConnection): Promise<Relations> {
  const names = async (sql: string): Promise<string[]> => {
    const reader = await connection.runAndReadAll(sql);
    return reader.getRows().map(([name]) => String(name).toLowerCase());
  };
  const users = await names(`SELECT path FROM (${relationsSql}) WHERE own`);
  const internal = await names(
    `SELECT name FROM (${relationsSql}) WHERE NOT own AND schema_name IN ('main', 'pg_catalog')`,
  );
  const [database = ''] = await names('SELECT current_database()');
  return { users: new Set(users), internal: new Set(internal), database, macros: await readMacros(connection) };
}

/** Each as a statement: that of a table is one. */
const macrosSql = `
  SELECT lower(schema_name || '.' || function_name), function_type = 'table_macro', macro_definition
  FROM duckdb_functions() WHERE NOT internal AND database_name = current_database() AND schema_name <> 'eider'
    AND function_type IN ('macro', 'table_macro')`;

async function readMacros(connection: DuckDBConnection): Promise<Relations['macros']> {
  const rows = (await connection.runAndReadAll(macrosSql)).getRows();
  const texts = rows.map(([name, isTable, text]) => [String(name), `${isTable ? '' : 'SELECT '}${String(text)}`] as const);
  const groups = Map.groupBy(texts, ([name]) => name);
  return new Map([...groups].map(([name, all]) => [name, all.map(([, text]) => text)]));
}

async function runQuery(copy: OpenCopy | null, request: Omit<QueryRequest, 'timeoutMs'>): Promise<Reply> {
  if (!copy) throw new Error('No copy is open.');
  const { connection, relations } = copy;
  await check(connection, relations, request.sql);
  await connection.run('BEGIN TRANSACTION READ ONLY');
  try {
    return { kind: 'result', result: await runChecked(connection, request) };
  } finally {
    await connection.run('ROLLBACK');
  }
}

/** The query, and every macro that it comes to. @throws AppError `invalid` */
async function check(connection: DuckDBConnection, relations: Relations, query: string): Promise<void> {
  const seen = new Set<string>();
  const texts = [query];
  for (let text = texts.pop(); text !== undefined; text = texts.pop()) {
    for (const macro of checkTree(await parse(connection, text), relations)) {
      if (!seen.has(macro)) texts.push(...(relations.macros.get(macro) ?? []));
      seen.add(macro);
    }
  }
}

/** The syntax tree of the one statement. DuckDB makes one of what only reads; of all else it says that it cannot. */
async function parse(connection: DuckDBConnection, sql: string): Promise<unknown> {
  const reader = await connection.runAndReadAll(
    'SELECT json_serialize_sql($1::VARCHAR, skip_null := true, skip_empty := true)::VARCHAR',
    [sql],
  );
  const parsed = readTree(String(reader.getRows()[0]?.[0]));
  if (parsed.error) {
    const text = parsed.error_message ?? '';
    const isOther = text.startsWith('Only SELECT statements');
    throw new AppError(
      'invalid',
      isOther ? 'A query is one SELECT; this is something else.' : `DuckDB does not understand the query: ${text}`,
    );
  }
  const [statement, ...others] = parsed.statements ?? [];
  if (statement === undefined || others.length > 0) throw new AppError('invalid', 'A query is one statement.');
  return statement;
}

interface Parsed {
  readonly error: boolean;
  readonly error_message?: string;
  readonly statements?: readonly unknown[];
}

/** DuckDB writes numbers beyond all limits as words that are not JSON. */
function readTree(text: string): Parsed {
  try {
    return JSON.parse(text) as Parsed;
  } catch (cause) {
    throw new AppError('invalid', 'The query has a number that is out of range.', { cause });
  }
}

async function runChecked(
  connection: DuckDBConnection,
  request: Omit<QueryRequest, 'timeoutMs'>,
): Promise<QueryResult> {
  const statement = await connection.prepare(request.sql);
  try {
    if (statement.statementType !== StatementType.SELECT) throw new AppError('invalid', 'A query is one SELECT.');
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
  if (missing.length > 0) throw new AppError('invalid', `The parameters lack ${missing.join(', ')}.`);
  if (unused.length > 0) throw new AppError('invalid', `The query has no parameter ${unused.join(', ')}.`);
  return names.map((name) => values[name] ?? null);
}

function isList(given: QueryRequest['parameters']): given is readonly PlainValue[] {
  return Array.isArray(given);
}

/** What DuckDB says of a query that is wrong; it names the query's own words only. */
const faults =
  /^(?:Error: )?(?:Binder|Catalog|Parser|Syntax|Conversion|Out of Range|Invalid Input|Mismatch Type|Invalid type|Not implemented|Invalid|Parameter Not Resolved|Parameter Not Allowed|Expression|Permission|Divide by Zero|Decimal|Sequence|Dependency|Missing Extension|Autoload) Error: /i;

function replyToFailure(error: unknown): Reply {
  if (error instanceof AppError && error.kind === 'invalid') {
    return { kind: 'invalid', message: error.message, hint: error.hint, sqlState: error.sqlState };
  }
  const text = error instanceof Error ? error.message : String(error);
  if (/^(?:Error: )?INTERRUPT Error/.test(text)) return { kind: 'stopped' };
  if (/^(?:Error: )?Out of Memory Error|bad_alloc|bad allocation/.test(text)) return { kind: 'too-much-memory' };
  if (faults.test(text)) return { kind: 'invalid', message: text.replace(/^Error: /, '').slice(0, 2000) };
  return { kind: 'failed', message: text.slice(0, 2000) };
}
