/** Answers in PostgREST's forms: types, ranges, preferences. */
import { type ClientRow, type ClientValue, cellOf, writeJson } from '../../rest/values.ts';
import { RestError } from '../../rest/faults.ts';
import type { Preferences } from '../../rest/preferences.ts';
import { notSingular } from '../../rest/write.ts';
import { negotiate } from '../accept.ts';
import { csvLine, csvType } from '../formats/csv.ts';

const json = 'application/json';
const object = 'application/vnd.pgrst.object+json';
const array = 'application/vnd.pgrst.array+json';
export const restTypes = [json, object, array, csvType] as const;

/** In which form rows are answered. */
export interface Form {
  readonly type: (typeof restTypes)[number];
  readonly isSingular: boolean;
  readonly stripsNulls: boolean;
}

/** @throws RequestError 406 */
export function formOf(headers: Headers): Form {
  const type = negotiate(headers, restTypes);
  const accept = headers.get('accept') ?? '';
  return {
    type,
    isSingular: type === object,
    stripsNulls: /;\s*nulls\s*=\s*stripped/i.test(accept) && type !== csvType,
  };
}

/** `names`: the members that the rows have, where there are none, too. @throws RestError PGRST116 */
export function bodyOf({ type, isSingular, stripsNulls }: Form, rows: readonly ClientRow[], names: readonly string[]) {
  if (type === csvType) {
    const lines = rows.map((row) => names.map((name) => cellOf(row[name] ?? null)));
    return [[...names], ...lines].map(csvLine).join('');
  }
  if (!isSingular) return writeJson(rows, stripsNulls);
  const [only, ...others] = rows;
  if (!only || others.length > 0) throw notSingular(rows.length);
  return writeJson(only, stripsNulls);
}

export function valueBody(value: ClientValue, { stripsNulls }: Form): string {
  return writeJson(value, stripsNulls);
}

export interface AnswerParts {
  readonly status: number;
  readonly body: string | null;
  readonly form: Form;
  readonly preferences: Preferences;
  readonly range: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export function answer({ status, body, form, preferences, range, headers = {} }: AnswerParts): Response {
  const response = new Response(body, { status, headers });
  if (body === null) response.headers.delete('content-type');
  else response.headers.set('content-type', `${form.type}; charset=utf-8`);
  if (range !== null) response.headers.set('content-range', range);
  if (preferences.applied !== '') response.headers.set('preference-applied', preferences.applied);
  return response;
}

export interface Asked {
  readonly limit: number | null;
  readonly offset: number;
}

/** What the parameters ask for, or else the header Range. @throws RestError PGRST103 */
export function rangeOf({ limit, offset }: Asked, headers: Headers): Asked {
  const unit = headers.get('range-unit') ?? 'items';
  const range = unit === 'items' ? /^\s*(\d{1,15})-(\d{0,15})\s*$/.exec(headers.get('range') ?? '') : null;
  if (!range || limit !== null || offset > 0) return { limit, offset };
  const [first, last] = [Number(range[1]), range[2] === '' ? null : Number(range[2])];
  if (last !== null && last < first)
    throw unsatisfiable('The lower boundary must be lower than or equal to the upper boundary in the Range header.');
  return { limit: last === null ? null : last - first + 1, offset: first };
}

export function unsatisfiable(details: string): RestError {
  return new RestError('PGRST103', 416, 'Requested range not satisfiable', { details });
}

/** `0-4/*`, or with the number of all rows. */
export function contentRange(offset: number, rows: number, total: number | null): string {
  return `${rows === 0 ? '*' : `${offset}-${offset + rows - 1}`}/${total ?? '*'}`;
}
