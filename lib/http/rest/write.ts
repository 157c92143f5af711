/** `POST`, `PATCH`, `PUT` and `DELETE /api/rest/v1/<table>` */
import type { Catalog } from '../../catalog/catalog.ts';
import { isAppError } from '../../errors.ts';
import { RestError } from '../../rest/faults.ts';
import { type PayloadOptions, readPayload, rowsOfCsv } from '../../rest/payload.ts';
import { planQuery } from '../../rest/plan.ts';
import { parsePreferences, type Preferences } from '../../rest/preferences.ts';
import { parseQuery, type RestQuery } from '../../rest/query.ts';
import { memberNames } from '../../rest/read.ts';
import { type RestRelation, relationNamed } from '../../rest/schemas.ts';
import { explainWrite } from '../../rest/write-faults.ts';
import {
  executeWrite,
  insertCommand,
  notSingular,
  putCommand,
  requiredFilter,
  type WriteRequest,
  type Written,
} from '../../rest/write.ts';
import type { Command } from '../../rows/commands.ts';
import { inTransaction } from '../../db/together.ts';
import { textOf } from '../../rows/values.ts';
import type { PlainValue, Row } from '../../values.ts';
import { readBytes } from '../body.ts';
import { refusePrecondition } from '../conditions.ts';
import { csvType } from '../formats/csv.ts';
import { readCsv } from '../../imports/csv.ts';
import type { RequestContext } from '../handle.ts';
import { parseIdempotencyKey } from '../idempotency-key.ts';
import { requireWritable, withCatalog } from '../relations.ts';
import { placedError, replayHeaders, statusOf } from '../writes.ts';
import { answer, bodyOf, contentRange, type Form, formOf } from './answer.ts';
import { readRestJson } from './body.ts';

/** Rows of one body. */
const mostRows = 10_000;

/** What a request says besides its table and rows. */
interface Said {
  readonly form: Form;
  readonly preferences: Preferences;
  readonly query: RestQuery;
}

interface PreparedWrite extends RestRelation {
  /** Null: there is nothing to do. */
  readonly command: Command | null;
  /** What it writes, as far as the request says. */
  readonly rows: readonly Row[];
  /** The members of the rows of an answer. */
  readonly names: readonly string[];
}

export async function restCreate(context: RequestContext): Promise<Response> {
  const said = saidBy(context);
  const { preferences, query } = said;
  const input = await readInput(context);
  const prepared = await prepare(context, said, (named) => {
    const body = bodyFor(named, input);
    const rows = readPayload(named.relation, body, payloadOptions(said));
    if (rows.length > mostRows) throw new RestError('PGRST102', 413, `A body has ${mostRows} rows at most`);
    const command = insertCommand(named, {
      rows,
      isMany: Array.isArray(body),
      resolution: preferences.resolution,
      onConflict: query.onConflict,
    });
    return { rows, command: rows.length === 0 ? null : withKey(context, command, input) };
  });
  const written = await run(context, said, prepared);
  const isAllThere = preferences.resolution === 'merge' && written.affected > 0 && written.existing >= written.affected;
  const status = isAllThere ? 200 : 201;
  const range = `*/${preferences.count ? written.affected : '*'}`;
  return answerWrite(context, said, prepared, written, { rows: status, empty: status, range });
}

export async function restUpdate(context: RequestContext): Promise<Response> {
  const said = saidBy(context);
  const input = await readInput(context);
  const prepared = await prepare(context, said, (named) => {
    const { table, relation } = named;
    const filter = requiredFilter('UPDATE', relation, said.query);
    const body = bodyFor(named, input);
    const [values = {}, ...others] = readPayload(relation, body, { ...payloadOptions(said), missingIsDefault: true });
    if (others.length > 0) throw new RestError('PGRST102', 400, 'PATCH takes one object');
    const returning = said.preferences.return === 'representation' ? { returning: true as const } : {};
    const command = { kind: 'updateMany', table, filter, values, ...returning } as const;
    return { rows: [values], command: Object.keys(values).length === 0 ? null : withKey(context, command, input) };
  });
  const written = await run(context, said, prepared);
  const range = contentRange(0, written.affected, said.preferences.count ? written.affected : null);
  return answerWrite(context, said, prepared, written, { rows: 200, empty: 204, range });
}

export async function restPut(context: RequestContext): Promise<Response> {
  const said = saidBy(context);
  const input = await readInput(context);
  const prepared = await prepare(context, said, (named) => {
    const rows = readPayload(named.relation, bodyFor(named, input), payloadOptions(said));
    return { rows, command: putCommand(named, rows, said.query) };
  });
  const written = await run(context, said, prepared);
  const isNew = written.existing === 0;
  return answerWrite(context, said, prepared, written, {
    rows: isNew ? 201 : 200,
    empty: isNew ? 201 : 204,
    range: null,
  });
}

export async function restDelete(context: RequestContext): Promise<Response> {
  const said = saidBy(context);
  const prepared = await prepare(context, said, ({ table, relation }) => {
    const filter = requiredFilter('DELETE', relation, said.query);
    const returning = said.preferences.return === 'representation' ? { returning: true as const } : {};
    return { rows: [], command: { kind: 'deleteMany', table, filter, ...returning } };
  });
  const written = await run(context, said, prepared);
  const range = `*/${said.preferences.count ? written.affected : '*'}`;
  return answerWrite(context, said, prepared, written, { rows: 200, empty: 204, range });
}

function saidBy({ request: { headers }, address }: RequestContext): Said {
  refusePrecondition(headers);
  const preferences = parsePreferences(headers.get('prefer'));
  return { form: formOf(headers), preferences, query: parseQuery(address.parameters) };
}

function payloadOptions({ query, preferences }: Said): PayloadOptions {
  return { columns: query.columns, missingIsDefault: preferences.missingIsDefault };
}

/** JSON, or the text of CSV. */
type Input = { readonly json: PlainValue } | { readonly csv: string };

async function readInput(context: RequestContext): Promise<Input> {
  const type = context.request.headers.get('content-type') ?? '';
  if (!type.toLowerCase().startsWith(csvType)) return { json: await readRestJson(context) };
  const bytes = await readBytes(context.request, context.terms.maxBodyBytes);
  try {
    return { csv: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (cause) {
    throw new RestError('PGRST102', 400, `The body is not UTF-8: ${String(cause).slice(0, 100)}`);
  }
}

function bodyFor({ relation }: RestRelation, input: Input): PlainValue {
  return 'json' in input ? input.json : rowsOfCsv(relation, readCsv(input.csv));
}

function withKey(context: RequestContext, command: Command, input: Input): Command {
  return { ...command, ...parseIdempotencyKey(context, 'json' in input ? input.json : input.csv) };
}

/** What the request means for the table, as far as this process knows it. */
function prepare(
  context: RequestContext,
  { preferences, query }: Said,
  make: (named: RestRelation) => Pick<PreparedWrite, 'command' | 'rows'>,
): Promise<PreparedWrite> {
  const profile = context.request.headers.get('content-profile');
  return withCatalog(context, (catalog: Catalog) => {
    const named = relationNamed(catalog, profile, context.address.segments[2] ?? '');
    requireWritable(named);
    const names = preferences.return === 'representation' ? memberNames(planQuery(catalog, named.relation, query)) : [];
    return { ...named, ...make(named), names };
  });
}

/** In the transaction everything is decided once more, by the tables that there are then. */
async function run(context: RequestContext, said: Said, prepared: PreparedWrite): Promise<Written> {
  const { command, relation, rows } = prepared;
  const { preferences, form, query } = said;
  if (command === null) return nothingWritten(form);
  const request: WriteRequest = {
    command,
    query,
    wantsRows: preferences.return === 'representation',
    isSingular: form.isSingular,
    maxAffected: preferences.maxAffected,
  };
  const database = await context.database();
  try {
    const options = { command: command as unknown as PlainValue };
    const work = (queries: Parameters<typeof executeWrite>[0], scope: Parameters<typeof executeWrite>[1]) =>
      preferences.isRolledBack
        ? executeWrite(queries, inTransaction(scope), request).then((written) => {
            throw new RolledBack(written);
          })
        : executeWrite(queries, scope, request);
    return context.unwrap(await database.write<Written>(work, options));
  } catch (error) {
    if (error instanceof RolledBack) return error.written;
    if (error instanceof RestError || !isAppError(error, 'invalid', 'conflict')) throw error;
    const placed = rows.length > 1 ? await placedError(context, relation, rows, error) : error;
    throw explainWrite(relation, rows, placed);
  }
}

/** Ends a transaction that was to be tried only. */
class RolledBack extends Error {
  readonly written: Written;

  constructor(written: Written) {
    super('The transaction was to be rolled back.');
    this.written = written;
  }
}

function nothingWritten({ isSingular }: Form): Written {
  if (isSingular) throw notSingular(0);
  return { fixed: null as never, value: [], replayed: false, affected: 0, existing: 0, rows: [], body: [] };
}

interface Statuses {
  /** With rows, and without. */
  readonly rows: number;
  readonly empty: number;
  readonly range: string | null;
}

function answerWrite(
  context: RequestContext,
  { form, preferences }: Said,
  prepared: PreparedWrite,
  written: Written,
  { rows, empty, range }: Statuses,
): Response {
  const hasRows = preferences.return === 'representation';
  const headers = { ...replayHeaders(written), ...locationOf(context, preferences, prepared, written) };
  const status = statusOf(context, hasRows ? rows : empty);
  const body = hasRows ? bodyOf(form, written.body, prepared.names) : null;
  return answer({ status, body, form, preferences, range, headers });
}

function locationOf(
  { request }: RequestContext,
  preferences: Preferences,
  { relation, table }: RestRelation,
  { rows: [row] }: Written,
): Record<string, string> {
  if (request.method !== 'POST' || preferences.return !== 'headers-only' || !row || relation.key.length === 0)
    return {};
  const key = relation.key.map(
    (name) => `${encodeURIComponent(name)}=eq.${encodeURIComponent(textOf(row[name] ?? null))}`,
  );
  return { location: `/api/rest/v1/${encodeURIComponent(table)}?${key.join('&')}` };
}
