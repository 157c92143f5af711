/**
 * The routes of tables, the same for every table of the schema: list, and one row's read, replace, update, delete; what
 * concerns many rows is in many-rows.ts.
 *
 * Owns: which statuses and headers they answer with. Each handler parses, makes one call, responds. Knows nothing of
 * which tables there are. The worst that can happen: a write that is validated by other rules than the table's.
 */
import { parseRowQuery, parseListQuery, refuseParameters } from '../schema/list/parameters.ts';
import { selectPage } from '../schema/list/select.ts';
import { findRow, noSuchRow } from '../schema/rows.ts';
import type { Row } from '../values.ts';
import type { App } from '../app.ts';
import { entityTag, parsePrecondition, unmodified } from './conditions.ts';
import type { Handler, RequestContext } from './handle.ts';
import { parseIdempotencyKey } from './idempotency-key.ts';
import { createRows, removeMatching, updateMatching } from './many-rows.ts';
import { inQuery } from './problem.ts';
import { idOf, nowOf, readInput, rowAnswer, runWrite, statusOf, tableOf } from './writes.ts';

export interface RowHandlers {
  readonly list: Handler;
  /** One row, or an array of them. */
  readonly create: Handler;
  readonly updateMatching: Handler;
  readonly removeMatching: Handler;
  readonly readOne: Handler;
  readonly replace: Handler;
  readonly update: Handler;
  readonly remove: Handler;
}

export function rowHandlers(app: App): RowHandlers {
  return {
    list: (context) => listRows(app, context),
    create: (context) => createRows(app, context),
    updateMatching: (context) => updateMatching(app, context),
    removeMatching: (context) => removeMatching(app, context),
    readOne: (context) => readRow(app, context),
    replace: (context) => replaceRow(app, context),
    update: (context) => updateRow(app, context),
    remove: (context) => removeRow(app, context),
  };
}

async function listRows(app: App, context: RequestContext): Promise<Response> {
  const table = tableOf(app, context);
  const list = inQuery(() => parseListQuery(table, context.address.parameters));
  const database = await context.database();
  const page = context.noted(await database.read((queries) => selectPage(queries, table, list), context.readOptions));
  const { rows: data, next, count } = page;
  return Response.json(count === undefined ? { data, next } : { data, next, count });
}

async function readRow(app: App, context: RequestContext): Promise<Response> {
  const table = tableOf(app, context);
  const id = idOf(table, context);
  const select = inQuery(() => parseRowQuery(table, context.address.parameters));
  const precondition = parsePrecondition(context.request.headers);
  const database = await context.database();
  const row = context.noted(await database.read((queries) => findRow(queries, table, id), context.readOptions));
  if (!row) throw noSuchRow(table, id);
  return unmodified(row, precondition) ?? Response.json(pick(row, select), { headers: { etag: entityTag(row) } });
}

async function replaceRow(app: App, context: RequestContext): Promise<Response> {
  const table = tableOf(app, context);
  const id = idOf(table, context);
  inQuery(() => refuseParameters(context.address.parameters));
  const precondition = parsePrecondition(context.request.headers);
  const { values } = await readInput(context, table, 'whole');
  const at = nowOf(app);
  const done = await runWrite(app, context, { kind: 'replace', table: table.name, id, at, values, precondition });
  return rowAnswer(context, table, done, 200);
}

async function updateRow(app: App, context: RequestContext): Promise<Response> {
  const table = tableOf(app, context);
  const id = idOf(table, context);
  inQuery(() => refuseParameters(context.address.parameters));
  const precondition = parsePrecondition(context.request.headers);
  const { values, input } = await readInput(context, table, 'part');
  const key = parseIdempotencyKey(context, input);
  const at = nowOf(app);
  const done = await runWrite(app, context, {
    kind: 'update',
    table: table.name,
    id,
    at,
    values,
    precondition,
    ...key,
  });
  return rowAnswer(context, table, done, 200);
}

async function removeRow(app: App, context: RequestContext): Promise<Response> {
  const table = tableOf(app, context);
  const id = idOf(table, context);
  inQuery(() => refuseParameters(context.address.parameters));
  const precondition = parsePrecondition(context.request.headers);
  await runWrite(app, context, { kind: 'delete', table: table.name, id, at: nowOf(app), precondition });
  return new Response(null, { status: statusOf(context, 204) });
}

function pick(row: Row, names: readonly string[]): Row {
  return Object.fromEntries(names.map((name) => [name, row[name] ?? null]));
}
