/** The functions for operators: db-status and db-sync. */
import { type App, notTheRequest } from '../app.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { describeBackend, persistenceMessage } from '../config/backends.ts';
import type { Config, Examination } from '../config/config.ts';
import { type Answer, ClosedError, type Database, type DatabaseStatus, type SyncReport } from '../db/database.ts';
import type { RejectedWrite } from '../db/fallback/drain.ts';
import { AppError } from '../errors.ts';
import { refuseParameters } from '../rows/parameters.ts';
import { seesEverything } from './access.ts';
import { readJson } from './body.ts';
import type { Handler, RequestContext } from './handle.ts';
import { inQuery } from './problem.ts';
import { isReachable } from './relations.ts';
import { acceptsEvents, streamProgress } from './progress.ts';
import { summaryHandler } from './summary.ts';

export function statusHandler(app: App): Handler {
  const summary = summaryHandler(app);
  return async (context) => {
    inQuery(() => refuseParameters(context.address.parameters));
    if (!seesEverything(context.role)) return summary(context);
    const examination = app.examine();
    try {
      const { probe, status } = await probeDatabase(context);
      const database = await context.database();
      const rejected = await findRejected(database);
      const trouble = context.writeTrouble();
      const body = statusBody(examination, status, probe, trouble);
      const warnings = [
        ...(trouble === null ? [] : [trouble]),
        ...body.warnings,
        ...hiddenTables(await database.catalog()),
      ];
      const stranded = (await database.stranded?.list()) ?? [];
      return Response.json({ ...body, warnings, rejectedWrites: rejected, strandedWrites: stranded });
    } catch (error) {
      context.logFailure(error, 503);
      const waiting = error instanceof ClosedError ? await error.waiting().catch(() => null) : null;
      const body = { ...downBody(examination, error), ...waiting };
      return Response.json(body, { status: 503, headers: { 'retry-after': '5' } });
    }
  };
}

/** With `accept: text/event-stream` the answer streams the progress of large transfers. */
export function syncHandler(app: App): Handler {
  return async (context) => {
    inQuery(() => refuseParameters(context.address.parameters));
    const dismissal = await readDismissal(context);
    const database = await context.database();
    if (dismissal) return Response.json({ dismissed: await dismissWrites(context, database, dismissal) });
    if (acceptsEvents(context.request)) {
      return streamProgress(syncDatabase(database), {
        runtime: app.runtime,
        progress: async () => ({ transfers: (await database.status()).transfers }),
        onFailure: (error) => context.logFailure(error, 503),
      });
    }
    const report = await syncDatabase(database);
    context.unwrap({
      value: report,
      version: report.version,
      durability: 'durable',
      timings: { sync: report.durationMs },
    });
    return Response.json(report);
  };
}

/** `{"dismiss": ["<id>"]}`: forgets rejected and stranded writes that were dealt with; `"all"`: all rejected ones. Null without a body. */
async function readDismissal(context: RequestContext): Promise<readonly string[] | 'all' | null> {
  const { request } = context;
  if (request.method !== 'POST' || !request.headers.has('content-type')) return null;
  const input = await readJson(context);
  const dismiss = typeof input === 'object' && input !== null && 'dismiss' in input ? input.dismiss : null;
  if (dismiss === 'all') return 'all';
  if (Array.isArray(dismiss) && dismiss.length > 0 && dismiss.every((id) => typeof id === 'string')) return dismiss;
  const message =
    'expects the ids of rejected or stranded writes, as db-status lists them, or "all" for the rejected ones';
  throw new AppError('invalid', 'The body does not say what to dismiss.', { fields: [{ path: 'dismiss', message }] });
}

async function dismissWrites(
  context: RequestContext,
  database: Database,
  ids: readonly string[] | 'all',
): Promise<number> {
  const stranded = ids === 'all' ? [] : ((await database.stranded?.dismiss(ids)) ?? []);
  const rejected = ids === 'all' ? ids : ids.filter((id) => !stranded.includes(id));
  if (rejected.length === 0) return stranded.length;
  const { dismissRejected } = await import('../db/fallback/drain.ts');
  const forgotten = context.unwrap(await database.write((queries) => dismissRejected(queries, rejected)));
  return stranded.length + forgotten;
}

async function syncDatabase(database: Database): Promise<SyncReport> {
  try {
    const report = await database.sync();
    await database.uploads.dropAbandoned();
    return report;
  } catch (error) {
    throw notTheRequest(error);
  }
}

interface Probed {
  readonly probe: Answer<unknown>;
  readonly status: DatabaseStatus;
}

/** A real read at the head of the log, then the status that it left. */
async function probeDatabase(context: RequestContext): Promise<Probed> {
  const database = await context.database();
  // A bookmark that is of no use would say of a database that is well that it is down.
  const { atLeast: _, ...options } = context.readOptions;
  const probe = await database.read((queries) => queries.selectNoFrom((eb) => eb.lit(1).as('one')).execute(), {
    ...options,
    maxStalenessMs: 0,
  });
  context.unwrap(probe);
  return { probe, status: await database.status() };
}

/** Most that db-status lists. */
const mostRejected = 100;

/** Null when unknown: a standby has no such list. */
async function findRejected(database: Database): Promise<readonly RejectedWrite[] | null> {
  const { listRejected } = await import('../db/fallback/drain.ts');
  const found = await database
    .read((queries) => listRejected(queries, mostRejected), { maxStalenessMs: Infinity })
    .catch(() => null);
  return found?.value ?? null;
}

function statusBody(
  { config, candidates }: Examination,
  status: DatabaseStatus,
  { degraded }: Answer<unknown>,
  trouble: string | null,
) {
  const name = config?.chosen.backend ?? 'local';
  const { persistent } = describeBackend(name);
  const message = config === null ? '' : persistenceMessage(config, { tellsPlace: true });
  return {
    status: degraded === undefined && trouble === null ? 'ok' : 'degraded',
    message: status.outage ? `${degraded ?? ''}. Writes ${status.outage.writes}.` : (trouble ?? message),
    degraded: degraded ?? null,
    outage: status.outage ?? null,
    backend: name,
    engine: status.engine,
    persistent,
    location: status.location,
    databaseId: status.databaseId,
    version: status.version,
    candidates,
    checkpoint: status.checkpoint,
    pendingWrites: status.pendingWrites,
    transfers: status.transfers,
    usage: status.usage,
    mirror: status.mirror ?? null,
    warnings: [...accessWarnings(config), ...status.warnings],
  };
}

/** Tables whose address is that of something else. */
function hiddenTables({ relations, defaultSchema }: Catalog): string[] {
  return [...relations.values()]
    .filter(({ schema, name }) => schema === defaultSchema && !isReachable(name))
    .map(
      ({ name }) =>
        `The table "${name}" is not at /api/${name}, which is a function: use /api/rest/v1/${name}, or SQL.`,
    );
}

function accessWarnings(config: Config | null): string[] {
  if (!config?.onVercel || config.access.cronSecret !== null) return [];
  return [
    "CRON_SECRET is not set: Vercel's daily call of /api/db-sync is refused. Checkpoints come with writes alone, and what was dropped stays longer.",
  ];
}

/** The same fields; what only an open database knows is null. */
function downBody({ config, candidates, problems }: Examination, error: unknown) {
  const name = config?.chosen.backend ?? null;
  const traits = name === null ? null : describeBackend(name);
  return {
    status: 'down',
    message: reasonOf(error),
    degraded: null,
    outage: null,
    backend: name,
    engine: traits?.engine ?? null,
    persistent: traits?.persistent ?? null,
    location: null,
    databaseId: null,
    version: null,
    candidates,
    checkpoint: null,
    pendingWrites: null,
    rejectedWrites: null,
    strandedWrites: null,
    transfers: [],
    usage: null,
    mirror: null,
    warnings: problems.map(({ message }) => message),
  };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof AppError))
    return 'The database cannot be used because of a defect of this server; its log says more.';
  return error.hint === undefined ? error.message : `${error.message} ${error.hint}`;
}
