/**
 * The change feed: what was committed after a version, as one page of JSON or as server-sent events that go on.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
import type { App } from '../app.ts';
import type { ChangePage, ChangeSet, Database } from '../db/database.ts';
import { AppError } from '../errors.ts';
import { ParameterFault } from '../rows/filter.ts';
import { parseLimit } from '../rows/list.ts';
import { type Parameter, ParameterReader } from '../rows/parameters.ts';
import { changeFilter, counted, type CountedSet } from './change-filter.ts';
import { eventStream } from './event-stream.ts';
import type { Handler, RequestContext } from './handle.ts';
import { negotiate } from './accept.ts';
import { inQuery, problemResponse, RequestError } from './problem.ts';

/** What the endpoint answers; JSON unless a client asks for events. */
export const changeTypes = ['application/json', 'text/event-stream'] as const;

/** Ends well before the function's own limit (300 s), which would cut an event in two; clients connect again. */
const streamForMs = 240_000;
/** Proxies drop what is silent for half a minute or more. */
const heartbeatMs = 15_000;
const firstPauseMs = 1000;
const longestPauseMs = 5000;
const setsPerRound = 100;

export function changesHandler(app: App): Handler {
  return async (context) => {
    const { after: given, limit, hasRows, ...filter } = inQuery(() => parseFeedQuery(context.address.parameters));
    const isStream = negotiate(context.request.headers, changeTypes) === 'text/event-stream';
    const database = await context.database();
    const after = (isStream ? lastEventId(context) : null) ?? given ?? (await findHead(context, database));
    const { signal } = context.request;
    const passes = await changeFilter(database, filter);
    const pass: TellSet = hasRows ? passes : (set) => nullOr(passes(set), counted);
    const page = context.unwrap(await database.changes({ after, limit, signal }));
    requireKept(page, after);
    requireTold(page, filter.table);
    if (!isStream) return Response.json(pageBody(page, after, pass));
    return eventStream((ended) =>
      tellChanges(
        app,
        context,
        { database, page, after, pass, table: filter.table, beganMs: app.runtime.monotonicMs() },
        ended,
      ),
    );
  };
}

/** The event for a set of changes; null when the filter leaves nothing. */
type TellSet = (set: ChangeSet) => ChangeSet | CountedSet | null;

function nullOr<A, B>(value: A | null, map: (value: A) => B): B | null {
  return value === null ? null : map(value);
}

interface FeedQuery {
  /** Null: from now on. */
  readonly after: number | null;
  readonly limit: number;
  /** Null: of all tables. */
  readonly table: string | null;
  /** False: how many rows, in the place of the rows. */
  readonly hasRows: boolean;
  /** Of one row, as a path names it; null: of all rows. */
  readonly key: string | null;
}

const defaultSets = 100;
const maxSets = 1000;

/** @throws AppError `invalid` with one entry a wrong parameter. */
function parseFeedQuery(parameters: readonly Parameter[]): FeedQuery {
  const reader = new ParameterReader(parameters);
  const after = reader.once('after', parseVersion);
  const limit = reader.once('limit', (text) => parseLimit(text, maxSets)) ?? defaultSets;
  const table = reader.once('table', (text) => text);
  const key = reader.once('key', (text) => {
    if (table === null) throw new ParameterFault('needs a table');
    return text;
  });
  const hasRows = reader.once('rows', parseRows) ?? true;
  reader.finish('is no parameter of the change feed; it has "after", "limit", "table", "key" and "rows"');
  return { after, limit, table, key, hasRows };
}

function parseRows(text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new ParameterFault('expects true or false');
  return text === 'true';
}

function parseVersion(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new ParameterFault('expects a version, as an answer has it in db-bookmark');
  return Number(text);
}

/** The client's own word on where it was, of the connection before this one. @throws RequestError 400 */
function lastEventId({ request }: RequestContext): number | null {
  const text = request.headers.get('last-event-id');
  if (text === null || text === '') return null;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const message = 'expects a version, as the events of this feed have it in their id';
  throw new RequestError(400, `The header last-event-id ${message}.`, { fields: [{ path: 'last-event-id', message }] });
}

async function findHead(context: RequestContext, database: Database): Promise<number> {
  const nothing = database.read(() => Promise.resolve(null), { ...context.readOptions, maxStalenessMs: 0 });
  return (await nothing).version;
}

function pageBody({ sets, oldest, head }: ChangePage, after: number, pass: TellSet) {
  return { data: sets.flatMap((set) => pass(set) ?? []), next: sets.at(-1)?.version ?? after, oldest, head };
}

/** @throws RequestError 410, 400 */
function requireKept({ oldest, head }: ChangePage, after: number): void {
  if (after < oldest) {
    throw new RequestError(410, `The changes after version ${after} are no longer kept.`, {
      hint: `Export the tables again and continue from the db-bookmark of that answer. The feed goes back to version ${oldest}.`,
      fields: [{ path: 'after', message: `must be ${oldest} or more` }],
    });
  }
  if (after > head) {
    throw new RequestError(400, `There is no version ${after}: the newest is ${head}.`, {
      hint: 'It belongs to another database, or to one that was restored since: export the tables again.',
      fields: [{ path: 'after', message: `must be ${head} or less` }],
    });
  }
}

/**
 * The feed is complete or fails: its readers have no other way to see that rows are missing.
 * @throws AppError `conflict`
 */
function requireTold({ untold = [] }: ChangePage, table: string | null): void {
  const [first] = untold.filter((each) => table === null || `.${each}`.endsWith(`.${table}`));
  if (first === undefined) return;
  throw new AppError('conflict', `The change feed is not complete: it does not cover ${first}.`, {
    hint: '/api/db-status says why, and what to do. Until then, ask for the changes of other tables, one by one with ?table=.',
  });
}

interface FeedPosition {
  readonly database: Database;
  /** What is there already. */
  readonly page: ChangePage;
  readonly after: number;
  readonly pass: TellSet;
  readonly table: string | null;
  /** When the answer began, on the monotonic clock. */
  readonly beganMs: number;
}

/** The events, as text. A later failure becomes an event: the status has already been sent. */
async function* tellChanges(
  app: App,
  context: RequestContext,
  position: FeedPosition,
  ended: AbortSignal,
): AsyncGenerator<string> {
  // An event with an id alone is not dispatched, but it is where the client goes on if nothing else comes.
  yield `retry: ${firstPauseMs}\nid: ${position.after}\n\n`;
  try {
    yield* followChanges(app, position, ended);
  } catch (error) {
    if (ended.aborted) return;
    const response = problemResponse(error);
    if (response.status >= 500) context.logFailure(error, response.status);
    yield `event: problem\ndata: ${await response.text()}\n\n`;
  }
}

async function* followChanges(
  { runtime }: Pick<App, 'runtime'>,
  { database, pass, table, beganMs, ...start }: FeedPosition,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let { page, after } = start;
  let [pauseMs, spokeMs] = [firstPauseMs, beganMs];
  while (runtime.monotonicMs() - beganMs < streamForMs) {
    const passed = page.sets.flatMap((set) => pass(set) ?? []);
    for (const set of passed) yield eventOf(set);
    const isQuiet = passed.length === 0;
    after = page.sets.at(-1)?.version ?? after;
    pauseMs = isQuiet ? Math.min(pauseMs * 1.5, longestPauseMs) : firstPauseMs;
    if (!isQuiet) spokeMs = runtime.monotonicMs();
    if (runtime.monotonicMs() - spokeMs >= heartbeatMs) {
      yield page.sets.length === 0 ? ': nothing new\n\n' : `id: ${after}\n\n`;
      spokeMs = runtime.monotonicMs();
    }
    if (after >= page.head) await runtime.sleep(pauseMs, signal);
    page = (await database.changes({ after, limit: setsPerRound, signal })).value;
    requireKept(page, after);
    requireTold(page, table);
  }
}

function eventOf(set: ChangeSet | CountedSet): string {
  return `id: ${set.version}\nevent: change\ndata: ${JSON.stringify(set)}\n\n`;
}
