/**
 * All functions as plain `Request` to `Response`: what the files under api/ export, and what tests call.
 *
 * Owns: which handler serves which function. Knows nothing of the platform's conventions for files.
 */
import { handle, type Handler, type Services } from './handle.ts';
import { statusHandler, syncHandler } from './operations.ts';
import { RequestError } from './problem.ts';
import { rowHandlers } from './rows.ts';

type Endpoint = (request: Request) => Promise<Response>;

export interface Endpoints {
  readonly status: Endpoint;
  readonly sync: Endpoint;
  readonly list: Endpoint;
  readonly create: Endpoint;
  readonly readOne: Endpoint;
  readonly replace: Endpoint;
  readonly update: Endpoint;
  readonly remove: Endpoint;
  /** For the methods that a function does not serve: 405 with the methods that it does; OPTIONS asks for them. */
  refuse(request: Request, allow: string): Promise<Response>;
}

export function createEndpoints(services: Services): Endpoints {
  const endpoint =
    (handler: Handler): Endpoint =>
    (request) =>
      handle(services, request, handler);
  const rows = rowHandlers(services.app);
  return {
    status: endpoint(statusHandler(services.app)),
    sync: endpoint(syncHandler(services.app)),
    list: endpoint(rows.list),
    create: endpoint(rows.create),
    readOne: endpoint(rows.readOne),
    replace: endpoint(rows.replace),
    update: endpoint(rows.update),
    remove: endpoint(rows.remove),
    refuse: (request, allow) => handle(services, request, () => refuse(request, allow)),
  };
}

async function refuse(request: Request, allow: string): Promise<Response> {
  if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers: { allow } });
  const message = `${request.method} is not served here; ${allow} are.`;
  throw new RequestError(405, message, { headers: { allow } });
}
