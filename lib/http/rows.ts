/**
 * The routes of tables, the same for every table of the schema: list, create, and one row's read, replace, update,
 * delete.
 *
 * Owns: which statuses and headers they answer with. Each handler parses, makes one call, responds. Knows nothing of
 * which tables there are. The worst that can happen: a write that is validated by other rules than the table's.
 */
import { type Command, executeCommand, findRow, noSuchRow, tableNamed } from '../schema/commands.ts';
import { newId, parseUuid } from '../schema/identifiers.ts';
import { parseListQuery, parseRowQuery, refuseParameters } from '../schema/list/parameters.ts';
import { selectPage } from '../schema/list/select.ts';
import { momentOfMillis } from '../schema/moments.ts';
import type { Table } from '../schema/table.ts';
import type { InputMode, InputValues } from '../schema/validation.ts';
import type { Row } from '../schema/values.ts';
import type { App } from '../app.ts';
import { readJson } from './body.ts';
import type { Handler, RequestContext } from './handle.ts';
import { inQuery } from './problem.ts';

export interface RowHandlers {
  readonly list: Handler;
  readonly create: Handler;
  readonly readOne: Handler;
  readonly replace: Handler;
  readonly update: Handler;
  readonly remove: Handler;
}

export function rowHandlers(app: App): RowHandlers {
  return {
    list: (context) => listRows(app, context),
    create: (context) => createRow(app, context),
    readOne: (context) => readRow(app, context),
    replace: (context) => changeRow(app, context, 'replace'),
    update: (context) => changeRow(app, context, 'update'),
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

async function createRow(app: App, context: RequestContext): Promise<Response> {
  const table = tableOf(app, context);
  inQuery(() => refuseParameters(context.address.parameters));
  const values = await readInput(context, table, 'whole');
  const id = newId(app.runtime);
  const row = await write(app, context, { kind: 'create', table: table.name, id, at: nowOf(app), values });
  const headers = { location: `/api/${table.name}/${id}` };
  return Response.json(row, { status: context.durability() === 'pending' ? 202 : 201, headers });
}

async function readRow(app: App, context: RequestContext): Promise<Response> {
  const table = tableOf(app, context);
  const id = idOf(table, context);
  const select = inQuery(() => parseRowQuery(table, context.address.parameters));
  const database = await context.database();
  const row = context.noted(await database.read((queries) => findRow(queries, table, id), context.readOptions));
  if (!row) throw noSuchRow(table, id);
  return Response.json(pick(row, select));
}

async function changeRow(app: App, context: RequestContext, kind: 'replace' | 'update'): Promise<Response> {
  const table = tableOf(app, context);
  const id = idOf(table, context);
  inQuery(() => refuseParameters(context.address.parameters));
  const values = await readInput(context, table, kind === 'replace' ? 'whole' : 'part');
  const row = await write(app, context, { kind, table: table.name, id, at: nowOf(app), values });
  return Response.json(row, { status: context.durability() === 'pending' ? 202 : 200 });
}

async function removeRow(app: App, context: RequestContext): Promise<Response> {
  const table = tableOf(app, context);
  const id = idOf(table, context);
  inQuery(() => refuseParameters(context.address.parameters));
  await write(app, context, { kind: 'delete', table: table.name, id, at: nowOf(app) });
  return new Response(null, { status: context.durability() === 'pending' ? 202 : 204 });
}

async function write(app: App, context: RequestContext, command: Command): Promise<Row | null> {
  const database = await context.database();
  return context.noted(await database.write((queries) => executeCommand(queries, app.schema, command), { command }));
}

async function readInput(context: RequestContext, table: Table, mode: InputMode): Promise<InputValues> {
  const input = await readJson(context);
  // zod costs a cold start 40 ms, which reads need not wait for.
  const { parseInput } = await import('../schema/validation.ts');
  return parseInput(table, mode, input);
}

function tableOf(app: App, { address }: RequestContext): Table {
  return tableNamed(app.schema, address.segments[0] ?? '');
}

/** An id that is no UUID names no row, as any other id that no row has. */
function idOf(table: Table, { address }: RequestContext): string {
  const given = address.segments[1] ?? '';
  const id = parseUuid(given);
  if (id === null) throw noSuchRow(table, given);
  return id;
}

function nowOf(app: App): string {
  return momentOfMillis(app.runtime.now());
}

function pick(row: Row, names: readonly string[]): Row {
  return Object.fromEntries(names.map((name) => [name, row[name] ?? null]));
}
