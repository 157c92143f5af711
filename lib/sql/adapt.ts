/**
 * What clients of PostgreSQL send, in DuckDB's words, where that is another spelling of the same: its functions that make
 * JSON, and parameters, which come as text whatever they are. What the words of a statement mean stays DuckDB's to say.
 */
import { AppError } from '../errors.ts';
import type { PlainValue } from '../values.ts';
import { readArray } from './postgres-array.ts';
import { type Statement, wrongSyntax } from './statement.ts';
import { isAt, type Token } from './tokens.ts';

export interface Adapted {
  readonly sql: string;
  readonly values: readonly PlainValue[];
}

/**
 * @throws AppError `invalid` for a wrong number of parameters, and for what DuckDB has no word for
 * @example adapt(statementOf('SELECT a + $1 FROM t'), ['5']) // { sql: 'SELECT a + $1::INTEGER FROM t', values: ['5'] }
 */
export function adapt(statement: Statement, values: readonly PlainValue[]): Adapted {
  const { sql, tokens } = statement;
  requireKnown(statement);
  const parameters = new AdaptedParameters(tokens, values);
  const edits = tokens.flatMap((token, index): Edit[] => {
    if (token.kind === 'parameter') return parameters.edit(index);
    return token.kind === 'word' || token.kind === 'name' ? wordEdits(statement, index) : [];
  });
  if (!parameters.isChanged && edits.every(({ text }) => text === null)) return { sql, values };
  return { sql: applyEdits(sql, edits), values: parameters.sent };
}

interface Edit {
  readonly start: number;
  readonly end: number;
  /** Null: as it was. */
  readonly text: string | null;
}

function applyEdits(sql: string, edits: readonly Edit[]): string {
  let text = '';
  let at = 0;
  for (const edit of edits.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    text += sql.slice(at, edit.start) + (edit.text ?? sql.slice(edit.start, edit.end));
    at = edit.end;
  }
  return text + sql.slice(at);
}

const integerText = /^[+-]?\d{1,38}$/;
const decimalText = /^[+-]?(?=[\d.]*\d)(\d*)\.(\d*)$/;
const doubleText = /^[+-]?\d+(?:\.\d*)?[eE][+-]?\d+$/;

class AdaptedParameters {
  /** What is bound now, in its order. */
  readonly sent: PlainValue[] = [];
  isChanged = false;
  readonly #tokens: readonly Token[];
  readonly #values: readonly PlainValue[];
  /** The same parameter twice stays one: GROUP BY has to see that two expressions are the same. */
  readonly #places = new Map<string, string>();
  #questions = 0;

  constructor(tokens: readonly Token[], values: readonly PlainValue[]) {
    this.#tokens = tokens;
    this.#values = values;
    const written = tokens.filter(({ kind }) => kind === 'parameter');
    const needed = Math.max(0, ...written.map(({ text }, index) => (text === '?' ? index + 1 : Number(text.slice(1)))));
    if (Number.isNaN(needed)) throw wrongSyntax('Parameters of a list are written $1, $2, ….');
    if (needed !== values.length) throw wrongCount(needed, values.length);
  }

  edit(index: number): Edit[] {
    const { text, start, end } = this.#tokens[index]!;
    const value = this.#values[text === '?' ? this.#questions++ : Number(text.slice(1)) - 1] ?? null;
    const list = this.#isInAny(index) ? itemsOf(value) : null;
    if (list) return this.#listEdit(index, list);
    const before = this.#tokens[index - 1];
    const count = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
    if ((before?.keyword === 'LIMIT' || before?.keyword === 'OFFSET') && /^\d{1,18}$/.test(count)) {
      this.isChanged = true;
      return [{ start, end, text: count }];
    }
    const type = typeof value === 'string' && this.#isOperand(index) ? numberType(value) : null;
    if (type !== null) this.isChanged = true;
    return [{ start, end, text: this.#place(text === '?' ? `?${this.#questions}` : text, value, type) }];
  }

  #place(name: string, value: PlainValue, type: string | null): string {
    const suffix = type === null ? '' : `::${type}`;
    const found = this.#places.get(name);
    const place = found ?? `$${this.sent.push(value)}`;
    this.#places.set(name, place);
    if (place !== name) this.isChanged = true;
    return `${place}${suffix}`;
  }

  /** `= any($1)` and `<> all($1)`, of which DuckDB would have to know what the list is of. */
  #isInAny(index: number): boolean {
    const tokens = this.#tokens;
    if (tokens[index - 1]?.text !== '(' || tokens[index + 1]?.text !== ')') return false;
    const word = tokens[index - 2]?.keyword ?? '';
    const [second, first] = [tokens[index - 4]?.text, tokens[index - 3]?.text];
    if (word === 'ANY' || word === 'SOME') return first === '=' && !/^[<>!~]$/.test(second ?? '');
    return word === 'ALL' && first === '>' && second === '<';
  }

  #listEdit(index: number, items: readonly PlainValue[]): Edit[] {
    this.isChanged = true;
    const tokens = this.#tokens;
    const token = tokens[index]!;
    if (items.length === 0) return [{ start: token.start, end: token.end, text: '[]' }];
    const isAny = tokens[index - 2]?.keyword !== 'ALL';
    const places = items.map((item, at) => this.#place(`${token.text}/${at}/${this.#questions}`, item, null));
    const start = tokens[isAny ? index - 3 : index - 4]!.start;
    const text = `${isAny ? ' IN' : ' NOT IN'} (${places.join(', ')})`;
    return [{ start, end: tokens[index + 1]!.end, text }];
  }

  /** After `+` a number is needed; DuckDB would not take a text for one. */
  #isOperand(index: number): boolean {
    const [before, next, after] = [this.#tokens[index - 1], this.#tokens[index + 1], this.#tokens[index + 2]];
    if (next?.text === ':') return false;
    const isNext = isArithmetic(next) && !(next?.text === '-' && after?.text === '>');
    return isArithmetic(before) || isNext;
  }
}

export function wrongCount(needed: number, given: number): AppError {
  return new AppError('invalid', `The statement has ${needed} parameters, and ${given} were sent.`, {
    sqlState: '08P01',
  });
}

function isArithmetic(token: Token | undefined): boolean {
  return token?.kind === 'symbol' && /^[-+*/%]$/.test(token.text);
}

function numberType(text: string): string | null {
  if (integerText.test(text)) {
    const value = BigInt(text.replace(/^\+/, ''));
    if (BigInt.asIntN(32, value) === value) return 'INTEGER';
    return BigInt.asIntN(64, value) === value ? 'BIGINT' : 'HUGEINT';
  }
  const [, whole = '', fraction = ''] = decimalText.exec(text) ?? [];
  const digits = whole.length + fraction.length;
  if (digits > 0 && digits <= 38) return `DECIMAL(${digits}, ${fraction.length})`;
  return doubleText.test(text) ? 'DOUBLE' : null;
}

function itemsOf(value: PlainValue): readonly PlainValue[] | null {
  if (Array.isArray(value)) return value as readonly PlainValue[];
  if (typeof value !== 'string' || !/^\{.*\}$/s.test(value)) return null;
  const items = readArray(value, (text) => text);
  return Array.isArray(items) && !items.some((item) => Array.isArray(item)) ? (items as readonly PlainValue[]) : null;
}

/** Functions that PostgreSQL has, by what DuckDB calls them. */
const functions: Readonly<Record<string, string>> = {
  json_build_array: 'json_array',
  jsonb_build_array: 'json_array',
  json_build_object: 'json_object',
  jsonb_build_object: 'json_object',
  json_object_agg: 'json_group_object',
  jsonb_object_agg: 'json_group_object',
  row_to_json: 'to_json',
  to_jsonb: 'to_json',
};

function wordEdits({ tokens, command }: Statement, index: number): Edit[] {
  const { text, start, end, kind } = tokens[index]!;
  const name = text.toLowerCase();
  const before = tokens[index - 1];
  if (tokens[index + 1]?.text === '(' && before?.text !== '.') {
    if (name === 'json_agg' || name === 'jsonb_agg') return aggregate(tokens, index);
    const own = Object.hasOwn(functions, name) ? functions[name] : undefined;
    return own === undefined ? [] : [{ start, end, text: own }];
  }
  const isCast = before?.text === ':' || (before?.keyword === 'AS' && tokens[index + 1]?.text === ')');
  const isColumn =
    (command === 'CREATE' || command === 'ALTER') && (before?.kind === 'name' || before?.kind === 'word');
  return name === 'jsonb' && kind === 'word' && (isCast || isColumn) ? [{ start, end, text: 'json' }] : [];
}

/** `json_agg(x ORDER BY y) FILTER (…)` is `to_json(list(x ORDER BY y) FILTER (…))`. */
function aggregate(tokens: readonly Token[], index: number): Edit[] {
  const { start, end } = tokens[index]!;
  let close = closing(tokens, index + 1);
  while (/^(?:FILTER|OVER)$/.test(tokens[close + 1]?.keyword ?? '') && tokens[close + 2]?.text === '(') {
    close = closing(tokens, close + 2);
  }
  const at = tokens[close]!.end;
  return [
    { start, end, text: 'to_json(list' },
    { start: at, end: at, text: ')' },
  ];
}

/** Index of the bracket that closes the one at `open`. */
function closing(tokens: readonly Token[], open: number): number {
  const depth = tokens[open]!.depth;
  return tokens.findIndex((token, index) => index > open && token.depth === depth && token.text === ')');
}

/** @throws AppError `invalid` for what many write for PostgreSQL, and DuckDB does not have */
export function requireKnown({ tokens, command }: Statement): void {
  for (const [index, { keyword, depth }] of tokens.entries()) {
    if (keyword === 'FOR' && /^(?:UPDATE|SHARE|NO|KEY)$/.test(tokens[index + 1]?.keyword ?? '')) {
      throw missing(
        'Rows are not locked.',
        'Leave FOR UPDATE out: an array of statements is one serializable transaction.',
      );
    }
    if (command !== 'CREATE' && command !== 'ALTER') continue;
    const isType = depth > 0 && (tokens[index - 1]?.kind === 'name' || tokens[index - 1]?.kind === 'word');
    const isSerial = isType && /^(?:SMALL|BIG)?SERIAL[248]?$/.test(keyword) && command === 'CREATE';
    if (isSerial || isAt(tokens, index, 'AS', 'IDENTITY')) {
      const hint = "CREATE SEQUENCE ids; then id BIGINT PRIMARY KEY DEFAULT nextval('ids').";
      throw missing('DuckDB has neither SERIAL nor IDENTITY.', hint);
    }
  }
}

function missing(message: string, hint: string): AppError {
  return new AppError('invalid', message, { sqlState: '0A000', hint });
}
