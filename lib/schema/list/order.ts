/**
 * The order of a list: `name.asc,created_at.desc.nullslast`.
 *
 * Owns: the grammar, and the rule that the primary key is the last key, which makes every order total. The worst that
 * can happen: an order with ties, so that pages skip or repeat rows.
 */
import { type Column, columnOf, type Table } from '../table.ts';
import { ParameterFault } from './filters.ts';
import type { SortKey } from './list-query.ts';

/** Longer text is not sorted by: its values would not fit into a cursor in a URL. */
const maxSortableLength = 1000;

export function isSortable(column: Column): boolean {
  return column.kind !== 'text' || column.maxLength <= maxSortableLength;
}

export const byId: SortKey = { column: 'id', direction: 'asc', nulls: 'last' };

/** @throws ParameterFault */
export function parseOrder(table: Table, text: string): SortKey[] {
  const keys = text.split(',').map((part) => parseKey(table, part));
  const names = keys.map(({ column }) => column);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new ParameterFault(`names "${twice}" twice`);
  // Nothing that stands after the primary key can matter.
  const id = names.indexOf('id');
  return id >= 0 ? keys.slice(0, id + 1) : [...keys, byId];
}

function parseKey(table: Table, part: string): SortKey {
  const [name = '', ...words] = part.split('.');
  const column = columnOf(table, name);
  if (!column || !isSortable(column))
    throw new ParameterFault(`${column ? 'cannot sort by' : 'names no column:'} "${name}"`);
  const [direction = 'asc', nulls] = words[0]?.startsWith('nulls') ? ['asc', ...words] : words;
  const known = direction === 'asc' || direction === 'desc';
  if (!known || words.length > 2 || (nulls !== undefined && nulls !== 'nullsfirst' && nulls !== 'nullslast')) {
    throw new ParameterFault(`expects keys such as "${name}.desc" or "${name}.asc.nullsfirst", not "${part}"`);
  }
  // PostgreSQL's own rule: null is larger than every value.
  const usual = direction === 'asc' ? 'last' : 'first';
  return { column: name, direction, nulls: nulls === undefined ? usual : nulls === 'nullsfirst' ? 'first' : 'last' };
}
