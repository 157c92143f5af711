/** Which endpoint serves which method of which address: the one list of everything under /api. */
import type { Fetch, Route } from './router.ts';

const methods = ['GET', 'HEAD', 'POST', 'PATCH', 'PUT', 'DELETE', 'OPTIONS'] as const;

export type HttpMethod = (typeof methods)[number];

const routes = {
  '/api/[table]': { GET: 'list', HEAD: 'list', POST: 'create', PATCH: 'updateMatching', DELETE: 'removeMatching' },
  '/api/[table]/[id]': { GET: 'readOne', HEAD: 'readOne', PUT: 'replace', PATCH: 'update', DELETE: 'remove' },
  '/api/catalog': { GET: 'catalog', HEAD: 'catalog' },
  '/api/changes': { GET: 'changes', HEAD: 'changes' },
  '/api/db-status': { GET: 'status', HEAD: 'status' },
  // Vercel's cron sends GET.
  '/api/db-sync': { GET: 'cronSync', POST: 'sync' },
  '/api/export': { GET: 'export', HEAD: 'export' },
  '/api/import': { POST: 'import', PUT: 'importPart', DELETE: 'importGivenUp' },
  '/api/openapi': { GET: 'openapi', HEAD: 'openapi' },
  '/api/rest/v1/[table]': {
    GET: 'restRead',
    HEAD: 'restRead',
    POST: 'restCreate',
    PATCH: 'restUpdate',
    PUT: 'restPut',
    DELETE: 'restDelete',
  },
  '/api/rest/v1/rpc/[name]': { GET: 'restCall', HEAD: 'restCall', POST: 'restCall' },
  '/api/sql': { POST: 'sql' },
} as const satisfies Record<string, Partial<Record<HttpMethod, string>>>;

type PathValues<T> = T extends unknown ? T[keyof T] : never;
type EndpointName = PathValues<PathValues<typeof routes>>;

/** What the endpoints are called, one of which answers what no other does. */
export interface Endpoints extends Readonly<Record<EndpointName, Fetch>> {
  /** For the methods that an address does not serve: 405 with the methods that it does; OPTIONS asks for them. */
  refuse(request: Request, allow: string): Promise<Response>;
}

/** A handler for each method; those that are not served answer 405 with the methods that are. */
export type Handlers = Readonly<Record<HttpMethod, Fetch>>;

export type Functions = Readonly<Record<keyof typeof routes, Handlers>>;

export function functionsOf(endpoints: Endpoints): Functions {
  const all = Object.entries<Partial<Record<HttpMethod, EndpointName>>>(routes);
  return Object.fromEntries(all.map(([path, served]) => [path, handlersOf(endpoints, served)])) as Functions;
}

function handlersOf(endpoints: Endpoints, served: Partial<Record<HttpMethod, EndpointName>>): Handlers {
  const allow = Object.keys(served).join(', ');
  const refuse: Fetch = (request) => endpoints.refuse(request, allow);
  const handlers = methods.map((method): [HttpMethod, Fetch] => {
    const name = served[method];
    return [method, name === undefined ? refuse : (request) => endpoints[name](request)];
  });
  return Object.fromEntries(handlers) as Handlers;
}

export function routesOf(functions: Functions): Route[] {
  return Object.entries(functions).map(([path, handlers]) => ({ path, methods: handlers }));
}
