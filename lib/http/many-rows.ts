/**
 * Writes to many rows of a table: an array of new ones, and all that pass a filter.
 *
 * Owns: how many rows one request may bring. The worst that can happen: a filter that is left out or mistyped, and a
 * table that is emptied by it; so a request without one is refused, and so is a parameter that is no filter.
 */
import type { App } from '../app.ts';
import { AppError } from '../errors.ts';
import { newId } from '../schema/identifiers.ts';
import { parseFilters, refuseParameters } from '../schema/list/parameters.ts';
import type { Table } from '../schema/table.ts';
import type { PlainValue } from '../values.ts';
import { readJson } from './body.ts';
import { refusePrecondition } from './conditions.ts';
import type { RequestContext } from './handle.ts';
import { parseIdempotencyKey } from './idempotency-key.ts';
import { inQuery } from './problem.ts';
import { nowOf, readInput, replayHeaders, rowAnswer, runWrite, statusOf, tableOf } from './writes.ts';

const mostRows = 1000;

/** One row, or an array of them. */
export async function createRows(app: App, context: RequestContext): Promise<Response> {
  const table = tableOf(app, context);
  inQuery(() => refuseParameters(context.address.parameters));
  refusePrecondition(context.request.headers);
  const input = await readJson(context);
  return Array.isArray(input)
    ? createMany(app, context, table, input as readonly PlainValue[])
    : createOne(app, context, table, input);
}

async function createOne(app: App, context: RequestContext, table: Table, input: PlainValue): Promise<Response> {
  const { parseInput } = await import('../schema/validation.ts');
  const values = parseInput(table, 'whole', input);
  const key = parseIdempotencyKey(context, input);
  const [id, at] = [newId(app.runtime), nowOf(app)];
  const done = await runWrite(app, context, { kind: 'create', table: table.name, id, at, values, ...key });
  return rowAnswer(context, table, done, 201);
}

async function createMany(
  app: App,
  context: RequestContext,
  table: Table,
  inputs: readonly PlainValue[],
): Promise<Response> {
  if (inputs.length < 1 || inputs.length > mostRows) throw wrongNumber(table, inputs.length);
  const { parseInputs } = await import('../schema/validation.ts');
  const rows = parseInputs(table, inputs).map((values) => ({ id: newId(app.runtime), values }));
  const key = parseIdempotencyKey(context, inputs);
  const done = await runWrite(app, context, { kind: 'createMany', table: table.name, at: nowOf(app), rows, ...key });
  return Response.json({ data: done.value }, { status: statusOf(context, 201), headers: replayHeaders(done) });
}

export async function updateMatching(app: App, context: RequestContext): Promise<Response> {
  const table = tableOf(app, context);
  const filters = inQuery(() => parseFilters(table, context.address.parameters));
  refusePrecondition(context.request.headers);
  const { input, values } = await readInput(context, table, 'part');
  const key = parseIdempotencyKey(context, input);
  const at = nowOf(app);
  const done = await runWrite(app, context, { kind: 'updateMany', table: table.name, at, filters, values, ...key });
  return Response.json({ updated: done.value }, { status: statusOf(context, 200), headers: replayHeaders(done) });
}

export async function removeMatching(app: App, context: RequestContext): Promise<Response> {
  const table = tableOf(app, context);
  const filters = inQuery(() => parseFilters(table, context.address.parameters));
  refusePrecondition(context.request.headers);
  const done = await runWrite(app, context, { kind: 'deleteMany', table: table.name, at: nowOf(app), filters });
  return Response.json({ deleted: done.value }, { status: statusOf(context, 200) });
}

function wrongNumber(table: Table, rows: number): AppError {
  return new AppError('invalid', `An array has 1 to ${mostRows} ${table.name}; this one has ${rows}.`, {
    fields: [{ path: '', message: `must have 1 to ${mostRows} rows` }],
  });
}
