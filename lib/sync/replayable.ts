/** Checks the DDL of a record again before it runs: anyone who can write to the store may have made the record. */
import { AppError } from '../errors.ts';
import { definitionOf, readsFile } from '../sql/definition.ts';
import { type Statement, statementOf } from '../sql/statement.ts';
import type { Token } from '../sql/tokens.ts';

/**
 * The text to run: one statement of a kind that commits capture.
 *
 * @throws AppError `corrupt` for any other
 */
export function replayable(ddl: string): string {
  const statement = read(ddl);
  if (statement && (isDefinition(statement) || fillsDefaults(statement))) return statement.sql;
  throw new AppError('corrupt', 'A record of the log has a DDL statement that Eider never writes; it was not run.', {
    hint: 'Something else wrote to the store. Restore the log from a backup of the store, and change its keys.',
  });
}

function read(ddl: string): Statement | null {
  try {
    return statementOf(ddl);
  } catch {
    return null;
  }
}

function isDefinition(statement: Statement): boolean {
  return definitionOf(statement) !== null && readsFile(statement.tokens) === null;
}

/** `UPDATE t SET a = DEFAULT, b = DEFAULT`: what fills columns that were added. */
function fillsDefaults({ write, tokens }: Statement): boolean {
  if (write?.kind !== 'update') return false;
  const set = tokens.findIndex(({ keyword }) => keyword === 'SET');
  const [, ...rest] = tokens.slice(set);
  return rest.every(isAssignmentOfDefault) && rest.length % 4 === 3;
}

function isAssignmentOfDefault({ kind, text, keyword }: Token, index: number): boolean {
  switch (index % 4) {
    case 0:
      return kind === 'name';
    case 1:
      return text === '=';
    case 2:
      return keyword === 'DEFAULT';
    default:
      return text === ',';
  }
}
