/** EXPLAIN: the statement is checked like any query, and the EXPLAIN clause is rebuilt from its parsed options. */
import { AppError } from '../errors.ts';
import { type Statement, statementOf } from './statement.ts';
import { indexOfTop } from './tokens.ts';

export interface Explain {
  /** Runs it, and measures. */
  readonly analyze: boolean;
  readonly format: 'text' | 'json';
}

/**
 * Null for any other statement.
 *
 * @throws AppError `invalid` for options that are not known
 * @example explainOf(statementOf('EXPLAIN (FORMAT json) SELECT 1'))?.statement.sql // 'SELECT 1'
 */
export function explainOf({ command, tokens, sql }: Statement): { explain: Explain; statement: Statement } | null {
  if (command !== 'EXPLAIN') return null;
  const hasOptions = tokens[1]?.text === '(' && /^(?:ANALYZE|FORMAT)$/.test(tokens[2]?.keyword ?? '');
  const close = hasOptions ? indexOfTop(tokens, ')') : -1;
  const isAnalyze = tokens[1]?.keyword === 'ANALYZE';
  const options = hasOptions ? tokens.slice(2, close).map(({ text }) => text.toLowerCase()) : [];
  const explain = hasOptions ? readOptions(options.join(' ')) : { analyze: isAnalyze, format: 'text' as const };
  const first = hasOptions ? close + 1 : isAnalyze ? 2 : 1;
  return { explain, statement: statementOf(sql.slice(tokens[first]?.start ?? sql.length)) };
}

function readOptions(text: string): Explain {
  const options = text.split(' , ');
  const [format = 'text', ...others] = options.flatMap((option) => /^format (json|text)$/.exec(option)?.[1] ?? []);
  const analyze = options.filter((option) => option === 'analyze').length;
  if (
    others.length > 0 ||
    analyze > 1 ||
    options.some((option) => !/^(?:analyze|format (?:json|text))$/.test(option))
  ) {
    throw new AppError('invalid', `EXPLAIN does not know (${text}).`, {
      sqlState: '0A000',
      hint: 'It takes ANALYZE, FORMAT json and FORMAT text, each once.',
    });
  }
  return { analyze: analyze === 1, format: format as Explain['format'] };
}

/** Both engines know these words. A bracket of ours comes first, so that one of the query is none of options. */
export function explaining(explain: Explain | undefined, sql: string): string {
  return explain ? `EXPLAIN (${explain.analyze ? 'ANALYZE, ' : ''}FORMAT ${explain.format}) ${sql}` : sql;
}
