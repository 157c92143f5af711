/** Filters: `gte.3`, `not.in.(a,"b,c")`, `like(any).{a*,b*}`, and the lists of `or` and `and`. */
import type { Comparison, Filter } from '../rows/filter.ts';
import { everyOperator, type Operator } from '../rows/kind.ts';
import { parseFault, tooMuch } from './faults.ts';
import { type Field, readField } from './field.ts';
import { listItems, likePattern, mostTextLength } from './operands.ts';
import { Scanner } from './scanner.ts';

/** Conditions of one request, all lists and trees together. */
const mostConditions = 200;

/** Counts what a request asks for. */
export class Budget {
  #left = mostConditions;

  spend(): void {
    if (--this.#left < 0) throw tooMuch(`more than ${mostConditions} conditions`);
  }
}

/** `a.b.c=` of a filter on what is embedded: the path, and its last part. */
export interface Operation {
  readonly operator: Operator;
  readonly isNegated: boolean;
  readonly quantifier: 'any' | 'all' | null;
  readonly values: readonly string[];
}

/** One parameter `column=not.gte.3`. @throws RestError PGRST100 */
export function parseFilter(field: Field, text: string, budget: Budget): Filter {
  budget.spend();
  const scanner = new Scanner('filter', text);
  const head = readHead(scanner);
  return filterOf(field, { ...head, values: valuesOf(scanner, head, () => scanner.rest()) });
}

/** One parameter `or=(a.eq.1,not.and(b.gt.2,c.is.null))`. @throws RestError PGRST100 */
export function parseLogic(word: 'and' | 'or', isNegated: boolean, text: string, budget: Budget): Filter {
  const scanner = new Scanner('logic tree', text);
  const tree = readGroup(scanner, word, budget);
  scanner.end();
  return isNegated ? { not: tree } : tree;
}

function readGroup(scanner: Scanner, word: 'and' | 'or', budget: Budget): Filter {
  scanner.expect('(');
  const parts = scanner.nested(() => scanner.list(() => readElement(scanner, budget)));
  scanner.expect(')');
  return word === 'and' ? { and: parts } : { or: parts };
}

function readElement(scanner: Scanner, budget: Budget): Filter {
  const group = scanner.match(/\s*(not\.)?(and|or)(?=\()/y);
  if (group) {
    const tree = readGroup(scanner, group[2] as 'and' | 'or', budget);
    return group[1] === undefined ? tree : { not: tree };
  }
  budget.spend();
  const field = readField(scanner);
  scanner.expect('.');
  const head = readHead(scanner);
  return filterOf(field, { ...head, values: valuesOf(scanner, head, () => readValue(scanner)) });
}

type Head = Omit<Operation, 'values'>;

function readHead(scanner: Scanner): Head {
  const isNegated = scanner.take('not.');
  const [, word = '', quantifier] = scanner.match(/([a-z]+)(?:\((any|all)\))?(?=\.)/y) ?? [];
  const operator = everyOperator.find((known) => known === word);
  const isQuantified = quantifier === 'any' || quantifier === 'all';
  if (!operator || (isQuantified && !quantifiable.has(operator)))
    throw scanner.fault(`an operator (${everyOperator.join(', ')}) and a value`);
  scanner.expect('.');
  return { operator, isNegated, quantifier: isQuantified ? quantifier : null };
}

const quantifiable: ReadonlySet<Operator> = new Set<Operator>(
  'eq gt gte lt lte like ilike match imatch'.split(' ') as Operator[],
);

function valuesOf(scanner: Scanner, { operator, quantifier }: Head, read: () => string): readonly string[] {
  if (operator === 'in') return readList(scanner);
  const text = read();
  if (text.length > mostTextLength) throw tooMuch(`a value of more than ${mostTextLength} characters`);
  return quantifier === null ? [text] : listItems(text).filter((item) => item !== null);
}

/** `(a,"b,c")`; an element in quotes may escape with `\`. */
function readList(scanner: Scanner): readonly string[] {
  scanner.expect('(');
  if (scanner.take(')')) return [];
  const items = scanner.list(() => scanner.quoted() ?? scanner.match(/[^,)]*/y)?.[0] ?? '');
  scanner.expect(')');
  return items;
}

/** A value within a list of conditions: quoted, a list in braces, or up to the next comma or bracket. */
function readValue(scanner: Scanner): string {
  const quoted = scanner.sees('"') ? scanner.quoted() : null;
  if (quoted !== null) return quoted;
  return scanner.match(/\{(?:"(?:[^"\\]|\\.)*"|[^{}"])*\}/suy)?.[0] ?? scanner.match(/[^,)]*/y)?.[0] ?? '';
}

function filterOf({ column, path }: Field, { operator, isNegated, quantifier, values }: Operation): Filter {
  const comparison = (given: readonly string[]): Comparison => ({
    column,
    operator,
    values: given,
    ...(path.length === 0 ? {} : { path }),
  });
  const text = (given: string): string => writtenFor(operator, given);
  const each = values.map(text);
  const tree: Filter =
    quantifier === null
      ? comparison(each)
      : quantifier === 'any'
        ? { or: each.map((value) => comparison([value])) }
        : { and: each.map((value) => comparison([value])) };
  return isNegated ? { not: tree } : tree;
}

const isWords: Readonly<Record<string, string>> = { unknown: 'null' };

function writtenFor(operator: Operator, text: string): string {
  if (operator === 'like' || operator === 'ilike') return likePattern(text);
  if (operator !== 'is') return text;
  const word = text.toLowerCase();
  if (!/^(?:null|not_null|true|false|unknown)$/.test(word))
    throw parseFault('filter', text, 0, '"null", "not_null", "true", "false" or "unknown"');
  return isWords[word] ?? word;
}
