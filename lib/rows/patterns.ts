/**
 * `like`, `ilike`, `match` and `imatch` in SQL.
 *
 * DuckDB hears no interrupt within one text, so no pattern may take long there. Its own LIKE tries each `%` at each place:
 * three of them take years for 100 kB. RE2, its regular expressions, takes the text's length times the expression's.
 */
import { raw, type Sql, sql, value as parameter } from '../sql/compose.ts';
import type { EngineName } from '../values.ts';
import { ParameterFault } from './filter.ts';
import type { Operator } from './kind.ts';

type PatternOperator = 'like' | 'ilike' | 'match' | 'imatch';

const maxLength = 1000;
/** An expression with its repetitions written out: `(ab){100}` has 200. */
const maxWrittenOut = 1000;

export function isPatternOperator(operator: Operator): operator is PatternOperator {
  return operator === 'like' || operator === 'ilike' || operator === 'match' || operator === 'imatch';
}

/** @throws ParameterFault for a pattern that is too long or, with its repetitions written out, would be */
export function requirePattern(operator: PatternOperator, text: string): string {
  if (text.length > maxLength || text.includes('\0') || !text.isWellFormed())
    throw new ParameterFault(`expects a pattern of at most ${maxLength} characters without NUL`, '22P02');
  if ((operator === 'match' || operator === 'imatch') && writtenOut(text) > maxWrittenOut)
    throw new ParameterFault(
      `expects a pattern of at most ${maxWrittenOut} characters with its repetitions written out: "(ab){100}" has 200`,
      '2201B',
    );
  return text;
}

/** `\pL` is hundreds of alternatives to RE2. */
const lengthOfClass = 100;
const piece = /\\[^]|\[\^?\]?(?:\\[^]|\[:[\^a-z]{1,10}:\]|[^\]\\])*\]?|\{(\d+)(?:,(\d*))?\}|[^]/g;

/** About how long a regular expression is with its repetitions written out. */
function writtenOut(pattern: string): number {
  const outside: number[] = [];
  let total = 0;
  let last = 0;
  for (const [text, least, most] of pattern.matchAll(piece)) {
    if (text === '(') {
      outside.push(total);
      total = 0;
    } else if (text === ')') {
      last = total;
      total += outside.pop() ?? 0;
    } else if (least !== undefined) {
      const times = Math.max(Number(least), Number(most ?? 0), 1);
      total += last * (times - 1);
      last *= times;
    } else if (!'?*+'.includes(text)) {
      last = Math.max(1, lengthOfClass * (text.match(/\\[pP]/g)?.length ?? 0));
      total += last;
    }
  }
  return outside.reduce((sum, each) => sum + each, total);
}

/** @example patternSql('duckdb', sql`"a"`, 'like', 'x%y_') // regexp_full_match("a", cast('x.*y.' as text), 's') */
export function patternSql(engine: EngineName, own: Sql, operator: PatternOperator, pattern: string): Sql {
  if (operator === 'like' || operator === 'ilike') return likeSql(engine, own, operator, pattern);
  const given = sql`cast(${parameter(pattern)} as text)`;
  if (engine === 'postgres') return sql`${own} ${raw(operator === 'match' ? '~' : '~*')} ${given}`;
  return sql`regexp_matches(${own}, ${given}, ${raw(operator === 'match' ? "'c'" : "'i'")})`;
}

function likeSql(engine: EngineName, own: Sql, operator: 'like' | 'ilike', pattern: string): Sql {
  if (engine === 'postgres' || isPlain.test(pattern))
    return sql`${own} ${raw(operator)} cast(${parameter(pattern)} as text) escape '\\'`;
  const given = sql`cast(${parameter(regularExpression(pattern))} as text)`;
  // ILIKE compares what `lower` makes of both; nothing that it changes means anything in the expression.
  if (operator === 'ilike') return sql`regexp_full_match(lower(${own}), lower(${given}), 's')`;
  return sql`regexp_full_match(${own}, ${given}, 's')`;
}

/** `%` at the ends alone, and no `_`. */
const isPlain = /^%*(?:(?:\\[^]|[^%_\\])+%*)?$/;

function regularExpression(pattern: string): string {
  return pattern.replaceAll(/%+|_|\\?([^])/g, (match, plain: string | undefined) => {
    if (plain === undefined) return match === '_' ? '.' : '.*';
    return plain.replace(/[!-/:-@[-^`{-~]/, String.raw`\$&`);
  });
}
