/** Writes to many rows of a table: an array of new ones, and all that pass a filter. */
import { AppError } from '../errors.ts';
import type { Filter } from '../rows/filter.ts';
import { parseInput, parseInputs } from '../rows/input.ts';
import { parseWriteFilter, refuseParameters } from '../rows/parameters.ts';
import type { PlainValue } from '../values.ts';
import { readJson } from './body.ts';
import { refusePrecondition } from './conditions.ts';
import type { RequestContext } from './handle.ts';
import { parseIdempotencyKey } from './idempotency-key.ts';
import { jsonAnswer } from './json-answer.ts';
import { inQuery } from './problem.ts';
import { type Named, relationNamed, requireWritable, withCatalog } from './relations.ts';
import { replayHeaders, rowAnswer, runWrite, statusOf } from './writes.ts';

const mostRows = 1000;

/** What `prepare` makes of the table that the request names. @throws RequestError 405, AppError `not-found` */
function onTable<T extends object>(context: RequestContext, prepare: (named: Named) => T): Promise<Named & T> {
  return withCatalog(context, (catalog) => {
    const named = relationNamed(catalog, context.address.segments[0] ?? '');
    requireWritable(named);
    return { ...named, ...prepare(named) };
  });
}

/** One row, or an array of them. */
export async function createRows(context: RequestContext): Promise<Response> {
  inQuery(() => refuseParameters(context.address.parameters));
  refusePrecondition(context.request.headers);
  const input = await readJson(context);
  return Array.isArray(input) ? createMany(context, input as readonly PlainValue[]) : createOne(context, input);
}

async function createOne(context: RequestContext, input: PlainValue): Promise<Response> {
  const { values, ...named } = await onTable(context, ({ relation }) => ({
    values: parseInput(relation, 'whole', input),
  }));
  const key = parseIdempotencyKey(context, input);
  const done = await runWrite(context, named, { kind: 'create', table: named.table, values, ...key });
  return rowAnswer(context, named, done, 201);
}

async function createMany(context: RequestContext, inputs: readonly PlainValue[]): Promise<Response> {
  const { rows, ...named } = await onTable(context, ({ relation, table }) => {
    if (inputs.length < 1 || inputs.length > mostRows) throw wrongNumber(table, inputs.length);
    return { rows: parseInputs(relation, inputs) };
  });
  const key = parseIdempotencyKey(context, inputs);
  const done = await runWrite(context, named, { kind: 'createMany', table: named.table, rows, ...key });
  return jsonAnswer({ data: done.value }, { status: statusOf(context, 201), headers: replayHeaders(done) });
}

export async function updateMatching(context: RequestContext): Promise<Response> {
  refusePrecondition(context.request.headers);
  const input = await readJson(context);
  const { filter, values, ...named } = await onTable(context, ({ relation }) => ({
    filter: filterOf(context, relation),
    values: parseInput(relation, 'part', input),
  }));
  const key = parseIdempotencyKey(context, input);
  const done = await runWrite(context, named, { kind: 'updateMany', table: named.table, filter, values, ...key });
  return jsonAnswer({ updated: done.value.rows }, { status: statusOf(context, 200), headers: replayHeaders(done) });
}

export async function removeMatching(context: RequestContext): Promise<Response> {
  refusePrecondition(context.request.headers);
  const { filter, ...named } = await onTable(context, ({ relation }) => ({ filter: filterOf(context, relation) }));
  const done = await runWrite(context, named, { kind: 'deleteMany', table: named.table, filter });
  return jsonAnswer({ deleted: done.value.rows }, { status: statusOf(context, 200) });
}

function filterOf({ address }: RequestContext, relation: Named['relation']): Filter {
  return inQuery(() => parseWriteFilter(relation, address.parameters));
}

function wrongNumber(table: string, rows: number): AppError {
  return new AppError('invalid', `An array has 1 to ${mostRows} rows of ${table}; this one has ${rows}.`, {
    fields: [{ path: '', message: `must have 1 to ${mostRows} rows` }],
  });
}
