/** The routes of everything under /api, and the handlers of each. */
import type { Fetch, Route as FoundRoute } from '../../lib/http/router.ts';
import { type Endpoints, functionsOf, routesOf } from '../../lib/http/routes.ts';
import { loadRoutes as findRoutes } from '../../lib/server/load-routes.ts';

export interface Route {
  /** `/api/[table]/[id]` */
  readonly path: string;
  /** By method. Those that are not served are one and the same. */
  readonly served: Readonly<Record<string, Fetch>>;
}

export function routesOn(endpoints: Endpoints): Route[] {
  return routesOf(functionsOf(endpoints)).map(asServed);
}

/** What the files under api/ export. A file that is added is found by itself. */
export async function loadRoutes(): Promise<Route[]> {
  return (await findRoutes(new URL('../../api/', import.meta.url))).map(asServed);
}

function asServed({ path, methods }: FoundRoute): Route {
  return { path, served: methods as Route['served'] };
}
