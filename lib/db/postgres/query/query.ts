/**
 * Queries of users on PostgreSQL: checked on the syntax tree, then run in a transaction that only reads, with a limit on
 * its time and on what it may send.
 *
 * Owns: these steps. The user of DATABASE_URL may do more than a query may, so the check is what keeps a query in; the
 * transaction keeps it from writing all the same. The worst that can happen is told in grammar.ts.
 */
import { parse } from 'libpg-query';
import { isUsers } from '../../../catalog/postgres.ts';
import { AppError } from '../../../errors.ts';
import type { Runtime } from '../../../runtime.ts';
import type { PlainValue } from '../../../values.ts';
import type { Answer, QueryRequest, QueryResult } from '../../database.ts';
import { codeOf, isServerError } from '../errors.ts';
import type { Transaction } from '../transaction.ts';
import type { Transactions } from '../transactions.ts';
import { checkTree, refuse, type UsedNames } from './grammar.ts';
import { typeName } from './types.ts';

interface Parts {
  readonly transactions: Transactions;
  readonly runtime: Runtime;
}

/** Checks and runs a query. `requireVersion` throws where the state is not the one asked for. @throws AppError */
export async function answerQuery(
  { transactions, runtime }: Parts,
  request: QueryRequest,
  signal: AbortSignal | undefined,
  requireVersion: (version: number) => void,
): Promise<Answer<QueryResult>> {
  const checked = await checkQuery(request);
  const beganMs = runtime.monotonicMs();
  try {
    const { value, version, timings } = await transactions.run(
      (transaction) => {
        requireVersion(transaction.version);
        return runQuery(transaction, checked, request);
      },
      { mode: 'read', withinMs: request.timeoutMs, signal },
    );
    return { value, version, durability: 'durable', timings: { begin: timings.begin, run: timings.run } };
  } catch (error) {
    // A server that is deep in one value does not even hear that it should stop.
    throw runtime.monotonicMs() - beganMs < request.timeoutMs ? error : tooSlow(error);
  }
}

/** The statement without what may follow it, and the names that the database has to judge. */
interface CheckedQuery {
  readonly text: string;
  readonly names: UsedNames;
}

/** @throws AppError `invalid` */
async function checkQuery({ sql, calls }: QueryRequest): Promise<CheckedQuery> {
  // The parser takes nothing for a mistake of its caller.
  if (sql.trim() === '') throw new AppError('invalid', 'A query is one statement.');
  const tree = await parseSql(sql);
  const [only, ...others] = tree.stmts ?? [];
  if (!only?.stmt || others.length > 0) throw new AppError('invalid', 'A query is one statement.');
  if (!('SelectStmt' in only.stmt)) throw new AppError('invalid', 'A query is one SELECT; this is something else.');
  const names = checkTree(only.stmt, calls);
  const bytes = Buffer.from(sql);
  const start = only.stmt_location ?? 0;
  const length = only.stmt_len ?? 0;
  return { text: bytes.subarray(start, length === 0 ? undefined : start + length).toString(), names };
}

async function parseSql(sql: string): Promise<Awaited<ReturnType<typeof parse>>> {
  try {
    return await parse(sql);
  } catch (cause) {
    if (!(cause instanceof Error && 'sqlDetails' in cause)) throw cause;
    throw new AppError('invalid', `PostgreSQL does not understand the query: ${cause.message.slice(0, 500)}.`, {
      cause,
    });
  }
}

/** Runs a checked query in a transaction of the mode `read`. @throws AppError */
async function runQuery(transaction: Transaction, checked: CheckedQuery, request: QueryRequest): Promise<QueryResult> {
  await requireNames(transaction, checked.names);
  // PostgreSQL's own functions come first, whatever somebody has called theirs.
  await transaction.rows(
    `SELECT set_config('search_path', 'pg_catalog, ' || current_setting('search_path'), true), set_config('work_mem', '16MB', true)`,
  );
  try {
    return await readRows(transaction, checked.text, request);
  } catch (error) {
    throw explain(error, transaction.failure);
  }
}

/** Tables of the user's. */
const tablesSql = `
  SELECT c.relname AS name FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND pg_catalog.pg_table_is_visible(c.oid) AND c.relpersistence <> 't' AND ${isUsers}`;

async function requireNames(transaction: Transaction, { tables, common, fields }: UsedNames): Promise<void> {
  const present = new Set((await transaction.rows<{ name: string }>(tablesSql)).map(({ name }) => name));
  const missing = [...tables].find((name) => !present.has(name));
  if (missing !== undefined) {
    throw new AppError('invalid', `There is no table "${missing}" that a query may read.`, {
      hint: `These may be read: ${[...present].join(', ')}.`,
    });
  }
  const [hidden] = await transaction.rows<{ name: string }>(
    `SELECT relname AS name FROM pg_catalog.pg_class WHERE relname = ANY ($1)
      AND (relnamespace = 'pg_catalog'::pg_catalog.regnamespace OR pg_catalog.pg_table_is_visible(oid)) LIMIT 1`,
    [[...common].filter((name) => !present.has(name))],
  );
  if (hidden) throw refuse(`a WITH by the name "${hidden.name}"`);
  const [called] = await transaction.rows<{ name: string }>(
    'SELECT proname AS name FROM pg_catalog.pg_proc WHERE proname = ANY ($1) AND pronargs > 0 LIMIT 1',
    [[...fields]],
  );
  if (called) throw refuse(`the function ${called.name}`);
}

/**
 * Counts the bytes where the rows are: one row may have a gigabyte, which must not come here. One row more than asked for
 * tells whether there are more, and the first column how many there were to choose from.
 */
async function readRows(transaction: Transaction, text: string, request: QueryRequest): Promise<QueryResult> {
  const { maxRows, maxBytes } = request;
  const counted = `WITH counted AS MATERIALIZED (
      SELECT result, row_number() OVER () AS ordinal,
        sum(pg_column_size(result)) OVER (ROWS UNBOUNDED PRECEDING) AS bytes
      FROM (SELECT * FROM (\n${text}\n) AS answer LIMIT ${maxRows + 1}) AS result)
    SELECT all_rows.total, sent.ordinal, (sent.result).* FROM (SELECT count(*) AS total FROM counted) AS all_rows
    LEFT JOIN counted AS sent ON sent.bytes <= ${maxBytes} ORDER BY sent.ordinal`;
  const { rows, fields } = await transaction.run({
    text: counted,
    values: parameterList(request.parameters),
    rowMode: 'array',
  });
  const columns = fields.slice(2).map((field) => ({ name: field.name, type: typeName(field) }));
  const lists = rows as unknown as PlainValue[][];
  const sent = lists.filter(([, ordinal]) => ordinal !== null).map((row) => row.slice(2));
  const truncated = sent.length < Number(lists[0]?.[0]) ? 'bytes' : sent.length > maxRows ? 'rows' : null;
  return { columns, rows: sent.slice(0, maxRows), truncated };
}

/** PostgreSQL knows parameters by number alone. */
function parameterList(given: QueryRequest['parameters']): readonly PlainValue[] {
  if (!Array.isArray(given)) {
    if (Object.keys(given).length === 0) return [];
    throw new AppError('invalid', 'On PostgreSQL parameters are a list, and the query names them $1, $2, ….');
  }
  return (given as readonly PlainValue[]).map((value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? JSON.stringify(value) : value,
  );
}

/** What PostgreSQL says of a query that is wrong, in its own words; `failure` is what it threw. */
function explain(error: unknown, failure: unknown): unknown {
  if (!isServerError(failure)) return error;
  const code = codeOf(failure);
  if (code === '57014') return tooSlow(failure);
  if (code.startsWith('53') || code.startsWith('54')) {
    return new AppError('invalid', 'The query needs more memory or space than a query may take.', { cause: error });
  }
  // 25006: a function tried to write. P: what a function raises.
  if (/^(?:0A|08P01|22|25006|42|P)/.test(code)) {
    return new AppError('invalid', `PostgreSQL: ${failure.message.slice(0, 1000)}`, { cause: error, sqlState: code });
  }
  return error;
}

function tooSlow(cause: unknown): AppError {
  return new AppError('invalid', 'The query took longer than it may and was stopped.', {
    cause: cause instanceof Error ? new Error(cause.message) : undefined,
    hint: 'Ask for less: a filter, a smaller join, an aggregate of fewer rows.',
  });
}
