import { AppError } from '../../../errors.ts';
import type { Runtime } from '../../../runtime.ts';
import type { PlainValue } from '../../../values.ts';
import type { Answer, QueryRequest, QueryResult } from '../../database.ts';
import type { PostgresCatalogs } from '../catalogs.ts';
import { codeOf, isServerError } from '../errors.ts';
import type { PostgresTransaction } from '../transaction.ts';
import type { Transactions } from '../transactions.ts';
import { explaining } from '../../../sql/explain.ts';
import { checkQuery, requireAllowedNames } from './names.ts';
import { parseStatement } from './parser.ts';
import type { ParsedStatement } from './parser-thread.ts';
import { typeName } from '../values.ts';

interface QueryParts {
  readonly transactions: Transactions;
  readonly catalogs: PostgresCatalogs;
  readonly runtime: Runtime;
}

/** Checks and runs queries. `requireVersion` throws where the state is not the one asked for. @throws AppError */
export async function answerQueries(
  { transactions, catalogs, runtime }: QueryParts,
  requests: readonly QueryRequest[],
  signal: AbortSignal | undefined,
  requireVersion: (version: number) => void,
): Promise<Answer<readonly QueryResult[]>> {
  const checked = await Promise.all(
    requests.map(async (request) => ({ request, query: await checkQuery(request, runtime) })),
  );
  const withinMs = Math.max(...requests.map(({ timeoutMs }) => timeoutMs));
  const beganMs = runtime.monotonicMs();
  try {
    const { value, version, timings } = await transactions.run(
      async (transaction) => {
        const results: QueryResult[] = [];
        for (const { query, request } of checked) results.push(await runQuery(transaction, catalogs, query, request));
        return results;
      },
      { mode: 'read', withinMs, signal },
    );
    requireVersion(version);
    return { value, version, durability: 'durable', timings: { run: timings.run } };
  } catch (error) {
    // A server that is deep in one value does not even hear that it should stop.
    throw runtime.monotonicMs() - beganMs < withinMs ? error : tooSlow(error);
  }
}

/**
 * Checks a statement that runs in a write, and runs it. Which of rows and definitions it may change, is for others to say.
 *
 * @throws AppError
 */
export async function runUntrusted<T>(
  transaction: PostgresTransaction,
  catalogs: PostgresCatalogs | null,
  sql: string,
  run: () => Promise<T>,
): Promise<T> {
  const { may, names } = await parseStatement({ sql, isQuery: false }, transaction.runtime);
  await requireAllowedNames(transaction, catalogs, names);
  // What is made goes to the first schema of the path.
  if (may === 'define') return run();
  // Sent together: where one fails, those after it do, too.
  const [, result] = await Promise.all([
    transaction.rows(`SELECT set_config('${pathSetting}', current_setting('search_path'), true), ${ownFunctionsFirst}`),
    run(),
    transaction.rows(`SELECT set_config('search_path', current_setting('${pathSetting}'), true)`),
  ]);
  return result;
}

/** Keeps the path while a statement of a user's runs. */
const pathSetting = 'eider.path';

/** PostgreSQL's own functions come first, before a user's of the same name. */
const ownFunctionsFirst = `set_config('search_path', 'pg_catalog, ' || current_setting('search_path'), true)`;

/** Runs a checked query in a transaction of the mode `read`. @throws AppError */
async function runQuery(
  transaction: PostgresTransaction,
  catalogs: PostgresCatalogs,
  checked: ParsedStatement,
  request: QueryRequest,
): Promise<QueryResult> {
  await requireAllowedNames(transaction, catalogs, checked.names);
  try {
    const [, result] = await Promise.all([
      transaction.rows(`SELECT ${ownFunctionsFirst}, set_config('work_mem', '16MB', true)`),
      (request.explain ? readPlan : readRows)(transaction, checked.text, request),
    ]);
    return result;
  } catch (error) {
    throw explain(error, transaction.failure);
  }
}

/**
 * Counts the bytes where the rows are: one row may have a gigabyte, which must not come here. One row more than asked for
 * tells whether there are more, and the first column how many there were to choose from.
 */
async function readRows(transaction: PostgresTransaction, text: string, request: QueryRequest): Promise<QueryResult> {
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

/** A plan is about as long as its query. */
async function readPlan(transaction: PostgresTransaction, text: string, request: QueryRequest): Promise<QueryResult> {
  const { rows, fields } = await transaction.run({
    text: explaining(request.explain, text),
    values: parameterList(request.parameters),
    rowMode: 'array',
  });
  const columns = fields.map((field) => ({ name: field.name, type: typeName(field) }));
  return { columns, rows: rows as unknown as PlainValue[][], truncated: null };
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
    return new AppError('invalid', 'The query needs more memory or disk space than allowed.', {
      cause: error,
      sqlState: code,
    });
  }
  // 25006: a function tried to write. P: what a function raises.
  if (/^(?:0A|08P01|22|25006|42|P)/.test(code)) {
    return new AppError('invalid', `PostgreSQL: ${failure.message.slice(0, 1000)}`, { cause: error, sqlState: code });
  }
  return error;
}

function tooSlow(cause: unknown): AppError {
  return new AppError('invalid', 'The query exceeded its time limit and was stopped.', {
    cause: cause instanceof Error ? new Error(cause.message) : undefined,
    sqlState: '57014',
    hint: 'Use a filter, a smaller join, or an aggregate over fewer rows.',
  });
}
