/** All functions as plain `Request` to `Response`: what the files under api/ export, and what tests call. */
import { catalogHandler } from './catalog.ts';
import { changesHandler, changeTypes } from './changes.ts';
import { exportHandler, exportPermission, exportTypes } from './export.ts';
import { handle, type Handler, type Services } from './handle.ts';
import { defaultLoadLimits, type LoadLimits, LoadShedder } from './load-shedder.ts';
import { openApiHandler } from './openapi.ts';
import { importHandler } from './import.ts';
import { statusHandler, syncHandler } from './operations.ts';
import { RequestError } from './problem.ts';
import { restTypes } from './rest/answer.ts';
import { restCall } from './rest/call.ts';
import { restProblem } from './rest/problem.ts';
import { restRead } from './rest/read.ts';
import { restCreate, restDelete, restPut, restUpdate } from './rest/write.ts';
import type { Fetch } from './router.ts';
import type { Endpoints } from './routes.ts';
import { rowHandlers } from './rows.ts';
import { sqlFailure } from './sql-failure.ts';
import { sqlHandler, sqlTypes } from './sql.ts';
import { reading, type Terms, writing } from './terms.ts';
import { WriteTrouble } from './write-trouble.ts';
import { giveUpHandler, partBytes, partHandler } from './uploads.ts';

/** Batches of a driver have many rows. */
const sqlBytes = 4 * 1024 * 1024;
const asking = {
  permission: 'sql',
  load: 'query',
  maxBodyBytes: sqlBytes,
  produces: sqlTypes,
  failure: sqlFailure,
} as const;
const exporting = { permission: exportPermission, load: 'transfer', maxBodyBytes: 0, produces: exportTypes } as const;
/** What Vercel lets through. */
const importing = { permission: 'import', load: 'transfer', maxBodyBytes: 4_500_000 } as const;
const inRest = { produces: restTypes, failure: restProblem } as const;
/** A macro may take as much as a query. */
const calling = { ...inRest, permission: 'read-table', load: 'query', maxBodyBytes: 512 * 1024 } as const;
const syncing = { load: 'free', maxBodyBytes: 0, produces: ['application/json', 'text/event-stream'] } as const;

export function createEndpoints(given: Services, loadLimits: LoadLimits = defaultLoadLimits): Endpoints {
  const writeTrouble = new WriteTrouble();
  given.app.onNotice(({ isEnd, ...entry }) => {
    // What failed in an outage says nothing of the time after it.
    if (isEnd) writeTrouble.forget();
    given.log(entry);
  });
  const services = {
    ...given,
    loggedProblems: new Set<string>(),
    writeTrouble,
    shedder: new LoadShedder(given.app.runtime, loadLimits),
  };
  const endpoint =
    (terms: Terms, handler: Handler): Fetch =>
    (request) =>
      handle(services, request, terms, handler);
  const sync = syncHandler(services.app);
  return {
    status: endpoint({ permission: 'status', load: 'free', maxBodyBytes: 0 }, statusHandler(services.app)),
    sync: endpoint({ ...syncing, permission: 'sync', maxBodyBytes: 64 * 1024 }, sync),
    cronSync: endpoint({ ...syncing, permission: 'cron-sync' }, sync),
    list: endpoint(reading('read-table'), rowHandlers.list),
    create: endpoint(writing('write-table'), rowHandlers.create),
    updateMatching: endpoint(writing('write-table'), rowHandlers.updateMatching),
    removeMatching: endpoint(writing('write-table', 0), rowHandlers.removeMatching),
    readOne: endpoint(reading('read-table'), rowHandlers.readOne),
    replace: endpoint(writing('write-table'), rowHandlers.replace),
    update: endpoint(writing('write-table'), rowHandlers.update),
    remove: endpoint(writing('write-table', 0), rowHandlers.remove),
    changes: endpoint({ ...reading('changes'), produces: changeTypes }, changesHandler(services.app)),
    export: endpoint(exporting, exportHandler(services.app)),
    import: endpoint(importing, importHandler(services.app)),
    importPart: endpoint(writing('import', partBytes), partHandler(services.app)),
    importGivenUp: endpoint(writing('import', 0), giveUpHandler(services.app)),
    sql: endpoint(asking, sqlHandler(services.app)),
    catalog: endpoint(reading('catalog'), catalogHandler),
    openapi: endpoint({ permission: 'openapi', load: 'free', maxBodyBytes: 0 }, openApiHandler()),
    restRead: endpoint({ ...reading('read-table'), ...inRest }, restRead),
    restCreate: endpoint({ ...writing('write-table', importing.maxBodyBytes), ...inRest }, restCreate),
    restUpdate: endpoint({ ...writing('write-table'), ...inRest }, restUpdate),
    restPut: endpoint({ ...writing('write-table'), ...inRest }, restPut),
    restDelete: endpoint({ ...writing('write-table', 0), ...inRest }, restDelete),
    restCall: endpoint(calling, restCall),
    refuse: (request, allow) =>
      handle(services, request, { permission: 'methods', load: 'free', maxBodyBytes: 0 }, () => refuse(request, allow)),
  };
}

async function refuse(request: Request, allow: string): Promise<Response> {
  if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers: { allow } });
  const message = `${request.method} is not served here. Allowed: ${allow}.`;
  throw new RequestError(405, message, { headers: { allow } });
}
