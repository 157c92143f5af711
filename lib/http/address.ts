/**
 * What the address of a request names: a table, a row, and the client's own parameters.
 *
 * Vercel adds the path's dynamic segments to the query (`/api/books/42` arrives with `?table=books&id=42`), but
 * leaves them out where the client sent a parameter of that name. So the path alone says which table and row are meant,
 * and one parameter that repeats it is left out.
 */
import type { Parameter } from '../rows/parameters.ts';
import { RequestError } from './problem.ts';

export interface Address {
  /** The segments after `/api`, decoded: `['books', '42']`. */
  readonly segments: readonly string[];
  /** The same as they were sent: a key of several columns is split before it is decoded. */
  readonly raw: readonly string[];
  readonly parameters: readonly Parameter[];
}

/** As the files under api/ name their dynamic segments, by their places. */
const dynamicSegments = [
  [0, 'table'],
  [1, 'id'],
] as const;
const dynamicOfRest = [[2, 'table']] as const;

/** What Vercel's deployment protection and toolbar put into addresses. */
const platformParameter = /^(?:x-vercel-|_vercel_)/;

/** @throws RequestError 400 when the path is not well-formed */
export function parseAddress(url: string): Address {
  const { pathname, searchParams } = new URL(url);
  const raw = pathname
    .split('/')
    .filter((segment) => segment !== '')
    .slice(1);
  const segments = raw.map(decodeSegment);
  const parameters = [...searchParams].filter(([name]) => !platformParameter.test(name));
  const isRest = segments[0] === 'rest' && segments[1] === 'v1';
  // Arguments of a function may have any name, so added parameters look the same.
  const dynamic = isRest ? dynamicOfRest.slice(0, segments.length === 3 ? 1 : 0) : dynamicSegments;
  for (const [index, name] of dynamic) {
    const added = parameters.findIndex(
      ([given, value]) => given === name && (value === segments[index] || value === raw[index]),
    );
    if (added >= 0) parameters.splice(added, 1);
  }
  return { segments, raw, parameters };
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (error) {
    throw new RequestError(400, 'The path is not well-formed: a percent sign has to be written %25.', { cause: error });
  }
}
