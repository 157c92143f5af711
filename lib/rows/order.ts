/** The order of a list: `name.asc,created_at.desc.nullslast`. */
import { columnNamed, type Column, type Relation } from '../catalog/catalog.ts';
import { ParameterFault } from './filter.ts';
import { type NamedItem, splitNames } from './names.ts';
import { isSortable } from './values.ts';

export interface SortDirection {
  readonly direction: 'asc' | 'desc';
  readonly nulls: 'first' | 'last';
}

export interface SortKey extends SortDirection {
  readonly column: Column;
}

/** By the primary key; empty where there is none. */
export function orderByKey(relation: Relation): SortKey[] {
  return relation.key.flatMap((name) => {
    const column = columnNamed(relation, name);
    return column ? [{ column, direction: 'asc', nulls: 'last' } as const] : [];
  });
}

/** @throws ParameterFault */
export function parseOrder(relation: Relation, text: string): SortKey[] {
  const keys = splitNames(text, '.').map((item) => parseKey(relation, item));
  const names = keys.map(({ column }) => column.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new ParameterFault(`names "${twice}" twice`);
  return totalOrder(relation, keys);
}

/** Ends with the primary key; terms after the whole key cannot matter. */
function totalOrder(relation: Relation, keys: readonly SortKey[]): SortKey[] {
  const names = keys.map(({ column }) => column.name);
  const rest = orderByKey(relation).filter(({ column }) => !names.includes(column.name));
  if (rest.length > 0 || relation.key.length === 0) return [...keys, ...rest];
  return keys.slice(0, 1 + Math.max(...relation.key.map((name) => names.indexOf(name))));
}

function parseKey(relation: Relation, { name, rest }: NamedItem): SortKey {
  const column = columnNamed(relation, name);
  if (!column) throw new ParameterFault(`names no column: "${name}"`);
  if (!isSortable(column.type) && !relation.key.includes(name)) throw new ParameterFault(`cannot sort by "${name}"`);
  const match = /^(?:\.(asc|desc))?(?:\.(nullsfirst|nullslast))?$/.exec(rest);
  if (!match)
    throw new ParameterFault(`expects keys such as "${name}.desc" or "${name}.asc.nullsfirst", not "${name}${rest}"`);
  const direction = match[1] === 'desc' ? 'desc' : 'asc';
  // PostgreSQL's own rule: null is larger than every value.
  const usual = direction === 'asc' ? 'last' : 'first';
  return { column, direction, nulls: match[2] === undefined ? usual : match[2] === 'nullsfirst' ? 'first' : 'last' };
}
