/**
 * Parses JSON from outside, strictly. `JSON.parse` keeps the last of two equal keys in silence and does not always say
 * where it stopped; this parser refuses duplicates, limits depth and names line and column.
 */
import { AppError } from '../errors.ts';
import type { PlainValue } from '../values.ts';

const maxDepth = 32;
const space = /[ \t\n\r]*/y;
const numberToken = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** Of the control characters, JSON refuses those below the space. */
const stringToken = /"(?:[^"\\\p{Cc}]|[\x7f-\x9f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;
const words = [
  ['true', true],
  ['false', false],
  ['null', null],
] as const;

/** The value of the text. @throws AppError `invalid` with the position of what is wrong. */
export function parseJson(text: string): PlainValue {
  const parser = new Parser(text);
  const value = parser.value(0);
  parser.end();
  return value;
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): PlainValue {
    if (depth > maxDepth) throw this.#fault(`is nested deeper than ${maxDepth} levels`);
    const next = this.#peek();
    if (next === '{') return this.#object(depth);
    if (next === '[') return this.#array(depth);
    if (next === '"') return this.#string();
    if (next === '-' || (next >= '0' && next <= '9')) return this.#number();
    const word = words.find(([name]) => this.#text.startsWith(name, this.#at));
    if (!word) throw this.#fault('expects a value');
    this.#at += word[0].length;
    return word[1];
  }

  end(): void {
    if (this.#peek() !== '') throw this.#fault('goes on after its value');
  }

  #object(depth: number): PlainValue {
    const entries = new Map<string, PlainValue>();
    this.#items('}', () => {
      if (this.#peek() !== '"') throw this.#fault('expects the name of a field in double quotes');
      const start = this.#at;
      const name = this.#string();
      if (entries.has(name)) throw this.#fault(`has the field ${JSON.stringify(name.slice(0, 60))} twice`, start);
      if (this.#peek() !== ':') throw this.#fault('expects ":"');
      this.#at += 1;
      entries.set(name, this.value(depth + 1));
    });
    // Defines own properties, also one called __proto__.
    return Object.fromEntries(entries);
  }

  #array(depth: number): PlainValue {
    const values: PlainValue[] = [];
    this.#items(']', () => values.push(this.value(depth + 1)));
    return values;
  }

  /** The items between brackets, separated by commas. */
  #items(close: '}' | ']', item: () => void): void {
    this.#at += 1;
    if (this.#peek() === close) {
      this.#at += 1;
      return;
    }
    for (;;) {
      item();
      const next = this.#peek();
      if (next !== ',' && next !== close) throw this.#fault(`expects "," or "${close}"`);
      this.#at += 1;
      if (next === close) return;
    }
  }

  #string(): string {
    const token = this.#token(stringToken);
    if (token === null) throw this.#fault('has a string that is not well-formed or does not end');
    return JSON.parse(token) as string;
  }

  #number(): number {
    const start = this.#at;
    const token = this.#token(numberToken);
    const value = Number(token ?? Number.NaN);
    if (!Number.isFinite(value)) throw this.#fault('has a number that is not well-formed or too large', start);
    return value;
  }

  #token(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const token = pattern.exec(this.#text)?.[0] ?? null;
    this.#at += token?.length ?? 0;
    return token;
  }

  /** The next character after white space; empty at the end. */
  #peek(): string {
    this.#token(space);
    return this.#text.charAt(this.#at);
  }

  #fault(what: string, at = this.#at): AppError {
    const before = this.#text.slice(0, at).split('\n');
    const where =
      at >= this.#text.length ? 'at its end' : `at line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
    return new AppError('invalid', `The body is not the expected JSON: ${where} it ${what}.`);
  }
}
