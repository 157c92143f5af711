/**
 * Filters of rows: as a tree, and the plain grammar of one parameter (`gte.3`, `not.eq.x`, `in.(a,"b,c")`, `ilike.*ada*`,
 * `is.null`) that makes a leaf of it.
 */
import { type Operator, operators } from './kind.ts';

/** What is wrong with a parameter, said so that it follows the parameter's name. */
export class ParameterFault extends Error {
  override readonly name = 'ParameterFault';
  /** What PostgreSQL has for it. */
  readonly sqlState: string | undefined;

  constructor(message: string, sqlState?: string) {
    super(message);
    this.sqlState = sqlState;
  }
}

export type Tree<Leaf> =
  | { readonly and: readonly Tree<Leaf>[] }
  | { readonly or: readonly Tree<Leaf>[] }
  | { readonly not: Tree<Leaf> }
  | Leaf;

/** A type and no interface: as JSON, it is part of a command. */
export type Comparison = {
  /** The column, by its name. */
  readonly column: string;
  readonly operator: Operator;
  /** As they were written; several only for `in`. Of `like` and `ilike`: a pattern as SQL has it, with `\` as its escape. */
  readonly values: readonly string[];
  /** Into the JSON of the column. */
  readonly path?: readonly JsonStep[];
};

/** A step of `settings->theme->>colour`: a member's name or a place in a list, and whether its value is text or JSON. */
export type JsonStep = { readonly key: string | number; readonly asText: boolean };

export type Filter = Tree<Comparison>;

/** Makes a tree of other leaves. */
export function mapTree<A extends object, B>(tree: Tree<A>, leaf: (leaf: A) => B): Tree<B> {
  if ('and' in tree) return { and: tree.and.map((each) => mapTree(each, leaf)) };
  if ('or' in tree) return { or: tree.or.map((each) => mapTree(each, leaf)) };
  if ('not' in tree) return { not: mapTree(tree.not, leaf) };
  return leaf(tree);
}

const maxInValues = 500;

/**
 * One parameter of the plain grammar.
 *
 * @throws ParameterFault
 * @example parseFilter('pages', 'not.gte.300') // { not: { column: 'pages', operator: 'gte', values: ['300'] } }
 */
export function parseFilter(column: string, text: string): Filter {
  const { negated, operator, value } = partsOf(text);
  if (!operator)
    throw new ParameterFault(
      `expects an operator and a value, such as "eq.…"; the operators are ${operators.join(', ')}`,
    );
  const comparison: Comparison = { column, operator, values: valuesOf(operator, value) };
  return negated ? { not: comparison } : comparison;
}

/** Whether the text begins as a filter does. */
export function isFilter(text: string): boolean {
  return partsOf(text).operator !== undefined;
}

function partsOf(text: string) {
  const negated = text.startsWith('not.');
  const rest = negated ? text.slice(4) : text;
  const dot = rest.indexOf('.');
  const operator = operators.find((known) => known === rest.slice(0, Math.max(dot, 0)));
  return { negated, operator, value: rest.slice(dot + 1) };
}

function valuesOf(operator: Operator, text: string): readonly string[] {
  if (operator === 'like' || operator === 'ilike') return [likePattern(text)];
  return operator === 'in' ? splitList(text) : [text];
}

/** `*` is any run of characters, `\*` a star; the wildcards of SQL are plain characters. */
function likePattern(text: string): string {
  if (text.length > 1000 || text.includes('\0'))
    throw new ParameterFault('expects a pattern of at most 1000 characters without NUL');
  return text.replace(/\\([*\\])|\*+|[%_\\]/g, (match, escaped: string | undefined) => {
    if (escaped === '*') return '*';
    if (!match.startsWith('*')) return escaped === '\\' ? '\\\\' : `\\${match}`;
    return '%';
  });
}

/** The items of `(a,"b,c",d)`; in quotes, `\` makes the next character plain. */
function splitList(text: string): string[] {
  if (!text.startsWith('(') || !text.endsWith(')')) throw new ParameterFault('expects a list such as "in.(a,b)"');
  const inner = text.slice(1, -1);
  if (inner === '') return [];
  const item = /"((?:[^"\\]|\\.)*)"(?=,|$)|([^",]*)(?=,|$)/suy;
  const items: string[] = [];
  do {
    const at = item.lastIndex;
    const match = item.exec(inner);
    if (!match) throw new ParameterFault(`has a list with a quote out of place at character ${at + 2}`);
    items.push(match[1]?.replace(/\\(.)/gsu, '$1') ?? match[2] ?? '');
    item.lastIndex += 1; // past the comma
  } while (item.lastIndex <= inner.length);
  if (items.length > maxInValues) throw new ParameterFault(`expects at most ${maxInValues} values in a list`);
  return items;
}
