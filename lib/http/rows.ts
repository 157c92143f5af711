/**
 * The routes of tables and views, the same for all of them: list, and one row's read, replace, update, delete; what concerns
 * many rows is in many-rows.ts.
 */
import type { Catalog, Relation } from '../catalog/catalog.ts';
import type { Scope } from '../db/database.ts';
import { type InputMode, parseInput } from '../rows/input.ts';
import { findRow, type Key, noSuchRow, parseKey } from '../rows/key.ts';
import { type ListQuery, type Page, parseListQuery, parseRowQuery, pick, selectPage } from '../rows/list.ts';
import { refuseParameters } from '../rows/parameters.ts';
import { fulfilled } from '../rows/sets.ts';
import type { PlainValue, Row } from '../values.ts';
import { readJson } from './body.ts';
import { entityTag, parsePrecondition, unmodified } from './conditions.ts';
import type { Handler, RequestContext } from './handle.ts';
import { parseIdempotencyKey } from './idempotency-key.ts';
import { jsonAnswer } from './json-answer.ts';
import { createRows, removeMatching, updateMatching } from './many-rows.ts';
import { inQuery } from './problem.ts';
import { type Named, readRelation, relationNamed, requireWritable, withCatalog } from './relations.ts';
import { rowAnswer, runWrite, statusOf } from './writes.ts';

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

export const rowHandlers: RowHandlers = {
  list: listRows,
  create: createRows,
  updateMatching,
  removeMatching,
  readOne: readRow,
  replace: replaceRow,
  update: updateRow,
  remove: removeRow,
};

async function listRows(context: RequestContext): Promise<Response> {
  const { segments, parameters } = context.address;
  const { rows, next, count } = await readRelation(
    context,
    segments[0] ?? '',
    ({ relation }) => inQuery(() => parseListQuery(relation, parameters)),
    (scope, list, { relation }) => selectSharedPage(scope, relation, list),
    `list ${context.request.url}`,
  );
  return jsonAnswer(count === undefined ? { data: rows, next } : { data: rows, next, count });
}

/** The same list, asked for several times at once, is read once. */
function selectSharedPage(scope: Scope, relation: Relation, list: ListQuery): Promise<Page> {
  if (!scope.together) return selectPage(scope, relation, list);
  return scope.together(null, async (common, all) => {
    const page = fulfilled(await selectPage(common, relation, list));
    return all.map(() => page);
  });
}

async function readRow(context: RequestContext): Promise<Response> {
  const { segments, raw, parameters } = context.address;
  const precondition = parsePrecondition(context.request.headers);
  const { row, select, of } = await readRelation(
    context,
    segments[0] ?? '',
    ({ relation }) => ({
      key: parseKey(relation, raw[1] ?? ''),
      select: inQuery(() => parseRowQuery(relation, parameters)),
    }),
    async (scope, { key, select: names }, { relation }) => ({
      row: await findRow(scope, relation, key),
      select: names,
      of: relation,
    }),
    `row ${segments[0]}`,
  );
  if (!row) throw noSuchRow(of, segments[1] ?? '');
  return unmodified(row, precondition) ?? jsonAnswer(pick(row, select), { headers: { etag: entityTag(row) } });
}

interface RowRequest extends Named {
  readonly key: Key;
}

/** @throws RequestError 400, 405; AppError `not-found` */
function oneRow(catalog: Catalog, { address }: RequestContext): RowRequest {
  inQuery(() => refuseParameters(address.parameters));
  const named = relationNamed(catalog, address.segments[0] ?? '');
  requireWritable(named);
  return { ...named, key: parseKey(named.relation, address.raw[1] ?? '') };
}

/** A whole row may leave out the key, which is in the address. */
function valuesOf({ relation, key }: RowRequest, mode: InputMode, input: PlainValue): Row {
  if (mode === 'part' || typeof input !== 'object' || input === null || Array.isArray(input))
    return parseInput(relation, mode, input);
  const own = relation.key.map((name, index) => [name, key[index] ?? null] as const);
  return parseInput(relation, mode, Object.fromEntries([...own, ...Object.entries(input)]));
}

async function replaceRow(context: RequestContext): Promise<Response> {
  const precondition = parsePrecondition(context.request.headers);
  const input = await readJson(context);
  const { values, ...named } = await withCatalog(context, (catalog) => {
    const row = oneRow(catalog, context);
    return { ...row, values: valuesOf(row, 'whole', input) };
  });
  const { table, key } = named;
  const done = await runWrite(context, named, { kind: 'replace', table, key, values, precondition });
  return rowAnswer(context, named, done, 200);
}

async function updateRow(context: RequestContext): Promise<Response> {
  const precondition = parsePrecondition(context.request.headers);
  const input = await readJson(context);
  const { values, ...named } = await withCatalog(context, (catalog) => {
    const row = oneRow(catalog, context);
    return { ...row, values: valuesOf(row, 'part', input) };
  });
  const { table, key } = named;
  const idempotency = parseIdempotencyKey(context, input);
  const done = await runWrite(context, named, { kind: 'update', table, key, values, precondition, ...idempotency });
  return rowAnswer(context, named, done, 200);
}

async function removeRow(context: RequestContext): Promise<Response> {
  const precondition = parsePrecondition(context.request.headers);
  const named = await withCatalog(context, (catalog) => oneRow(catalog, context));
  await runWrite(context, named, { kind: 'delete', table: named.table, key: named.key, precondition });
  return new Response(null, { status: statusOf(context, 204) });
}
