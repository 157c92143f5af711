/** All parameters of a request on a relation, parsed. What they name is looked up in plan.ts. */
import type { Filter } from '../rows/filter.ts';
import type { Parameter } from '../rows/parameters.ts';
import { parseFault, RestError, tooMuch } from './faults.ts';
import { type Field, readPath } from './field.ts';
import { Budget, parseFilter, parseLogic } from './filters.ts';
import { type OrderTerm, parseOrder } from './order.ts';
import { type Name, Scanner } from './scanner.ts';
import { parseSelect, type SelectItem } from './select.ts';

/** What concerns the relation itself, or one embedding. */
export interface Scoped {
  /** Names of embeddings, from the outside; empty for the relation itself. */
  readonly path: readonly string[];
  readonly filters: Filter[];
  order: readonly OrderTerm[];
  limit: number | null;
  offset: number;
}

export interface RestQuery {
  readonly select: readonly SelectItem[];
  /** The first is the relation's own. */
  readonly scopes: readonly [Scoped, ...Scoped[]];
  /** Columns of a payload that count; null: all. */
  readonly columns: readonly string[] | null;
  readonly onConflict: readonly string[] | null;
}

const everything: readonly SelectItem[] = [{ kind: 'star' }];

/** @throws RestError PGRST100, PGRST103 */
export function parseQuery(parameters: readonly Parameter[]): RestQuery {
  const root = scoped([]);
  const scopes: [Scoped, ...Scoped[]] = [root];
  const budget = new Budget();
  const once = new Map<string, string>();
  for (const [name, text] of parameters) {
    const key = parseKey(name);
    if (key.kind === 'word' && !['and', 'or'].includes(key.word)) {
      if (once.has(name)) throw parseFault(`"${name}" parameter`, text, 0, 'it to be given once');
      once.set(name, text);
    }
    const scope = scopes.find((each) => each.path.join('\0') === key.path.join('\0')) ?? added(scopes, key.path);
    if (key.kind === 'filter') scope.filters.push(parseFilter(key.field, text, budget));
    else if (key.word === 'and' || key.word === 'or')
      scope.filters.push(parseLogic(key.word, key.isNegated, text, budget));
    else if (key.word === 'order') scope.order = parseOrder(text);
    else if (key.word === 'limit') scope.limit = parseNumber('limit', text);
    else if (key.word === 'offset') scope.offset = parseNumber('offset', text);
  }
  const select = once.get('select');
  return {
    select: select === undefined ? everything : parseSelect(select),
    scopes,
    columns: namesIn('columns', once.get('columns')),
    onConflict: namesIn('on_conflict', once.get('on_conflict')),
  };
}

function scoped(path: readonly string[]): Scoped {
  return { path, filters: [], order: [], limit: null, offset: 0 };
}

/** Scopes that a request may have. */
const mostScopes = 50;

function added(scopes: Scoped[], path: readonly string[]): Scoped {
  if (scopes.length > mostScopes) throw tooMuch(`filters on more than ${mostScopes} embeddings`);
  const scope = scoped(path);
  scopes.push(scope);
  return scope;
}

type QueryKey = { readonly path: readonly string[] } & (
  | { readonly kind: 'word'; readonly word: string; readonly isNegated: boolean }
  | { readonly kind: 'filter'; readonly field: Field }
);

const words = new Set(['select', 'columns', 'on_conflict']);
const scopedWords = new Set(['order', 'limit', 'offset', 'and', 'or']);

/** `authors.books.title`, `not.or`, `orders.limit`, `settings->>theme`. A name in quotes is no word of the grammar. */
function parseKey(name: string): QueryKey {
  const scanner = new Scanner('query parameter', name);
  const names: Name[] = [scanner.name('a column')];
  while (scanner.take('.')) names.push(scanner.name('a column'));
  const steps = readPath(scanner);
  scanner.end();
  const last = names.at(-1) ?? { text: '', isQuoted: false };
  const before = names.slice(0, -1);
  const isWord = !last.isQuoted && steps.length === 0;
  if (isWord && before.length === 0 && words.has(last.text))
    return { kind: 'word', word: last.text, isNegated: false, path: [] };
  const isLogic = last.text === 'and' || last.text === 'or';
  const isNegated = isLogic && before.at(-1)?.text === 'not' && before.at(-1)?.isQuoted === false;
  const path = (isNegated ? before.slice(0, -1) : before).map(({ text }) => text);
  if (isWord && scopedWords.has(last.text)) return { kind: 'word', word: last.text, isNegated, path };
  return { kind: 'filter', field: { column: last.text, path: steps }, path: before.map(({ text }) => text) };
}

function parseNumber(word: 'limit' | 'offset', text: string): number {
  if (/^-\d{1,15}$/.test(text) && Number(text) < 0)
    throw new RestError('PGRST103', 416, 'Requested range not satisfiable', {
      details: `${word === 'limit' ? 'Limit' : 'Offset'} should be greater than or equal to zero.`,
    });
  if (!/^\d{1,15}$/.test(text)) throw parseFault(`${word} parameter`, text, 0, 'a whole number');
  return Number(text);
}

function namesIn(word: string, text: string | undefined): string[] | null {
  if (text === undefined) return null;
  const scanner = new Scanner(`${word} parameter`, text);
  if (scanner.isAtEnd) return [];
  const names = scanner.list(() => scanner.name('a column').text);
  scanner.end();
  return names;
}
