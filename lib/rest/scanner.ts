/**
 * Reads one parameter of the grammar from left to right. Nothing is read twice, so the time is that of the text's length.
 */
import { parseFault, type RestError, tooMuch } from './faults.ts';

/** Deepest nesting of embeddings, and of conditions. */
const mostDepth = 8;
/** Items of one list. */
const mostItems = 500;

/** Characters of a name without quotes; a minus that begins an arrow ends it. */
const plainName = /(?:[^\s.,:()"'!<>=&|{}[\]*\\/+;%-]|-(?!>)| )+/uy;
const quotedName = /"((?:[^"\\]|\\.)*)"/suy;

export interface Name {
  readonly text: string;
  readonly isQuoted: boolean;
}

export class Scanner {
  readonly #parameter: string;
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(parameter: string, text: string) {
    this.#parameter = parameter;
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  /** Whether `mark` comes next; blanks before it do not count. */
  sees(mark: string): boolean {
    return this.#text.startsWith(mark, this.#at);
  }

  take(mark: string): boolean {
    if (!this.sees(mark)) return false;
    this.#at += mark.length;
    return true;
  }

  expect(mark: string): void {
    if (!this.take(mark)) throw this.fault(JSON.stringify(mark));
  }

  /** What the pattern, which is sticky, matches here. */
  match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found) this.#at += found[0].length;
    return found;
  }

  /** A name: in quotes, where `\` makes the next character plain, or without. */
  name(expected = 'a name'): Name {
    const quoted = this.match(quotedName);
    if (quoted) return { text: (quoted[1] ?? '').replaceAll(/\\(.)/gsu, '$1'), isQuoted: true };
    const text = this.match(plainName)?.[0].trim() ?? '';
    if (text === '') throw this.fault(expected);
    return { text, isQuoted: false };
  }

  /** A text in quotes; null when none comes next. */
  quoted(): string | null {
    return this.match(quotedName)?.[1]?.replaceAll(/\\(.)/gsu, '$1') ?? null;
  }

  /** One or more items, separated by commas. */
  list<T>(item: () => T): T[] {
    const items = [item()];
    while (this.take(',')) {
      items.push(item());
      if (items.length > mostItems) throw tooMuch(`a list of more than ${mostItems} items`);
    }
    return items;
  }

  /** Runs `work` one level deeper. */
  nested<T>(work: () => T): T {
    if (++this.#depth > mostDepth) throw tooMuch(`nesting deeper than ${mostDepth} levels`);
    const result = work();
    this.#depth--;
    return result;
  }

  rest(): string {
    const text = this.#text.slice(this.#at);
    this.#at = this.#text.length;
    return text;
  }

  end(): void {
    if (!this.isAtEnd) throw this.fault('the end, or ","');
  }

  fault(expected: string): RestError {
    return parseFault(this.#parameter, this.#text, this.#at, expected);
  }
}
