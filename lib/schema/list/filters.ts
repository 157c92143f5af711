/**
 * One filter of a list, as in PostgREST: `gte.3`, `not.eq.x`, `in.(a,"b,c")`, `ilike.*ada*`, `is.null`.
 *
 * Owns: the grammar, and which operators a kind of column has. The worst that can happen: a filter that means something
 * else than it says, so that a client deletes the wrong rows; what is not understood is refused.
 */
import { parseLiteral } from '../literals.ts';
import type { Column } from '../table.ts';
import { normalizeText } from '../text.ts';
import type { PlainValue } from '../../values.ts';
import type { Comparison, Filter } from './list-query.ts';

/** What is wrong with a parameter, said so that it follows the parameter's name. */
export class ParameterFault extends Error {
  override readonly name = 'ParameterFault';
}

const operators = ['eq', 'neq', 'gt', 'gte', 'lt', 'lte', 'like', 'ilike', 'in', 'is'] as const;
type Operator = (typeof operators)[number];

const maxInValues = 500;

/** The operators that make sense for the kind. */
export function operatorsOf(column: Column): readonly Operator[] {
  if (column.kind === 'text') return operators;
  if (column.kind === 'enum' || column.kind === 'boolean') return ['eq', 'neq', 'in', 'is'];
  return operators.filter((operator) => operator !== 'like' && operator !== 'ilike');
}

/** @throws ParameterFault */
export function parseFilter(name: string, column: Column, text: string): Filter {
  const negated = text.startsWith('not.');
  const rest = negated ? text.slice(4) : text;
  const dot = rest.indexOf('.');
  const operator = operatorsOf(column).find((known) => known === rest.slice(0, Math.max(dot, 0)));
  if (!operator) {
    const wanted = operatorsOf(column).join(', ');
    throw new ParameterFault(
      `expects an operator and a value, such as "eq.…"; this column has the operators ${wanted}`,
    );
  }
  return { column: name, negated, comparison: parseComparison(column, operator, rest.slice(dot + 1)) };
}

function parseComparison(column: Column, operator: Operator, text: string): Comparison {
  if (operator === 'like' || operator === 'ilike') {
    return { operator, pattern: likePattern(column.kind === 'text' ? normalizeText(column, text) : text) };
  }
  if (operator === 'in') return { operator, values: splitList(text).map((item) => literal(column, item)) };
  if (operator === 'is') return { operator, value: parseIs(column, text) };
  return { operator, value: literal(column, text) };
}

function literal(column: Column, text: string): PlainValue {
  const parsed = parseLiteral(column, text);
  if (parsed.ok) return parsed.value;
  throw new ParameterFault(`${parsed.message}, not "${shorten(text)}"`);
}

function parseIs(column: Column, text: string): 'null' | 'not_null' | boolean {
  if (text === 'null' || text === 'not_null') return text;
  if (column.kind === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  const wanted = column.kind === 'boolean' ? 'null, not_null, true or false' : 'null or not_null';
  throw new ParameterFault(`expects "is." followed by ${wanted}, not "${shorten(text)}"`);
}

/** Each star more multiplies the time that matching one text may take by the text's length. */
const mostStars = 3;

/** `*` is any run of characters, `\*` a star; what SQL treats specially stands for itself. */
function likePattern(text: string): string {
  if (text.length > 1000 || text.includes('\0')) {
    throw new ParameterFault('expects a pattern of at most 1000 characters without NUL');
  }
  let stars = 0;
  const pattern = text.replace(/\\([*\\])|\*+|[%_\\]/g, (match, escaped: string | undefined) => {
    if (escaped === '*') return '*';
    if (!match.startsWith('*')) return escaped === '\\' ? '\\\\' : `\\${match}`;
    stars++;
    return '%';
  });
  if (stars > mostStars) throw new ParameterFault(`expects a pattern with at most ${mostStars} "*"`);
  return pattern;
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

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60).toWellFormed()}…` : text;
}
