/**
 * SQL cut into tokens, as PostgreSQL and DuckDB both cut it: enough to find a keyword at the top level of a statement, and
 * never to mistake a word inside a string, a quoted name or a comment for one. Linear in the length of the text.
 */

export interface Token {
  /** `word`: a keyword or an unquoted name. `name`: a quoted one. `parameter`: `$1`, `$name` or `?`. */
  readonly kind: 'word' | 'name' | 'string' | 'number' | 'parameter' | 'symbol';
  /** As it is written; for a `name`, the text between its quotes. */
  readonly text: string;
  /** Of a `word` in upper case, otherwise empty: `token.keyword === 'SELECT'`. */
  readonly keyword: string;
  /** Offsets in the text; `end` is behind the last character. */
  readonly start: number;
  readonly end: number;
  /** How many brackets of any kind are open. A bracket has the depth of what surrounds it. */
  readonly depth: number;
}

/** What DuckDB takes for blanks beyond those of ASCII; all other characters beyond ASCII are letters to it. */
const wideBlanks = '\\u00a0\\u2000-\\u200b\\u202f\\u205f\\u2060\\u3000\\ufeff';
/** Whether the text has any of them. */
export const hasWideBlank = (text: string): boolean => wideBlank.test(text);
const wideBlank = new RegExp(`[${wideBlanks}]`, 'u');
const letters = `A-Za-z_${beyondAscii()}`;
const space = new RegExp(`(?:[\\t\\n\\f\\r ${wideBlanks}]+|--[^\\n\\r]*)+`, 'y');
const word = new RegExp(`[${letters}][${letters}\\d$]*`, 'uy');
const number = /(?:0[xX][\da-fA-F_]+|(?:\d[\d_]*)?\.?\d[\d_]*\.?(?:[eE][+-]?\d+)?)/y;
const parameter = new RegExp(`\\$\\d+|\\$[${letters}][${letters}\\d]*|\\?`, 'uy');
const dollarQuote = new RegExp(`\\$(?:[${letters}][${letters}\\d]*)?\\$`, 'uy');

/** The ranges between the blanks. */
function beyondAscii(): string {
  return '\\u0080-\\u009f\\u00a1-\\u1fff\\u200c-\\u202e\\u2030-\\u205e\\u2061-\\u2fff\\u3001-\\ufefe\\uff00-\\u{10ffff}';
}

/**
 * The tokens of `sql`, without blanks and comments.
 *
 * @throws SyntaxError for a string, name or comment that does not end, for brackets that do not match, and for the
 *   character 0, behind which DuckDB reads nothing
 * @example tokensOf('DELETE FROM "a b"').map(({ text }) => text) // ['DELETE', 'FROM', 'a b']
 */
export function tokensOf(sql: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let depth = 0;
  if (sql.includes('\0')) throw new SyntaxError('it has the character 0 in it');
  const push = (kind: Token['kind'], end: number, text = sql.slice(at, end)): void => {
    tokens.push({ kind, text, keyword: kind === 'word' ? text.toUpperCase() : '', start: at, end, depth });
    at = end;
  };
  for (at = skipSpace(sql, 0); at < sql.length; at = skipSpace(sql, at)) {
    const next = sql.charAt(at);
    if ('()[]{},;.=*'.includes(next) && !(next === '.' && matchAt(number, sql, at))) {
      if (')]}'.includes(next) && --depth < 0) throw new SyntaxError(`"${next}" closes nothing`);
      push('symbol', at + 1);
      if ('([{'.includes(next)) depth++;
    } else if (next === "'") push('string', quoteEnd(sql, at, "'", false));
    else if ((next === 'e' || next === 'E') && sql.charAt(at + 1) === "'") {
      push('string', quoteEnd(sql, at + 1, "'", true));
    } else if (next === '"') pushName(sql, at, push);
    else if (next === '$' && matchAt(dollarQuote, sql, at)) push('string', dollarEnd(sql, at));
    else if ((next === '$' || next === '?') && matchAt(parameter, sql, at)) push('parameter', parameter.lastIndex);
    else if (matchAt(word, sql, at)) push('word', word.lastIndex);
    else if (matchAt(number, sql, at)) push('number', number.lastIndex);
    else push('symbol', at + 1);
  }
  if (depth > 0) throw new SyntaxError('a bracket is not closed');
  return tokens;
}

/** Whether the tokens from `index` on are these words: `isAt(tokens, 0, 'CREATE', 'TABLE')`. */
export function isAt(tokens: readonly Token[], index: number, ...keywords: readonly string[]): boolean {
  return keywords.every((keyword, offset) => tokens[index + offset]?.keyword === keyword);
}

/** Index of the first token at `depth` with this keyword or symbol, from `from` on; -1 when there is none. */
export function indexOfTop(tokens: readonly Token[], text: string, from = 0, depth = 0): number {
  return tokens.findIndex(
    (token, index) =>
      index >= from &&
      token.depth === depth &&
      (token.kind === 'symbol' ? token.text === text : token.keyword === text && text !== ''),
  );
}

/** The tokens cut at each comma of `depth`. */
export function splitAtCommas(tokens: readonly Token[], depth: number): Token[][] {
  const parts: Token[][] = [[]];
  for (const token of tokens) {
    if (token.kind === 'symbol' && token.text === ',' && token.depth === depth) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}

/** The text of each statement, cut at the semicolons of the top level; empty ones are left out. */
export function splitStatements(sql: string): { readonly text: string; readonly start: number }[] {
  const statements: { text: string; start: number }[] = [];
  let first: Token | null = null;
  let last: Token | null = null;
  const finish = (): void => {
    if (first && last) statements.push({ text: sql.slice(first.start, last.end), start: first.start });
    first = last = null;
  };
  for (const token of tokensOf(sql)) {
    if (token.kind === 'symbol' && token.text === ';' && token.depth === 0) finish();
    else {
      first ??= token;
      last = token;
    }
  }
  finish();
  return statements;
}

function matchAt(pattern: RegExp, text: string, at: number): boolean {
  pattern.lastIndex = at;
  return pattern.test(text);
}

function skipSpace(sql: string, from: number): number {
  let at = from;
  for (;;) {
    const code = sql.charCodeAt(at);
    // Most tokens follow each other without a blank between them that matters here.
    if (code > 47 && code < 128) return at;
    if (matchAt(space, sql, at)) at = space.lastIndex;
    else if (sql.startsWith('/*', at)) at = commentEnd(sql, at);
    else return at;
  }
}

/** Block comments nest. */
function commentEnd(sql: string, from: number): number {
  const mark = /\/\*|\*\//g;
  mark.lastIndex = from;
  for (let depth = 0, match = mark.exec(sql); match; match = mark.exec(sql)) {
    depth += match[0] === '/*' ? 1 : -1;
    if (depth === 0) return mark.lastIndex;
  }
  throw new SyntaxError('a comment does not end');
}

/** Behind the closing quote; a doubled one stands for itself, and where `escapes`, so does one behind a backslash. */
function quoteEnd(sql: string, open: number, quote: string, escapes: boolean): number {
  for (let at = open + 1; at < sql.length; at++) {
    if (escapes && sql.charAt(at) === '\\') at++;
    else if (sql.charAt(at) === quote) {
      if (sql.charAt(at + 1) !== quote) return at + 1;
      at++;
    }
  }
  throw new SyntaxError(quote === "'" ? 'a string does not end' : 'a quoted name does not end');
}

function pushName(sql: string, at: number, push: (kind: Token['kind'], end: number, text: string) => void): void {
  const end = quoteEnd(sql, at, '"', false);
  push('name', end, sql.slice(at + 1, end - 1).replaceAll('""', '"'));
}

function dollarEnd(sql: string, at: number): number {
  const quote = sql.slice(at, dollarQuote.lastIndex);
  const end = sql.indexOf(quote, dollarQuote.lastIndex);
  if (end < 0) throw new SyntaxError('a string does not end');
  return end + quote.length;
}
