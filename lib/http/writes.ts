/** What all writes to tables have in common: running the command, the answer with a row. */
import { isAppError } from '../errors.ts';
import { type Command, type Done, executeOnly, type Outcome, setNameOf } from '../rows/commands.ts';
import { placeFaults } from '../rows/faults.ts';
import type { Once } from '../rows/idempotency.ts';
import { keySegment } from '../rows/key.ts';
import type { PlainValue, Row } from '../values.ts';
import { entityTag } from './conditions.ts';
import type { RequestContext } from './handle.ts';
import { jsonAnswer } from './json-answer.ts';
import type { Named } from './relations.ts';

export async function runWrite<C extends Command>(
  context: RequestContext,
  { relation }: Named,
  command: C,
): Promise<Done<Outcome<C>>> {
  const database = await context.database();
  // Optional members that are absent are absent in JSON, too.
  const options = { command: command as unknown as PlainValue, together: setNameOf(command) };
  try {
    return context.unwrap(await database.write((queries, scope) => executeOnly(queries, scope, command), options));
  } catch (error) {
    if (!('rows' in command) || !isAppError(error, 'invalid', 'conflict')) throw error;
    throw await placedError(context, relation, command.rows, error);
  }
}

/** The error with the places of the rows that it is about; as it was, where they cannot be found out. */
export async function placedError(
  context: RequestContext,
  relation: Named['relation'],
  rows: readonly Row[],
  error: Parameters<typeof placeFaults>[3],
  placeName?: Parameters<typeof placeFaults>[4],
): Promise<Error> {
  const database = await context.database();
  const placed = database.read((_queries, scope) => placeFaults(scope, relation, rows, error, placeName));
  return placed.then(
    ({ value }) => value,
    () => error,
  );
}

/**
 * The row with its tag. The body is the row as it is at its own address, and the tag is that of this body, which is not
 * what was sent: the header content-location says so.
 */
export function rowAnswer(
  context: RequestContext,
  { relation, table }: Named,
  done: Once<Row>,
  status: 200 | 201,
): Response {
  const headers = new Headers(replayHeaders(done));
  const key = keySegment(relation, done.value);
  if (key !== null) {
    const place = `/api/${encodeURIComponent(table)}/${key}`;
    headers.set('etag', entityTag(done.value));
    headers.set('content-location', place);
    if (status === 201) headers.set('location', place);
  }
  return jsonAnswer(done.value, { status: statusOf(context, status), headers });
}

/** A write that a fallback keeps is accepted, and not yet done. */
export function statusOf(context: RequestContext, status: number): number {
  return context.durability() === 'pending' ? 202 : status;
}

export function replayHeaders({ replayed }: Once<unknown>): Record<string, string> {
  return replayed ? { 'idempotent-replayed': 'true' } : {};
}
