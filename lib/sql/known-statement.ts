import { type Statement, statementOf } from './statement.ts';

/** Statements that were read before: most come again. */
const known = new Map<string, Statement>();
const mostKnown = 1000;
const longestKnown = 4000;

/** As `statementOf`, for what several parts read in the course of a request. @throws AppError `invalid` as that does */
export function knownStatement(sql: string): Statement {
  const found = known.get(sql);
  if (found) return found;
  const statement = statementOf(sql);
  if (known.size >= mostKnown) known.clear();
  if (sql.length <= longestKnown) known.set(sql, statement);
  return statement;
}
