import { writeSecurityHeaders } from './headers.ts';
import { problemResponse, RequestError } from './problem.ts';

export type Fetch = (request: Request) => Promise<Response>;

export interface Route {
  /** `/api/[table]/[id]` */
  readonly path: string;
  /** What the file exports: a handler for each method. */
  readonly methods: Readonly<Record<string, unknown>>;
}

/**
 * The route of a file under api/; null for one that is no function.
 *
 * @example routePath('[table]/index.ts') // '/api/[table]'
 */
export function routePath(file: string): string | null {
  if (file.split('/').some((segment) => /^[._]/.test(segment)) || !/(?<!\.d)\.ts$/.test(file)) return null;
  return `/api/${file}`.replace(/\.ts$/, '').replace(/\/index$/, '');
}

/** Answers each request by its route: 404 where there is none, 405 where the route has no such method. */
export function createRouter(routes: readonly Route[]): Fetch {
  const parsed = routes.map((route) => ({ ...route, segments: segmentsOf(route.path) })).toSorted(moreExactFirst);
  return async (request) => {
    const segments = segmentsOf(new URL(request.url).pathname);
    const route = parsed.find((each) => matches(each.segments, segments));
    if (route === undefined) return refusal(new RequestError(404, 'There is nothing at this address.'));
    const handler = Object.hasOwn(route.methods, request.method) ? route.methods[request.method] : undefined;
    if (typeof handler === 'function') return (handler as Fetch)(request);
    const allow = Object.keys(route.methods)
      .filter((name) => typeof route.methods[name] === 'function')
      .join(', ');
    return refusal(new RequestError(405, `This address does not serve ${request.method}.`, { headers: { allow } }));
  };
}

function segmentsOf(pathname: string): readonly string[] {
  return pathname.split('/').filter((segment) => segment !== '');
}

const isDynamic = (segment: string): boolean => segment.startsWith('[');

/** `/api/rest/v1/[table]` is asked before `/api/[table]/[id]`: what is written out wins, from the left. */
function moreExactFirst(
  a: { readonly segments: readonly string[] },
  b: { readonly segments: readonly string[] },
): number {
  const differing = a.segments.findIndex((segment, index) => isDynamic(segment) !== isDynamic(b.segments[index] ?? ''));
  return differing < 0 ? 0 : isDynamic(a.segments[differing] ?? '') ? 1 : -1;
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  return (
    pattern.length === segments.length && pattern.every((part, index) => isDynamic(part) || part === segments[index])
  );
}

/** The answer to an error that no handler caught. */
export function refusal(error: unknown): Response {
  const response = problemResponse(error);
  writeSecurityHeaders(response.headers);
  return response;
}
