/** What the statements of a text do, and what somebody should be asked before they run. */
import { type StatementKind, kindOf } from '../../../../lib/sql/kind.ts';
import { type Statement, statementOf } from '../../../../lib/sql/statement.ts';
import { isAt } from '../../../../lib/sql/tokens.ts';

/** A statement, and where it begins in the text of its tab. */
export interface Piece {
  readonly text: string;
  readonly from: number;
  /** Where that is for people: both count from 1. */
  readonly line: number;
  readonly column: number;
}

/** Null where the server will say what is wrong with it. */
export function readStatement(text: string): Statement | null {
  try {
    return statementOf(text);
  } catch {
    return null;
  }
}

export function kindOfText(text: string): StatementKind | null {
  const statement = readStatement(text);
  return statement && kindOf(statement);
}

/** What it takes away that people may not mean; null: nothing. */
export function dangerOf(text: string): string | null {
  const statement = readStatement(text);
  if (!statement) return null;
  const { command, write, tokens } = statement;
  const name = write?.target.parts.join('.') ?? '';
  const has = (keyword: string): boolean => tokens.some((token) => token.keyword === keyword);
  const isLimited = tokens.some(({ keyword, depth }) => keyword === 'WHERE' && depth === 0);
  if (command === 'DROP') return 'It drops what it names, with everything in it.';
  if (command === 'TRUNCATE') return `It deletes all rows of ${name}.`;
  if (command === 'DELETE' && !isLimited && !write?.joins) return `It has no WHERE: all rows of ${name} are deleted.`;
  if (command === 'UPDATE' && !isLimited && !write?.joins) return `It has no WHERE: all rows of ${name} are changed.`;
  if (command === 'ALTER' && has('DROP')) return 'It drops a part of the table.';
  return command === 'CREATE' && isAt(tokens, 1, 'OR', 'REPLACE', 'TABLE')
    ? 'It replaces a table that is there.'
    : null;
}

/** The same, as far as its first rows: where all are more than one answer may have. */
export function firstRows(text: string, count: number): string {
  return `SELECT * FROM (\n${text}\n) AS answer LIMIT ${count}`;
}

/** The server counts lines from the beginning of the statement, people from that of the tab. */
export function inTab(message: string, { line, column }: Pick<Piece, 'line' | 'column'>): string {
  return message.replace(
    /\(line (\d+)(, column (\d+))?\)/,
    (_, ofStatement: string, hasColumn?: string, at?: string) => {
      const shift = ofStatement === '1' ? column - 1 : 0;
      const where = hasColumn === undefined ? '' : `, column ${Number(at) + shift}`;
      return `(line ${Number(ofStatement) + line - 1}${where})`;
    },
  );
}

/** The part of the statement that an error is about. */
export function placeOfError(message: string, text: string): { readonly from: number; readonly to: number } {
  const from = writtenPlace(message, text) ?? namedPlace(message, text);
  if (from === null) return { from: 0, to: text.length };
  const word = /^(?:"[^"]*"|[\p{L}\p{N}_$]+|.)?/u.exec(text.slice(from))?.[0] ?? '';
  return { from, to: Math.min(text.length, from + Math.max(word.length, 1)) };
}

/** `(line 2, column 14)`. */
function writtenPlace(message: string, text: string): number | null {
  const [, line, column] = /\(line (\d+), column (\d+)\)/.exec(message) ?? [];
  if (line === undefined) return null;
  const before = text.split('\n').slice(0, Number(line) - 1);
  const at = before.reduce((sum, each) => sum + each.length + 1, 0) + Number(column) - 1;
  return at < text.length ? at : null;
}

/** What the message has in quotes. */
function namedPlace(message: string, text: string): number | null {
  for (const [, name = ''] of message.matchAll(/"([^"]+)"/g)) {
    const at = lastWord(text.toLowerCase(), name.toLowerCase());
    if (at !== null) return at;
  }
  return null;
}

/** Where `word` stands by itself for the last time: a table is named behind its columns. */
function lastWord(text: string, word: string): number | null {
  const isLetter = (at: number): boolean => /[\p{L}\p{N}_]/u.test(text.charAt(at));
  for (let at = text.lastIndexOf(word); at >= 0; at = at === 0 ? -1 : text.lastIndexOf(word, at - 1)) {
    if (!isLetter(at - 1) && !isLetter(at + word.length)) return at;
  }
  return null;
}
