/** The parameter `order`. */
import type { SortDirection } from '../rows/order.ts';
import { type Field, readField, readPath } from './field.ts';
import { Scanner } from './scanner.ts';

export interface OrderTerm extends Field, SortDirection {
  /** The embedding whose column it is; null: the relation's own. */
  readonly embedding: string | null;
}

/**
 * @throws RestError PGRST100
 * @example parseOrder('authors(name).desc,title.asc.nullsfirst')
 */
export function parseOrder(text: string): readonly OrderTerm[] {
  const scanner = new Scanner('order', text);
  if (scanner.isAtEnd) return [];
  const terms = scanner.list(() => readTerm(scanner));
  scanner.end();
  return terms;
}

function readTerm(scanner: Scanner): OrderTerm {
  const { text } = scanner.name('a column');
  if (scanner.take('(')) {
    const field = readField(scanner);
    scanner.expect(')');
    return { ...field, embedding: text, ...readDirection(scanner) };
  }
  return { column: text, path: readPath(scanner), embedding: null, ...readDirection(scanner) };
}

const words = /\.(asc|desc|nullsfirst|nullslast)(?=[.,]|$)/y;

function readDirection(scanner: Scanner): SortDirection {
  let word = scanner.match(words)?.[1];
  const direction = word === 'desc' ? 'desc' : 'asc';
  if (word === 'asc' || word === 'desc') word = scanner.match(words)?.[1];
  if (scanner.sees('.') || word === 'asc' || word === 'desc')
    throw scanner.fault('"asc", "desc", "nullsfirst" or "nullslast"');
  // PostgreSQL's own rule: null is larger than every value.
  const usual = direction === 'asc' ? 'last' : 'first';
  return { direction, nulls: word === undefined ? usual : word === 'nullsfirst' ? 'first' : 'last' };
}
