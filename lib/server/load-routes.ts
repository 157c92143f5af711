/** A deployment has a module with the list of routes in its place: see scripts/bundle.ts. */
import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Route, routePath } from '../http/router.ts';

/** @example await loadRoutes(new URL('api/', import.meta.url)) */
export async function loadRoutes(folder: URL): Promise<Route[]> {
  const files = globSync('**/*.ts', { cwd: fileURLToPath(folder) }).map((file) => file.replaceAll('\\', '/'));
  const loading = files.toSorted().map(async (file): Promise<Route[]> => {
    const path = routePath(file);
    if (path === null) return [];
    return [{ path, methods: (await import(new URL(encodeURI(file), folder).href)) as Route['methods'] }];
  });
  return (await Promise.all(loading)).flat();
}
