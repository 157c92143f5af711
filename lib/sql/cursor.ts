/** Walking over tokens from left to right: what a reader of one kind of statement needs. */
import { AppError } from '../errors.ts';
import type { Token } from './tokens.ts';

export class TokenCursor {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** The next token; undefined behind the last. */
  get next(): Token | undefined {
    return this.#tokens[this.#at];
  }

  /** The token so many places behind the next. */
  peek(places: number): Token | undefined {
    return this.#tokens[this.#at + places];
  }

  /** Offset in the text behind the last token that was read. */
  get end(): number {
    return this.#tokens[this.#at - 1]?.end ?? 0;
  }

  skip(): void {
    this.#at++;
  }

  isAt(...keywords: readonly string[]): boolean {
    return keywords.every((keyword, offset) => this.#tokens[this.#at + offset]?.keyword === keyword);
  }

  /** Reads these words if they come next: `cursor.accept('IF', 'EXISTS')`. */
  accept(...keywords: readonly string[]): boolean {
    if (!this.isAt(...keywords)) return false;
    this.#at += keywords.length;
    return true;
  }

  isAtSymbol(symbol: string): boolean {
    return this.next?.kind === 'symbol' && this.next.text === symbol;
  }

  acceptSymbol(symbol: string): boolean {
    if (!this.isAtSymbol(symbol)) return false;
    this.#at++;
    return true;
  }

  expect(...keywords: readonly string[]): void {
    if (!this.accept(...keywords)) throw this.unexpected(keywords.join(' '));
  }

  /** Reads one name, quoted or not. */
  name(): string {
    const token = this.next;
    if (token?.kind !== 'word' && token?.kind !== 'name') throw this.unexpected('a name');
    this.#at++;
    return token.text;
  }

  /** Reads `books` or `shop.books`, as its parts. */
  qualifiedName(): string[] {
    const parts = [this.name()];
    while (this.acceptSymbol('.')) parts.push(this.name());
    return parts;
  }

  /** Reads `(a, b)`. */
  nameList(): string[] {
    if (!this.acceptSymbol('(')) throw this.unexpected('"("');
    const names = [this.name()];
    while (this.acceptSymbol(',')) names.push(this.name());
    if (!this.acceptSymbol(')')) throw this.unexpected('")"');
    return names;
  }

  unexpected(wanted: string): AppError {
    const found = this.next ? `"${this.next.text}"` : 'the end of the statement';
    return new AppError('invalid', `Syntax error at ${found}: ${wanted} should be here.`, { sqlState: '42601' });
  }
}
