/**
 * The functions as the platform sees them: the files under api/, their addresses and the methods they export. A file that
 * is added is found by itself.
 */
import { globSync } from 'node:fs';
import { join } from 'node:path';

export type Served = (request: Request) => Promise<Response>;

export interface Route {
  /** `/api/[table]/[id]` */
  readonly path: string;
  /** By method, each that the file exports. */
  readonly served: Readonly<Record<string, Served>>;
}

const repository = join(import.meta.dirname, '../..');

/** Imports every file under api/; what they serve is what lib/http/serve.ts gives them. */
export async function loadRoutes(): Promise<Route[]> {
  const files = globSync('api/**/*.ts', { cwd: repository }).map((file) => file.replaceAll('\\', '/'));
  return Promise.all(
    files.toSorted().map(async (file) => ({
      path: `/${file.replace(/(?:\/index)?\.ts$/, '')}`,
      served: (await import(join(repository, file))) as Route['served'],
    })),
  );
}

/** The route of an address, as the platform finds it: one without a dynamic segment first. Null when there is none. */
export function routeOf(routes: readonly Route[], pathname: string): Route | null {
  const segments = pathname.split('/').filter((segment) => segment !== '');
  const fits = ({ path }: Route): boolean => {
    const parts = path.split('/').filter((part) => part !== '');
    return (
      parts.length === segments.length && parts.every((part, index) => part.startsWith('[') || part === segments[index])
    );
  };
  return routes.filter(fits).toSorted((a, b) => a.path.split('[').length - b.path.split('[').length)[0] ?? null;
}
