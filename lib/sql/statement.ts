/**
 * What one statement is about, judged by its words: where its RETURNING is, which table it writes, which columns
 * it may set.
 *
 * What kind of statement it is, is DuckDB's own parser's to say.
 */
import { AppError } from '../errors.ts';
import { hasWideBlank, isAt, type Token, tokensOf } from './tokens.ts';

export interface Statement {
  /** From its first to its last word: no semicolon, nothing behind it. */
  readonly sql: string;
  readonly tokens: readonly Token[];
  /** Its first word, or the first behind WITH …, in upper case: `INSERT`. Of a query in brackets `(`. */
  readonly command: string;
  /** Offset of that word: behind WITH …. */
  readonly commandAt: number;
  /** Present for INSERT, UPDATE, DELETE, TRUNCATE and MERGE. */
  readonly write: RowStatement | null;
}

/** A name as it is written, with its schema and more before it. */
export interface WrittenName {
  readonly parts: readonly string[];
  readonly start: number;
  readonly end: number;
}

export interface RowStatement {
  readonly kind: 'insert' | 'update' | 'delete' | 'merge';
  readonly target: WrittenName;
  /** What the user wants returned: offsets of the list behind RETURNING. */
  readonly returning: { readonly start: number; readonly end: number } | null;
  /** Columns that it may set in rows that are there, with the names of their fields among them; null: it may be any. */
  readonly assigned: readonly string[] | null;
  /** An INSERT that leaves rows that are there as they are. */
  readonly addsOnly: boolean;
  /** It inserts parameters and reads no table. */
  readonly insertsParameters: boolean;
  /** It may meet a row of its target more than once. */
  readonly joins: boolean;
}

/**
 * Reads one statement.
 *
 * @throws AppError `invalid` (42601) when the text is none, or more than one
 * @example statementOf('DELETE FROM books WHERE id = 7;').write?.target.parts // ['books']
 */
export function statementOf(given: string): Statement {
  const sql = withPlainBlanks(given);
  const all = readTokens(sql);
  const end = all.findIndex(({ kind, text, depth }) => kind === 'symbol' && text === ';' && depth === 0);
  const tokens = end < 0 ? all : all.slice(0, end);
  const [first] = tokens;
  if (!first) throw wrongSyntax('The statement is empty.');
  if (end >= 0 && all.slice(end).some(({ text }) => text !== ';')) {
    throw wrongSyntax(
      'This is more than one statement.',
      'Send them one by one, or as an array, which is one transaction.',
    );
  }
  const start = isAt(tokens, 0, 'WITH') ? commandBehindWith(tokens) : 0;
  const command = tokens[start]?.keyword || (tokens[start]?.text ?? '');
  const text = sql.slice(first.start, tokens.at(-1)!.end);
  const shifted = first.start === 0 ? tokens : readTokens(text);
  const commandAt = shifted[start]?.start ?? 0;
  return { sql: text, tokens: shifted, command, commandAt, write: readWrite(shifted, start, command) };
}

/**
 * DuckDB makes spaces of blanks beyond ASCII before its parser reads the text, and in that takes a quote in a block comment,
 * an `E'…\\'…'` or a `$tag$…$tag$` for the beginning or end of a string: what it runs would be another statement than the one that
 * was judged. So such blanks, and comments, become spaces here; where a string has both, there is no text that is safe.
 */
function withPlainBlanks(sql: string): string {
  if (!hasWideBlank(sql)) return sql;
  const tokens = readTokens(sql);
  const plain = tokens.map(({ start, end }, index) => {
    const before = index === 0 ? 0 : tokens[index - 1]!.end;
    return `${start > before ? ' ' : ''}${sql.slice(start, end)}`;
  });
  const text = plain.join('');
  if (hasWideBlank(text) && tokens.some(isOddString)) {
    throw wrongSyntax(
      "The SQL has a blank beyond ASCII in a text or name, beside a string that begins with E' or $tag$.",
      'Send the text as a parameter.',
    );
  }
  return text;
}

const isOddString = ({ kind, text: written }: Token): boolean => kind === 'string' && /^(?:[eE]'|\$[^$])/.test(written);

/** @throws AppError `invalid` (42601) */
export function readTokens(sql: string): Token[] {
  try {
    return tokensOf(sql);
  } catch (error) {
    if (error instanceof SyntaxError) throw wrongSyntax(`The SQL cannot be read: ${error.message}.`);
    throw error;
  }
}

/** A statement that is none. */
export function wrongSyntax(message: string, hint?: string): AppError {
  return new AppError('invalid', message, { sqlState: '42601', ...(hint === undefined ? {} : { hint }) });
}

/** `WITH a (x) AS MATERIALIZED (…), b AS (…) INSERT`: the first word behind a bracket that none of its own words is. */
function commandBehindWith(tokens: readonly Token[]): number {
  return tokens.findIndex((token, index) => {
    const before = tokens[index - 1];
    const isBehindBracket = before?.depth === 0 && before.kind === 'symbol' && before.text === ')';
    return isBehindBracket && token.text !== ',' && token.keyword !== 'AS' && token.keyword !== 'USING';
  });
}

/** Where the target's name begins: behind INTO, FROM, TABLE. */
const beginnings: Readonly<Record<string, readonly (readonly string[])[]>> = {
  INSERT: [['INTO'], ['OR', 'REPLACE', 'INTO'], ['OR', 'IGNORE', 'INTO']],
  UPDATE: [[]],
  DELETE: [['FROM']],
  TRUNCATE: [['TABLE'], []],
  MERGE: [['INTO']],
};

function readWrite(tokens: readonly Token[], start: number, command: string): RowStatement | null {
  const beginning = beginnings[command]?.find((words) => isAt(tokens, start + 1, ...words));
  if (!beginning) return null;
  const at = start + 1 + beginning.length;
  const target = readName(tokens, isAt(tokens, at, 'ONLY') ? at + 1 : at);
  if (!target) return null;
  const kind = command === 'TRUNCATE' ? 'delete' : (command.toLowerCase() as RowStatement['kind']);
  const rest = tokens.slice(target.next);
  const returning = findReturning(rest);
  const setsRows = isAt(tokens, start + 1, 'OR', 'REPLACE') || (kind === 'insert' && hasDo(rest));
  return {
    kind,
    target,
    returning,
    assigned: assignedColumns(kind, rest),
    addsOnly: kind === 'insert' && !setsRows,
    insertsParameters: kind === 'insert' && start === 0 && beginning.length === 1 && isParametersOnly(rest),
    joins: hasWord(rest, kind === 'update' ? 'FROM' : 'USING'),
  };
}

/** `a`, `s.a`, `"d"."s"."a"` from `at` on. */
export function readName(tokens: readonly Token[], at: number): (WrittenName & { readonly next: number }) | null {
  const parts: string[] = [];
  let next = at;
  for (;;) {
    const token = tokens[next];
    if (token?.kind !== 'word' && token?.kind !== 'name') return null;
    parts.push(token.text);
    next++;
    if (tokens[next]?.kind !== 'symbol' || tokens[next]?.text !== '.') break;
    next++;
  }
  return { parts, start: tokens[at]!.start, end: tokens[next - 1]!.end, next };
}

function hasWord(tokens: readonly Token[], keyword: string): boolean {
  return tokens.some((token) => token.keyword === keyword && token.depth === 0);
}

/** ON CONFLICT … DO UPDATE. DO is a reserved word, so it can be little else; what is no DO NOTHING counts as an update. */
function hasDo(tokens: readonly Token[]): boolean {
  return tokens.some(
    (token, index) => token.keyword === 'DO' && token.depth === 0 && !isAt(tokens, index + 1, 'NOTHING'),
  );
}

/**
 * RETURNING is a reserved word: at the top level it is the clause, unless it is a label behind AS or part of a name.
 *
 * @throws AppError `invalid` when there seem to be two
 */
function findReturning(tokens: readonly Token[]): RowStatement['returning'] {
  const found = tokens.filter((token, index) => {
    const before = tokens[index - 1];
    return token.keyword === 'RETURNING' && token.depth === 0 && before?.keyword !== 'AS' && before?.text !== '.';
  });
  if (found.length > 1) throw wrongSyntax('RETURNING appears more than once.', 'Put the name in double quotes.');
  const [clause] = found;
  return clause ? { start: clause.end, end: tokens.at(-1)!.end } : null;
}

function assignedColumns(kind: RowStatement['kind'], tokens: readonly Token[]): readonly string[] | null {
  if (kind === 'delete') return [];
  const isVague = tokens.some(
    (token, index) =>
      token.keyword === 'UPDATE' &&
      token.depth === 0 &&
      (!isAt(tokens, index + 1, 'SET') || tokens[index + 2]?.text === '*'),
  );
  return isVague ? null : tokens.flatMap((token, index) => (isAssignment(token) ? assignedBefore(tokens, index) : []));
}

function isAssignment({ kind, text, depth }: Token): boolean {
  return kind === 'symbol' && text === '=' && depth === 0;
}

/** The names right between SET, or a comma, and the `=` at `index`: `a`, `t.a`, `(a, b)`, `a['key']`. */
function assignedBefore(tokens: readonly Token[], index: number): string[] {
  const names: string[] = [];
  for (let at = index - 1; at >= 0; at--) {
    const { kind, text, keyword, depth } = tokens[at]!;
    if (depth === 0 && (keyword === 'SET' || (kind === 'symbol' && text === ','))) return names;
    const isPart = isNamed(tokens[at]) ? !isNamed(tokens[at + 1]) : '.()[]'.includes(text);
    if (depth === 0 && !isPart) return [];
    if (isNamed(tokens[at])) names.push(text);
  }
  return [];
}

function isNamed(token: Token | undefined): boolean {
  return token?.kind === 'word' || token?.kind === 'name';
}

/** A statement of many rows is large, and seldom has as many again. */
const mostRowsKept = 4;

/** `(a, b) VALUES ($1, DEFAULT), …` and at most a RETURNING of plain columns. */
function isParametersOnly(tokens: readonly Token[]): boolean {
  const values = tokens.findIndex(({ keyword, depth }) => keyword === 'VALUES' && depth === 0);
  const returning = tokens.findIndex(({ keyword }) => keyword === 'RETURNING');
  if (values < 0 || (returning >= 0 && returning < values)) return false;
  const rows = tokens.slice(values + 1, returning < 0 ? tokens.length : returning);
  const answer = returning < 0 ? [] : tokens.slice(returning + 1);
  return (
    isColumnList(tokens.slice(0, values)) &&
    rows.filter(({ text, depth }) => text === '(' && depth === 0).length <= mostRowsKept &&
    rows.some(({ kind }) => kind === 'parameter') &&
    rows.every(
      ({ kind, text, keyword }) =>
        kind === 'parameter' || keyword === 'DEFAULT' || keyword === 'NULL' || '(),'.includes(text),
    ) &&
    answer.every(({ kind, text }) => kind === 'word' || kind === 'name' || ',.*'.includes(text))
  );
}

/** Nothing, or `(a, b)`: an alias is seldom. */
function isColumnList(tokens: readonly Token[]): boolean {
  return tokens.every(({ depth, text }, index) =>
    depth === 0 ? (index === 0 && text === '(') || (index === tokens.length - 1 && text === ')') : true,
  );
}

/** A statement on rows that returns them whole, and then what the user asked for. */
export interface WholeRows {
  readonly sql: string;
  /** Columns before those of the row: MERGE says first what it did to it. */
  readonly leading: 0 | 1;
  /** What the user asked for: nothing, just the row, or columns that follow it. */
  readonly answer: 'none' | 'row' | 'rest';
}

/**
 * The statement with RETURNING * before its own RETURNING list. TRUNCATE, which can return nothing, becomes a DELETE.
 *
 * @example returningRows(statementOf('DELETE FROM t RETURNING a')).sql // 'DELETE FROM t RETURNING *, a'
 */
export function returningRows({ sql, command }: Statement, write: RowStatement): WholeRows {
  const leading = write.kind === 'merge' ? 1 : 0;
  const own = leading === 1 ? 'merge_action, *' : '*';
  const { returning, target } = write;
  if (command === 'TRUNCATE') {
    if (target.end !== sql.length) throw wrongSyntax(`Syntax error at "${sql.slice(target.end).trim()}".`);
    return { sql: `DELETE FROM ${sql.slice(target.start)} RETURNING *`, leading, answer: 'none' };
  }
  if (!returning) return { sql: `${sql} RETURNING ${own}`, leading, answer: 'none' };
  const head = sql.slice(0, returning.start);
  const list = sql.slice(returning.start, returning.end);
  if (leading === 0 && list.trim() === '*') return { sql, leading, answer: 'row' };
  return { sql: `${head} ${own},${list}`, leading, answer: 'rest' };
}
