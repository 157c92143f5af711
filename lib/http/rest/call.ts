/** `GET` and `POST /api/rest/v1/rpc/<name>`: macros of DuckDB, functions of PostgreSQL. */
import type { Catalog } from '../../catalog/catalog.ts';
import type { Database, QueryResult } from '../../db/database.ts';
import { isAppError } from '../../errors.ts';
import {
  type Arguments,
  type Call,
  isOfValues,
  noSuchFunction,
  planCall,
  resultRelation,
  splitArguments,
} from '../../rest/call.ts';
import { RestError } from '../../rest/faults.ts';
import { type Node, planQuery } from '../../rest/plan.ts';
import { parsePreferences } from '../../rest/preferences.ts';
import { parseQuery, type RestQuery } from '../../rest/query.ts';
import { memberNames, mostRows, rowsOfLevel } from '../../rest/read.ts';
import { notSingular } from '../../rest/write.ts';
import { LevelStatement } from '../../rest/statement.ts';
import type { ClientRow, ClientValue } from '../../rest/values.ts';
import { join, raw, type Sql, sql, statementOf } from '../../sql/compose.ts';
import type { RequestContext } from '../handle.ts';
import { queryLimits } from '../limits.ts';
import { withCatalog } from '../relations.ts';
import {
  answer,
  type Asked,
  bodyOf,
  contentRange,
  type Form,
  formOf,
  rangeOf,
  unsatisfiable,
  valueBody,
} from './answer.ts';
import { readRestJson } from './body.ts';

interface Planned {
  readonly catalog: Catalog;
  readonly call: Call;
  readonly query: RestQuery;
}

export async function restCall(context: RequestContext): Promise<Response> {
  const { request, address } = context;
  const form = formOf(request.headers);
  const preferences = parsePreferences(request.headers.get('prefer'));
  const isPost = request.method === 'POST';
  const body = isPost ? await readArguments(context) : null;
  const profile = request.headers.get(isPost ? 'content-profile' : 'accept-profile');
  const called = address.segments[3] ?? '';
  const planned = await withCatalog(context, (catalog): Planned => {
    const { given, rest } = body
      ? { given: body, rest: address.parameters }
      : splitArguments(catalog, profile, called, address.parameters);
    return { catalog, call: planCall(catalog, profile, called, given), query: parseQuery(rest) };
  });
  const range = rangeOf(planned.query.scopes[0], request.headers);
  const { rows, names, values, total } = await run(context, planned, range, preferences.count);
  if (total !== null && range.offset > total)
    throw unsatisfiable(`An offset of ${range.offset} was requested, but there are only ${total} rows.`);
  const status = total !== null && rows.length < total ? 206 : 200;
  const text = values ? valuesBody(values, planned.call, form) : bodyOf(form, rows, names);
  return answer({ status, body: text, form, preferences, range: contentRange(range.offset, rows.length, total) });
}

async function readArguments(context: RequestContext): Promise<Arguments> {
  if (context.request.body === null) return {};
  const body = await readRestJson(context);
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Arguments;
  throw new RestError('PGRST102', 400, 'The arguments have to be an object: {"name": value}');
}

interface CallAnswer {
  readonly rows: readonly ClientRow[];
  readonly names: readonly string[];
  /** Where each row is one value. */
  readonly values: readonly ClientValue[] | null;
  readonly total: number | null;
}

async function run(context: RequestContext, planned: Planned, range: Asked, counts: boolean): Promise<CallAnswer> {
  const { call, catalog, query } = planned;
  const database = await context.database();
  const ask = (text: Sql): Promise<QueryResult> => queried(context, database, planned, text);
  const described = await ask(sql`select * from ${call.source} as t limit 0`);
  const relation = resultRelation(call, catalog.engine, described.columns);
  const node = planQuery({ ...catalog, relations: new Map() }, relation, query);
  const statement = new LevelStatement(catalog.engine, node, { isBare: true });
  const passing = rowsSql(statement, call);
  const order = statement.order(null);
  const sorted = order.length === 0 ? passing : sql`${passing} order by ${join(order)}`;
  const limit = Math.min(range.limit ?? mostRows, mostRows);
  const result = await ask(sql`${sorted} limit ${raw(String(limit))} offset ${raw(String(range.offset))}`);
  if (result.truncated === 'bytes')
    throw new RestError('54000', 400, 'The answer would be larger than 4 MB.', {
      hint: 'Ask for fewer rows or columns.',
    });
  const rows = rowsOfLevel(statement, result);
  const counted = counts ? await ask(sql`select count(*) from (${passing}) as passing`) : null;
  const isValues = isOfValues(call, catalog.engine, described.columns) && isWhole(node);
  return {
    rows,
    names: memberNames(node),
    values: isValues ? rows.map((row) => Object.values(row)[0] ?? null) : null,
    total: counted ? Number(counted.rows[0]?.[0]) : null,
  };
}

function rowsSql(statement: LevelStatement, call: Call): Sql {
  return sql`select ${statement.columns()} from ${statement.from(call.source)} where ${statement.where()} ${statement.groupBy()}`;
}

/** Whether all columns are asked for, as they are. */
function isWhole({ parts, relation }: Node): boolean {
  return parts.length === 1 && parts[0]?.kind === 'column' && parts[0].key === relation.columns[0]?.name;
}

async function queried(
  context: RequestContext,
  database: Database,
  { call, catalog }: Planned,
  statement: Sql,
): Promise<QueryResult> {
  const { text, values } = statementOf(statement);
  const { schema, name } = call.macro;
  const limits = { maxRows: mostRows, ...queryLimits };
  const request = { sql: text, parameters: values, calls: { schema, name }, ...limits };
  try {
    return context.unwrap(await database.query(request, context.readOptions));
  } catch (error) {
    if (!isAppError(error, 'invalid') || error instanceof RestError) throw error;
    if (error.sqlState === '42883' || /does not support the supplied arguments/.test(error.message))
      throw noSuchFunction(catalog, name, call.names, call.macro);
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    const status = error.sqlState === '25006' ? 405 : error.sqlState === '42501' ? 403 : 400;
    throw new RestError(error.sqlState ?? 'P0001', status, error.message, hint);
  }
}

function valuesBody(values: readonly ClientValue[], { macro }: Call, form: Form): string {
  if (macro.kind === 'table' && !form.isSingular) return valueBody(values, form);
  const [only = null, ...others] = values;
  if (others.length > 0) throw notSingular(values.length);
  return valueBody(only, form);
}
