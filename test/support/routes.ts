/** The files under api/ and the methods that they export. A file that is added is found by itself. */
import { loadRoutes as findRoutes } from '../../lib/server/load-routes.ts';

export type Served = (request: Request) => Promise<Response>;

export interface Route {
  /** `/api/[table]/[id]` */
  readonly path: string;
  /** By method, each that the file exports. */
  readonly served: Readonly<Record<string, Served>>;
}

/** Imports every file under api/; what they serve is what lib/http/serve.ts gives them. */
export async function loadRoutes(): Promise<Route[]> {
  const found = await findRoutes(new URL('../../api/', import.meta.url));
  return found.map(({ path, methods }) => ({ path, served: methods as Route['served'] }));
}
