/** INSERT statements of one row of parameters, of which several with the same text are one with many rows. */
import { knownStatement } from './known-statement.ts';
import type { StatementResult } from './result.ts';
import type { Statement } from './statement.ts';
import type { Token } from './tokens.ts';

/** An INSERT that can be said once for many rows. */
export interface RepeatedInsert {
  /** The statement for so many rows, whose parameters follow each other. */
  readonly text: (rows: number) => string;
}

/**
 * Null for a statement that is anything but an INSERT of one row of the parameters `$1` to `$width`, or of constants.
 *
 * @example repeatedInsert('INSERT INTO t VALUES ($1, $2)', 2)?.text(2) // 'INSERT INTO t VALUES ($1, $2), ($3, $4)'
 */
export function repeatedInsert(sql: string, width: number): RepeatedInsert | null {
  // Most statements are told from one by their first letters.
  if (!/^\s*insert\b/i.test(sql)) return null;
  const statement = knownStatement(sql);
  const row = statement.write?.insertsParameters === true ? onlyRow(statement) : null;
  if (!row || !isNumbered(row, width)) return null;
  const [first, last] = [row[0]!, row.at(-1)!];
  const [before, after] = [statement.sql.slice(0, first.start), statement.sql.slice(last.end)];
  const shifted = (by: number): string => {
    const pieces = row.map(({ kind, text, start, end }, index) => {
      const blank = index === 0 ? '' : statement.sql.slice(row[index - 1]!.end, start);
      return blank + (kind === 'parameter' ? `$${Number(text.slice(1)) + by}` : statement.sql.slice(start, end));
    });
    return pieces.join('');
  };
  return {
    text: (rows) => before + Array.from({ length: rows }, (_, index) => shifted(index * width)).join(', ') + after,
  };
}

/** The tokens of the row, its brackets included; null where there are several rows. */
function onlyRow({ tokens }: Statement): readonly Token[] | null {
  const values = tokens.findIndex(({ keyword, depth }) => keyword === 'VALUES' && depth === 0);
  const end = tokens.findIndex(({ text, depth }, index) => index > values && text === ')' && depth === 0);
  return tokens[end + 1]?.text === ',' ? null : tokens.slice(values + 1, end + 1);
}

/** Whether each of the parameters is there, and no other. */
function isNumbered(row: readonly Token[], width: number): boolean {
  const numbers = new Set(row.filter(({ kind }) => kind === 'parameter').map(({ text }) => text));
  return (
    numbers.size === width &&
    [...numbers].every((text) => /^\$[1-9]\d{0,3}$/.test(text) && Number(text.slice(1)) <= width)
  );
}

/** What each of `count` statements of one row answers. */
export function eachResult(result: StatementResult, count: number): StatementResult[] {
  if (result.rowCount !== count) throw new Error('An INSERT of many rows inserted another number of them.');
  return Array.from({ length: count }, (_, index) => ({
    ...result,
    rows: result.rows.slice(index, index + 1),
    rowCount: 1,
  }));
}
