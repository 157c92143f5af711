/**
 * SQL over HTTP: `POST /api/sql`, in the form of Neon's driver, for curl and for clients of files.
 *
 * What only reads runs in the sandbox, on one state; all else in one transaction of the database, judged statement by
 * statement. Who asks decides what it may change.
 */
import type { App } from '../app.ts';
import type { Answer, Database, QueryRequest, Together } from '../db/database.ts';
import { AppError } from '../errors.ts';
import { type Once, once } from '../rows/idempotency.ts';
import { refuseParameters } from '../rows/parameters.ts';
import { fulfilled } from '../rows/sets.ts';
import { finished } from '../runtime.ts';
import { adapt } from '../sql/adapt.ts';
import { type Explain, explainOf } from '../sql/explain.ts';
import { kindOf, type StatementKind } from '../sql/kind.ts';
import { knownStatement } from '../sql/known-statement.ts';
import { eachResult, type RepeatedInsert, repeatedInsert } from '../sql/repeated-insert.ts';
import type { StatementResult } from '../sql/result.ts';
import type { PlainValue } from '../values.ts';
import { negotiate } from './accept.ts';
import { type SqlRights, sqlRights } from './access.ts';
import { readJson } from './body.ts';
import { encodeTable, tableTypes } from './formats/tables.ts';
import type { Handler, RequestContext } from './handle.ts';
import { parseIdempotencyKey } from './idempotency-key.ts';
import { jsonAnswer } from './json-answer.ts';
import { queryLimits } from './limits.ts';
import { inQuery, RequestError } from './problem.ts';
import { type AskedSql, type AskedStatement, echoedHeaders, parseSqlRequest } from './sql-request.ts';
import { replayHeaders } from './writes.ts';

export const sqlTypes = ['application/json', ...tableTypes] as const;

const mostRows = 10_000;
/** All statements together, with the wait for their turn. */
const requestMs = 30_000;

interface PreparedBatch extends AskedStatement {
  readonly kind: StatementKind;
  readonly explain: Explain | undefined;
}

export function sqlHandler(app: App): Handler {
  return async (context) => {
    inQuery(() => refuseParameters(context.address.parameters));
    const input = await readJson(context, 'of any type');
    const asked = parseSqlRequest(context.request.headers, input);
    const type = negotiate(context.request.headers, asked.isBatch ? sqlTypes.slice(0, 1) : sqlTypes);
    const database = await context.database();
    const statements = asked.statements.map((statement) => prepare(statement, database));
    requireRights(statements, asked, sqlRights(context.role));
    const { value, replayed } = await withinTime(context, (signal) =>
      statements.every(({ kind }) => kind === 'read')
        ? runReads(context, database, statements, signal)
        : runWrites(context, database, { statements, input, signal }),
    );
    const headers = { ...replayHeaders({ value, replayed }), ...Object.fromEntries(echoedHeaders(context.request)) };
    if (type !== 'application/json') return encodeTable(app, type, value[0]!, headers);
    // Loaded on first use, to keep starts fast.
    const { sqlAnswer } = await import('./sql-answer.ts');
    const answers = value.map((result, index) =>
      sqlAnswer(result, { isRawText: asked.isRawText, arrayMode: statements[index]!.arrayMode }),
    );
    return jsonAnswer(asked.isBatch ? { results: answers } : answers[0], { headers });
  };
}

/** What it is, and in the words of the engine. @throws AppError `invalid` */
function prepare(asked: AskedStatement, { engine }: Database): PreparedBatch {
  const given = knownStatement(asked.sql);
  const { explain, statement } = explainOf(given) ?? { explain: undefined, statement: given };
  const kind = kindOf(statement);
  if (explain && kind !== 'read') throw onlyQueries('EXPLAIN shows the plan of one SELECT; this is something else.');
  if (engine !== 'duckdb' || !isList(asked.params)) return { ...asked, sql: statement.sql, kind, explain };
  const { sql, values } = adapt(statement, asked.params);
  return { ...asked, sql, params: values, kind, explain };
}

function onlyQueries(message: string): AppError {
  return new AppError('invalid', message, { sqlState: '0A000' });
}

/** @throws RequestError 403, AppError 25006 */
function requireRights(statements: readonly PreparedBatch[], { isReadOnly }: AskedSql, rights: SqlRights): void {
  const needed = statements.filter(({ kind }) => kind !== 'read');
  if (isReadOnly && needed.length > 0) {
    throw new AppError('invalid', 'The transaction is read-only, but one of its statements is not a SELECT.', {
      sqlState: '25006',
    });
  }
  const isRefused = needed.some(({ kind }) => rights === 'read' || (kind === 'definition' && rights === 'rows'));
  if (!isRefused) return;
  const may = rights === 'read' ? 'SELECT alone' : 'SELECT and statements on rows, and no definitions';
  throw new RequestError(
    403,
    `The token allows ${may}; this needs ${rights === 'read' ? 'API_TOKEN or ' : ''}ADMIN_TOKEN.`,
  );
}

/** Runs `work` with a signal of its end: when the client goes away, or all time is used up. @throws AppError 57014 */
async function withinTime<T>(
  { request, runtime }: RequestContext,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ended = new AbortController();
  const late = new AbortController();
  const tooLate = new AppError(
    'invalid',
    `This took longer than ${requestMs} ms and was stopped. Nothing was changed.`,
    {
      sqlState: '57014',
      hint: 'Split it into smaller statements.',
    },
  );
  void runtime.sleep(requestMs, ended.signal).then(
    () => late.abort(tooLate),
    () => undefined,
  );
  try {
    return await work(AbortSignal.any([request.signal, late.signal]));
  } catch (error) {
    throw late.signal.aborted && !request.signal.aborted ? tooLate : error;
  } finally {
    ended.abort(finished);
  }
}

async function runReads(
  context: RequestContext,
  database: Database,
  statements: readonly PreparedBatch[],
  signal: AbortSignal,
): Promise<Once<readonly StatementResult[]>> {
  const requests = statements.map(({ sql, params, explain }): QueryRequest => ({
    sql,
    ...(explain ? { explain } : {}),
    parameters: params,
    maxRows: mostRows,
    ...queryLimits,
  }));
  if (requests.length === 0) return { value: [], replayed: false };
  const answer = await database.queryAll(requests, { ...context.readOptions, signal });
  const results = context.unwrap(answer).map(({ columns, rows, truncated }, index): StatementResult => {
    if (truncated !== null) throw tooLarge();
    return { command: statements[index]?.explain ? 'EXPLAIN' : 'SELECT', columns, rows, rowCount: rows.length };
  });
  requireModest(results, statements);
  return { value: results, replayed: false };
}

interface Writes {
  readonly statements: readonly PreparedBatch[];
  /** The body. */
  readonly input: PlainValue;
  readonly signal: AbortSignal;
}

async function runWrites(
  context: RequestContext,
  database: Database,
  { statements, input, signal }: Writes,
): Promise<Once<readonly StatementResult[]>> {
  const { idempotency } = parseIdempotencyKey(context, input);
  const insert = idempotency ? null : insertOf(statements);
  context.willWrite();
  const answer: Answer<Once<readonly StatementResult[]>> = await database.write(
    async (queries, scope) => {
      const run = async (): Promise<readonly StatementResult[]> => {
        const results: StatementResult[] = [];
        if (insert && scope.together) return [await insertTogether(scope.together, insert, signal)];
        for (const { kind, sql, params, explain } of statements) {
          if (explain) throw onlyQueries('EXPLAIN cannot be combined with statements that write.');
          // Unlike in the sandbox, all rows would come into memory before they are counted.
          const text = kind === 'read' ? `SELECT * FROM (\n${sql}\n) AS answer LIMIT ${mostRows + 1}` : sql;
          results.push(await scope.run(text, listOf(params), { signal }));
          requireModest(results, statements);
        }
        return results;
      };
      return idempotency
        ? once({ queries, engine: scope.catalog.engine }, idempotency, run, forms)
        : { value: await run(), replayed: false };
    },
    { signal: context.request.signal, together: insert?.name },
  );
  return context.unwrap(answer);
}

interface SharedInsert {
  readonly name: string;
  readonly insert: RepeatedInsert;
  readonly values: readonly PlainValue[];
}

/** Of a request that inserts one row: what it has in common with others of the same text. */
function insertOf([only, ...others]: readonly PreparedBatch[]): SharedInsert | null {
  if (!only || others.length > 0 || only.explain || !isList(only.params)) return null;
  const insert = repeatedInsert(only.sql, only.params.length);
  return insert && { name: `sql ${only.sql}`, insert, values: only.params };
}

/** The rows of all who send this statement at once. */
function insertTogether(
  together: Together,
  { insert, values }: SharedInsert,
  signal: AbortSignal,
): Promise<StatementResult> {
  return together(values, async (scope, all) => {
    const result = await scope.run(insert.text(all.length), all.flat(), { signal });
    return eachResult(result, all.length).map(fulfilled);
  });
}

const forms = {
  keep: (results: readonly StatementResult[]) => results as unknown as PlainValue,
  restore: (kept: PlainValue) => kept as unknown as readonly StatementResult[],
};

/** What an answer says of each column beside its name. */
const fieldBytes = 120;

/** Counts the names, too, which rows as objects have once each. */
function requireModest(results: readonly StatementResult[], asked: readonly AskedStatement[]): void {
  const rows = results.reduce((sum, result) => sum + result.rows.length, 0);
  const bytesOf = ({ columns, rows: own }: StatementResult, at: number): number =>
    JSON.stringify(columns).length +
    columns.length * fieldBytes +
    JSON.stringify(own).length +
    (asked[at]?.arrayMode ? 0 : own.length * JSON.stringify(columns.map(({ name }) => name)).length);
  const bytes = rows > mostRows ? 0 : results.reduce((sum, result, at) => sum + bytesOf(result, at), 0);
  if (rows > mostRows || bytes > queryLimits.maxBytes) throw tooLarge();
}

function tooLarge(): RequestError {
  return new RequestError(507, `The answer has more than ${mostRows} rows or ${queryLimits.maxBytes} bytes.`, {
    hint: 'Ask for fewer columns, or in pages with LIMIT; /api/export has whole tables.',
  });
}

function isList(params: AskedStatement['params']): params is readonly PlainValue[] {
  return Array.isArray(params);
}

function listOf(params: AskedStatement['params']): readonly PlainValue[] {
  if (isList(params)) return params;
  throw new AppError('invalid', 'A statement that writes takes its parameters as a list.', { sqlState: '08P01' });
}
