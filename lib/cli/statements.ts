/** Where a text is cut into statements. */
import { tokensOf } from '../sql/tokens.ts';

/**
 * @example statementsOf("SELECT ';'; SELECT 2") // ["SELECT ';'", 'SELECT 2']
 * @throws AppError `invalid`
 */
export function statementsOf(sql: string): string[] {
  const ends = semicolons(sql) ?? [];
  const parts = [...ends, sql.length].map((end, index) => sql.slice(index === 0 ? 0 : ends[index - 1]! + 1, end));
  return parts.filter((part) => semicolons(part) === null || tokensOf(part).length > 0);
}

/** Whether nothing is missing of the last statement: all brackets and quotes are closed, and a semicolon follows. */
export function isWhole(sql: string): boolean {
  const last = semicolons(sql)?.at(-1);
  return last !== undefined && tokensOf(sql.slice(last + 1)).length === 0;
}

/** Where statements end; null when something in the text has no end. */
function semicolons(sql: string): number[] | null {
  try {
    return tokensOf(sql)
      .filter(({ kind, text: written, depth }) => kind === 'symbol' && written === ';' && depth === 0)
      .map(({ start }) => start);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
