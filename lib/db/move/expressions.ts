/**
 * Some words mean something else on the other engine (DuckDB divides integers to fractions; its `~` matches the whole
 * text): what is not listed is not translated.
 */
import { type Token, tokensOf } from '../../sql/tokens.ts';
import { quoteName } from '../../sync/sql.ts';
import type { EngineName } from '../../values.ts';

export interface Translation {
  readonly to: EngineName;
  /** The schema on PostgreSQL that is `main` on DuckDB. */
  readonly current: string;
  /** Names as they are written where they are declared: DuckDB takes them in any case. */
  readonly names: readonly string[];
}

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

const keywords =
  words(`AND OR NOT NULL IS IN BETWEEN LIKE ILIKE ESCAPE CASE WHEN THEN ELSE END TRUE FALSE CAST AS DISTINCT
  EXISTS SELECT FROM WHERE GROUP BY ORDER HAVING LIMIT OFFSET ASC DESC NULLS FIRST LAST JOIN LEFT RIGHT FULL INNER OUTER CROSS
  ON USING UNION ALL INTERSECT EXCEPT WITH RECURSIVE OVER PARTITION VALUES FILTER CURRENT_TIMESTAMP CURRENT_DATE`);

const operators = words('= <> != < <= > >= + - * || ~~ !~~ ~~* !~~* ::');

const functions =
  words(`lower upper length char_length abs coalesce nullif greatest least now gen_random_uuid ltrim rtrim
  replace concat starts_with left right count sum min max avg bool_and bool_or row_number rank sign floor ceil nextval`);

const otherFunctions: Readonly<Record<EngineName, Readonly<Record<string, string>>>> = {
  postgres: { uuid: 'gen_random_uuid', get_current_timestamp: 'now', count_star: 'count', trim: 'btrim' },
  duckdb: { btrim: 'trim', character_length: 'length' },
};

const typeWords =
  words(`boolean bool smallint integer int bigint int2 int4 int8 real double precision float decimal numeric
  character char varying varchar text bpchar uuid date time timestamp timestamptz with without zone interval json jsonb bytea blob`);

const otherTypes: Readonly<Record<EngineName, Readonly<Record<string, string>>>> = {
  postgres: { double: 'double precision', float: 'real', blob: 'bytea' },
  duckdb: { jsonb: 'json', bytea: 'blob', bpchar: 'varchar' },
};

/** `status = ANY (ARRAY['a'::text])`, as PostgreSQL keeps `status IN ('a')`: DuckDB takes it for a subquery. */
const anyOf = /(=|<>) (ANY|ALL) \(+ARRAY\[((?:[^[\]']|'[^']*')*)\](?:\)?::[a-z ]+\[\])?\)/g;

/**
 * The expression or query as the other engine writes it; null when it may not mean the same there, or is not understood.
 *
 * @example translate(`(status)::text = ANY (ARRAY['a'::text])`, { to: 'duckdb', … }) // `("status")::text IN ('a'::text)`
 */
export function translate(sql: string, translation: Translation): string | null {
  const source =
    translation.to === 'postgres'
      ? sql
      : sql.replaceAll(anyOf, (_, is: string, __, items: string) => `${is === '=' ? 'IN' : 'NOT IN'} (${items})`);
  try {
    return written(source, tokensOf(source), translation);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function written(source: string, tokens: readonly Token[], translation: Translation): string | null {
  let [text, at] = ['', 0];
  for (const [index, token] of tokens.entries()) {
    const part = partOf(tokens, index, translation);
    if (part === null) return null;
    text += source.slice(at, token.start).replaceAll(/--[^\n]*|\/\*.*?\*\//gs, ' ') + part;
    at = token.end;
  }
  return text;
}

function partOf(tokens: readonly Token[], index: number, translation: Translation): string | null {
  const token = tokens[index]!;
  switch (token.kind) {
    case 'number':
      return token.text;
    case 'string':
      return isFunction(tokens, index - 2, 'nextval') ? sequenceName(token.text, translation) : token.text;
    case 'name':
      // DuckDB quotes the names of some types.
      return isType(tokens, index) ? token.text : nameOf(tokens, index, translation);
    case 'symbol':
      return symbolOf(tokens, index);
    case 'word':
      return wordOf(tokens, index, translation);
    case 'parameter':
      return null;
  }
}

function wordOf(tokens: readonly Token[], index: number, translation: Translation): string | null {
  const { text, keyword } = tokens[index]!;
  const word = text.toLowerCase();
  if (word === 'regclass') return '';
  if (keywords.has(keyword)) return text;
  const isCalled = tokens[index + 1]?.text === '(';
  if (isCalled && functions.has(word)) return word;
  if (isCalled && otherFunctions[translation.to][word] !== undefined) return otherFunctions[translation.to][word]!;
  if (isType(tokens, index)) return otherTypes[translation.to][word] ?? text;
  return isCalled ? null : nameOf(tokens, index, translation);
}

/** Of `x::double precision` and `CAST(x AS VARCHAR)`; elsewhere such a word is the name of a column. */
function isType(tokens: readonly Token[], index: number): boolean {
  const [before, token] = [tokens[index - 1], tokens[index]];
  if (token === undefined || before === undefined || !typeWords.has(token.text.toLowerCase())) return false;
  return before.text === ':' || before.keyword === 'AS' || (before.kind === 'word' && isType(tokens, index - 1));
}

function nameOf(tokens: readonly Token[], index: number, { to, current, names }: Translation): string | null {
  const { text } = tokens[index]!;
  if (tokens[index + 1]?.text === '(') return null;
  const isQualifier = tokens[index + 1]?.text === '.' && tokens[index - 1]?.text !== '.';
  if (isQualifier && to === 'postgres' && text === 'main') return quoteName(current);
  if (isQualifier && to === 'duckdb' && text === current) return quoteName('main');
  const known = names.includes(text) ? text : names.find((name) => name.toLowerCase() === text.toLowerCase());
  return quoteName(known ?? text);
}

const isOperator = (token: Token | undefined): boolean =>
  token?.kind === 'symbol' && '+-*/<>=~!@#%^&|:?'.includes(token.text);

function symbolOf(tokens: readonly Token[], index: number): string | null {
  const token = tokens[index]!;
  if (token.text === ')' && tokens[index - 1]?.text === '(' && isFunction(tokens, index - 2, 'count_star')) return '*)';
  if ('(),.'.includes(token.text)) return token.text;
  if (!isOperator(token)) return token.text === ';' && index === tokens.length - 1 ? '' : null;
  let [first, last] = [index, index];
  while (isOperator(tokens[first - 1]) && tokens[first - 1]!.end === tokens[first]!.start) first--;
  while (isOperator(tokens[last + 1]) && tokens[last]!.end === tokens[last + 1]!.start) last++;
  const run = tokens.slice(first, last + 1).map(({ text }) => text);
  if (run.join('') === '::' && tokens[last + 1]?.keyword === 'REGCLASS') return '';
  return operators.has(run.join('')) ? token.text : null;
}

function isFunction(tokens: readonly Token[], index: number, name: string): boolean {
  return tokens[index]?.text.toLowerCase() === name && tokens[index + 1]?.text === '(';
}

/** `'main.numbers'` is `'public.numbers'` there. */
function sequenceName(literal: string, { to, current }: Translation): string {
  const [from, there] = to === 'postgres' ? ['main', current] : [current, 'main'];
  const prefix = [`'${from}.`, `'"${from}".`].find((each) => literal.startsWith(each));
  return prefix === undefined ? literal : `'${quoteName(there).replaceAll("'", "''")}.${literal.slice(prefix.length)}`;
}
