/**
 * What all writes to tables have in common: what a request names, its input, running the command, the answer with a row.
 *
 * Owns: these steps. The worst that can happen: a command that runs without being handed over as data, which no fallback
 * could keep; so there is one place that runs them.
 */
import type { App } from '../app.ts';
import { type Command, executeCommand, type Outcome } from '../schema/commands.ts';
import { parseUuid } from '../schema/identifiers.ts';
import { momentOfMillis } from '../schema/moments.ts';
import { noSuchRow, tableNamed } from '../schema/rows.ts';
import type { Table } from '../schema/table.ts';
import type { InputMode, InputValues } from '../schema/validation.ts';
import type { PlainValue, Row } from '../values.ts';
import type { Done } from '../schema/write/idempotency.ts';
import { readJson } from './body.ts';
import { entityTag } from './conditions.ts';
import type { RequestContext } from './handle.ts';

export function tableOf(app: App, { address }: RequestContext): Table {
  return tableNamed(app.schema, address.segments[0] ?? '');
}

/** An id that is no UUID names no row, as any other id that no row has. */
export function idOf(table: Table, { address }: RequestContext): string {
  const given = address.segments[1] ?? '';
  const id = parseUuid(given);
  if (id === null) throw noSuchRow(table, given);
  return id;
}

export function nowOf(app: App): string {
  return momentOfMillis(app.runtime.now());
}

export interface Input {
  /** As it was sent. */
  readonly input: PlainValue;
  readonly values: InputValues;
}

export async function readInput(context: RequestContext, table: Table, mode: InputMode): Promise<Input> {
  const input = await readJson(context);
  // zod costs a cold start 40 ms, which reads need not wait for.
  const { parseInput } = await import('../schema/validation.ts');
  return { input, values: parseInput(table, mode, input) };
}

export async function runWrite<C extends Command>(
  app: App,
  context: RequestContext,
  command: C,
): Promise<Done<Outcome<C>>> {
  const database = await context.database();
  return context.noted(await database.write((queries) => executeCommand(queries, app.schema, command), { command }));
}

/**
 * The row with its tag. The body is the row as it is at its own address, and the tag is that of this body, which is not
 * what was sent: the header content-location says so.
 */
export function rowAnswer(context: RequestContext, table: Table, done: Done<Row>, status: 200 | 201): Response {
  const place = `/api/${table.name}/${done.value['id'] as string}`;
  const headers = new Headers({ etag: entityTag(done.value), 'content-location': place, ...replayHeaders(done) });
  if (status === 201) headers.set('location', place);
  return Response.json(done.value, { status: statusOf(context, status), headers });
}

/** A write that a fallback keeps is accepted, and not yet done. */
export function statusOf(context: RequestContext, status: number): number {
  return context.durability() === 'pending' ? 202 : status;
}

export function replayHeaders({ replayed }: Done<unknown>): Record<string, string> {
  return replayed ? { 'idempotent-replayed': 'true' } : {};
}
