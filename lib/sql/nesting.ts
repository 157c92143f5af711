/** Limits the depth of expressions by their tokens, before a parser or a binder crashes on them. */
import { AppError } from '../errors.ts';
import type { Token } from './tokens.ts';

/** Words that nest like an operator. AND and OR make flat lists. */
const nesting = new Set('NOT IS ISNULL NOTNULL COLLATE CASE AT IN LIKE ILIKE SIMILAR BETWEEN'.split(' '));
const isSetOperation = /^(?:UNION|INTERSECT|EXCEPT|JOIN)$/;
const maxSetOperations = 1000;
/** What ends a row of operators: what follows is beside it. */
const ends = new Set('AND OR WHERE SET VALUES SELECT'.split(' '));

/**
 * @throws AppError `invalid` (54001) for more brackets within each other, or more operators in one row, than are allowed
 * @example requireShallow(tokensOf('SELECT 1+1+1'), 1) // throws
 */
export function requireShallow(tokens: readonly Token[], most: number): void {
  const rows: number[] = [0];
  let setOperations = 0;
  let operatorEnd = -1;
  for (const { kind, text, keyword, depth, start, end } of tokens) {
    if (depth > most) throw tooDeep(`Brackets may be nested ${most} deep.`);
    if (isSetOperation.test(keyword) && ++setOperations > maxSetOperations)
      throw tooDeep(`One statement may have ${maxSetOperations} joins and set operations.`);
    if (isOpening(kind, text)) rows[depth + 1] = 0;
    if (ends.has(keyword) || (kind === 'symbol' && (text === ',' || text === ';'))) rows[depth] = 0;
    const isSymbol = isOperator(kind, text);
    // `||` comes as two.
    if (nesting.has(keyword) || (isSymbol && start !== operatorEnd)) rows[depth] = (rows[depth] ?? 0) + 1;
    if (isSymbol) operatorEnd = end;
    if ((rows[depth] ?? 0) > most) throw tooDeep(`One expression may have ${most} operators in a row.`);
  }
}

/** Other than those around lists and names. An array's bracket is one: `a[1][1]`. */
function isOperator(kind: Token['kind'], text: string): boolean {
  return kind === 'symbol' && !'(){}],.;'.includes(text);
}

function isOpening(kind: Token['kind'], text: string): boolean {
  return kind === 'symbol' && '([{'.includes(text);
}

/** Of a statement that its parser or its binder would break on. */
export function tooDeep(message: string, cause?: Error): AppError {
  return new AppError('invalid', `The statement is too deep. ${message}`, {
    ...(cause ? { cause } : {}),
    sqlState: '54001',
    hint: 'Split it into several, or use a list: IN (…), concat(…), list_sum([…]).',
  });
}
