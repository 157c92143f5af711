/**
 * What simple CHECKs say of one column: the least and the greatest number, lengths of text, a list of words.
 *
 * They are said in the description of the API and checked before the database does, so that all faults of a row come at
 * once. What is not of a form that is known for certain is left to the database.
 */
import { columnNamed, type Relation } from '../catalog/catalog.ts';
import type { ValueType } from '../catalog/types.ts';
import { type Token, tokensOf } from '../sql/tokens.ts';
import type { PlainValue } from '../values.ts';

/** In the words of JSON Schema. */
export interface Rules {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly enum?: readonly string[];
}

const cache = new WeakMap<Relation, ReadonlyMap<string, Rules>>();

/** By the column's name. */
export function rulesOf(relation: Relation): ReadonlyMap<string, Rules> {
  let rules = cache.get(relation);
  if (!rules) cache.set(relation, (rules = readRules(relation)));
  return rules;
}

/** What is wrong with a value, said so that it follows the name of its field; null when nothing is. */
export function faultByRules(rules: Rules, value: PlainValue): string | null {
  if (typeof value === 'number') {
    if (rules.minimum !== undefined && value < rules.minimum) return `must be ${rules.minimum} or more`;
    if (rules.maximum !== undefined && value > rules.maximum) return `must be ${rules.maximum} or less`;
  }
  if (typeof value !== 'string') return null;
  if (rules.enum && !rules.enum.includes(value)) return `must be one of ${rules.enum.join(', ')}`;
  const length = rules.minLength === undefined && rules.maxLength === undefined ? 0 : Array.from(value).length;
  if (rules.minLength !== undefined && length < rules.minLength)
    return length === 0 ? 'must not be empty' : `must have ${rules.minLength} characters or more`;
  if (rules.maxLength !== undefined && length > rules.maxLength)
    return `must have ${rules.maxLength} characters or fewer`;
  return null;
}

function readRules(relation: Relation): Map<string, Rules> {
  const rules = new Map<string, Rules>();
  for (const { columns, expression } of relation.checks) {
    const [first = '', ...others] = columns;
    const type = others.length === 0 ? columnNamed(relation, first)?.type : undefined;
    if (type) rules.set(first, { ...rules.get(first), ...parseCheck(type, wordsOf(first, expression)) });
  }
  return rules;
}

/** Of conditions that must all hold, those that are understood. */
function parseCheck({ kind }: ValueType, words: string): Rules {
  if (/ (?:OR|NOT|CASE) |^NOT /.test(words)) return {};
  const parts = words.replaceAll(/ BETWEEN ((?:- )?\d+) AND /g, ' BETWEEN $1 TO ').split(' AND ');
  const found: Rules = Object.assign({}, ...parts.map(parseCondition));
  const { minimum, maximum, ...ofText } = found;
  if (kind === 'text') return ofText;
  const ofNumber = { ...(minimum === undefined ? {} : { minimum }), ...(maximum === undefined ? {} : { maximum }) };
  return kind === 'integer' || kind === 'float' ? ofNumber : {};
}

/** Blanks stand between all words. Casts and brackets are left out, and so is what a string may have of them. */
function wordsOf(column: string, expression: string): string {
  let tokens: readonly Token[];
  try {
    tokens = tokensOf(expression);
  } catch (error) {
    if (error instanceof SyntaxError) return '';
    throw error;
  }
  const words = tokens.map(({ kind, text, keyword }) => {
    if (kind === 'string') return /^'[\p{L}\p{M}\p{N}_.@/+-]*'$/u.test(text) ? text : '?';
    if (kind === 'name' || kind === 'word') return text === column ? 'COLUMN' : kind === 'word' ? keyword : '?';
    return text;
  });
  return words
    .join(' ')
    .replaceAll(/ : : [A-Z]+(?: VARYING)?(?: \[ \])?/g, '')
    .replaceAll(/[()] ?/g, '')
    .replaceAll(/ {2,}/g, ' ')
    .trim();
}

const limit = /^(?:(?:CHAR_)?(LENGTH) )?COLUMN (>|<) (=)? ?(- )?(\d+)$/;
const between = /^(?:(?:CHAR_)?(LENGTH) )?COLUMN BETWEEN (- )?(\d+) TO (- )?(\d+)$/;
const list = /^COLUMN (?:IN|= ANY ARRAY \[) ((?:'[^' ]*' , )*'[^' ]*')(?: \])?$/;

function parseCondition(words: string): Rules {
  const range = between.exec(words);
  if (range) {
    const [, ofLength, leastSign, least, mostSign, most] = range;
    return { ...bound('>', ofLength, numberOf(leastSign, least)), ...bound('<', ofLength, numberOf(mostSign, most)) };
  }
  const one = limit.exec(words);
  if (one) {
    const [, ofLength, side = '', orEqual, sign, digits] = one;
    // Lengths are whole; of other numbers the limit itself is left to the database.
    const step = ofLength === undefined || orEqual !== undefined ? 0 : side === '>' ? 1 : -1;
    return bound(side, ofLength, numberOf(sign, digits) + step);
  }
  const values = list.exec(words)?.[1]?.split(' , ');
  return values ? { enum: values.map((value) => value.slice(1, -1)) } : {};
}

function numberOf(sign: string | undefined, digits = ''): number {
  return (sign === undefined ? 1 : -1) * Number(digits);
}

function bound(side: string, ofLength: string | undefined, value: number): Rules {
  if (ofLength !== undefined) return side === '>' ? { minLength: value } : { maxLength: value };
  return side === '>' ? { minimum: value } : { maximum: value };
}
