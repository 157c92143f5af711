/**
 * A statement that changes something as SELECTs that hold every part of it in which an expression, a table or a query can
 * stand: so that who can judge a SELECT can judge it.
 *
 * What is left out is names and fixed words alone, and is held against them: a text that is of another form is refused.
 */
import type { AppError } from '../errors.ts';
import type { Definition } from './definition.ts';
import { type RowStatement, type Statement, wrongSyntax } from './statement.ts';
import { indexOfTop, isAt, type Token } from './tokens.ts';

/**
 * @example rowParts(statementOf('DELETE FROM t USING u WHERE f(t.a)'), write) // ['SELECT 1 FROM u', 'SELECT f(t.a)']
 */
export function rowParts(statement: Statement, write: RowStatement): string[] {
  const parts = new StatementParts(statement);
  const rest = statement.tokens.filter(({ start }) => start >= write.target.end);
  const [head = [], ...clauses] = splitAt(rest, startsClause[write.kind]);
  const body = write.kind === 'insert' ? parts.source(head) : parts.alias(head);
  return [...body, ...clauses.flatMap((clause) => parts.clause(write, clause))];
}

type Starts = (tokens: readonly Token[], index: number) => boolean;

const at =
  (...words: readonly string[]): Starts =>
  (tokens, index) =>
    isAt(tokens, index, ...words);
/** Of a SELECT or a comparison: `IS DISTINCT FROM`. */
const fromClause: Starts = (tokens, index) => isAt(tokens, index, 'FROM') && tokens[index - 1]?.keyword !== 'DISTINCT';
const either =
  (...starts: readonly Starts[]): Starts =>
  (tokens, index) =>
    starts.some((start) => start(tokens, index));

const conditions = either(at('WHERE'), at('RETURNING'));
const startsClause: Readonly<Record<RowStatement['kind'], Starts>> = {
  insert: either(at('ON', 'CONFLICT'), at('DO'), at('RETURNING')),
  update: either(at('SET'), fromClause, conditions),
  delete: either((tokens, index) => isAt(tokens, index, 'USING') && index < 3, conditions),
  merge: either((tokens, index) => isAt(tokens, index, 'USING') && index < 3, at('WHEN'), at('RETURNING')),
};

/** Cut before each token at which a clause starts; the words of CASE … END start none. */
function splitAt(tokens: readonly Token[], starts: Starts): Token[][] {
  const clauses: Token[][] = [[]];
  let cases = 0;
  for (const [index, token] of tokens.entries()) {
    if (token.keyword === 'CASE') cases++;
    if (token.keyword === 'END' && cases > 0) cases--;
    if (cases === 0 && token.depth === 0 && starts(tokens, index)) clauses.push([]);
    clauses.at(-1)?.push(token);
  }
  return clauses;
}

class StatementParts {
  readonly #sql: string;
  readonly #with: string;

  constructor({ sql, commandAt }: Statement) {
    this.#sql = sql;
    this.#with = sql.slice(0, commandAt);
  }

  clause(write: RowStatement, clause: readonly Token[]): string[] {
    const [first] = clause;
    switch (first?.keyword) {
      case 'FROM':
        return [this.#query('SELECT 1', clause)];
      case 'USING':
        if (write.kind === 'merge') return [this.#query(`SELECT 1 FROM ${this.#target(write)} JOIN`, clause.slice(1))];
        return [this.#query('SELECT 1 FROM', clause.slice(1))];
      case 'ON':
        return this.#conflict(clause.slice(2));
      case 'DO':
        return this.#action(clause.slice(1));
      case 'WHEN':
        return this.#when(clause.slice(1));
      default:
        return this.#expressions(clause.slice(1));
    }
  }

  /** `AS x (a, b) BY NAME SELECT …` */
  source(tokens: readonly Token[]): string[] {
    const start = tokens.findIndex((token, index) => token.depth === 0 && beginsQuery(tokens, index));
    if (start < 0) {
      if (isAt(tokens, tokens.length - 2, 'DEFAULT', 'VALUES')) return this.alias(tokens.slice(0, -2), true);
      throw wrongSyntax('INSERT INTO … is followed by neither VALUES nor a SELECT.');
    }
    const end = isAt(tokens, start - 2, 'BY', 'NAME') || isAt(tokens, start - 2, 'BY', 'POSITION') ? start - 2 : start;
    return [...this.alias(tokens.slice(0, end), true), this.#query('', tokens.slice(start))];
  }

  /** Nothing, or `AS x`, with names of columns behind it. */
  alias(tokens: readonly Token[], hasColumns = false): string[] {
    const columns = hasColumns ? tokens.findIndex(({ text, depth }) => text === '(' && depth === 0) : -1;
    const alias = columns < 0 ? tokens : tokens.slice(0, columns);
    const isAlias = alias.length <= (alias[0]?.keyword === 'AS' ? 2 : 1) && alias.every(isNamed);
    if (!isAlias || (columns >= 0 && !isNameList(tokens.slice(columns)))) throw this.#unknown(tokens);
    return [];
  }

  /** `(a, b) WHERE a > 1` behind ON CONFLICT. */
  #conflict(tokens: readonly Token[]): string[] {
    return splitAt(tokens, at('WHERE')).flatMap((part, index) => this.#expressions(index === 0 ? part : part.slice(1)));
  }

  /** What follows DO, or THEN. */
  #action(tokens: readonly Token[]): string[] {
    if (tokens.length === 1 && /^(?:NOTHING|DELETE|UPDATE|INSERT|ERROR)$/.test(tokens[0]?.keyword ?? '')) return [];
    if (isAt(tokens, 0, 'DO', 'NOTHING') && tokens.length === 2) return [];
    if (isAt(tokens, 0, 'ERROR')) return this.#expressions(tokens.slice(1));
    if (isAt(tokens, 0, 'UPDATE', 'SET')) {
      const [set = [], ...wheres] = splitAt(tokens.slice(2), at('WHERE'));
      const isWhole = set.length === 1 && set[0]?.text === '*';
      return [
        ...(isWhole ? [] : this.#expressions(set)),
        ...wheres.flatMap((where) => this.#expressions(where.slice(1))),
      ];
    }
    const named = isAt(tokens, 1, 'BY', 'NAME') || isAt(tokens, 1, 'BY', 'POSITION');
    if (named && tokens.length === 3) return [];
    if (isAt(tokens, 0, 'INSERT') && tokens.length === 2 && tokens[1]?.text === '*') return [];
    if (isAt(tokens, 0, 'INSERT')) return this.source(tokens.slice(1));
    throw this.#unknown(tokens);
  }

  /** `NOT MATCHED BY SOURCE AND condition THEN action` */
  #when(tokens: readonly Token[]): string[] {
    const then = splitAt(tokens, at('THEN'));
    const words = then[0]?.findIndex(({ keyword }) => keyword === 'AND') ?? -1;
    const head = words < 0 ? (then[0] ?? []) : (then[0] ?? []).slice(0, words);
    const isKnown = head.every(({ keyword }) => /^(?:NOT|MATCHED|BY|SOURCE|TARGET)$/.test(keyword));
    if (!isKnown || then.length !== 2) throw this.#unknown(tokens);
    const condition = words < 0 ? [] : this.#expressions((then[0] ?? []).slice(words + 1));
    return [...condition, ...this.#action((then[1] ?? []).slice(1))];
  }

  #expressions(tokens: readonly Token[]): string[] {
    return tokens.length === 0 ? [] : [this.#query('SELECT', tokens)];
  }

  #query(head: string, tokens: readonly Token[]): string {
    const [first] = tokens;
    const last = tokens.at(-1);
    return `${this.#with}${head} ${first && last ? this.#sql.slice(first.start, last.end) : ''}`;
  }

  #target({ target }: RowStatement): string {
    return this.#sql.slice(target.start, target.end);
  }

  #unknown(tokens: readonly Token[]): AppError {
    return wrongSyntax(`This form of statement is not supported, at "${tokens[0]?.text ?? ''}".`);
  }
}

function beginsQuery(tokens: readonly Token[], index: number): boolean {
  const { keyword, text, kind } = tokens[index]!;
  if (/^(?:SELECT|FROM|WITH|TABLE|PIVOT|UNPIVOT)$/.test(keyword)) return true;
  if (keyword === 'VALUES') return !isAt(tokens, index - 1, 'DEFAULT');
  if (kind !== 'symbol' || text !== '(') return false;
  const next = tokens[index + 1];
  return next?.text === '(' || /^(?:SELECT|FROM|VALUES|WITH|TABLE|PIVOT|UNPIVOT)$/.test(next?.keyword ?? '');
}

function isNamed({ kind }: Token): boolean {
  return kind === 'word' || kind === 'name';
}

/** `(a, b)` */
function isNameList(tokens: readonly Token[]): boolean {
  return (
    tokens.at(-1)?.text === ')' &&
    tokens.slice(1, -1).every((token, index) => (index % 2 === 0 ? isNamed(token) : token.text === ','))
  );
}

/** What of a statement that defines something has to be judged. */
export interface DefinitionParts {
  readonly selects: readonly string[];
  /** Functions that it calls beyond them. */
  readonly calls: readonly string[];
}

/** The query of a view, a table or an enum and the body of a macro are SELECTs; elsewhere no query can stand. */
export function definitionParts({ sql, tokens }: Statement, definition: Definition): DefinitionParts {
  const { object, isOfQuery, action } = definition;
  const hasBody = action === 'CREATE' && (isOfQuery || object === 'VIEW' || object === 'MACRO');
  const as = hasBody ? indexOfTop(tokens, 'AS') : -1;
  if (hasBody && as < 0) throw wrongSyntax('AS is missing.');
  const head = as < 0 ? tokens : tokens.slice(0, as);
  const query = head.find(({ keyword }, index) => /^(?:SELECT|FROM|WITH|VALUES)$/.test(keyword) && index > 0);
  if (query && object !== 'SEQUENCE') throw wrongSyntax(`A query is not allowed at "${query.text}".`);
  const selects = as < 0 ? [] : [bodyOf(sql, tokens.slice(as + 1), object)];
  return { selects, calls: callsIn(head, definition) };
}

function bodyOf(sql: string, tokens: readonly Token[], object: Definition['object']): string {
  const text = (from: number): string => sql.slice(tokens[from]?.start ?? sql.length, tokens.at(-1)?.end);
  // `ENUM (SELECT …)`
  if (object === 'TYPE') return text(1);
  if (object !== 'MACRO') return text(0);
  return isAt(tokens, 0, 'TABLE') ? text(1) : `SELECT ${text(0)}`;
}

/** Names with a bracket behind them, but not those of what is created or referred to. */
function callsIn(tokens: readonly Token[], { action, name, onTable }: Definition): string[] {
  const named = action === 'CREATE' ? [name?.end, onTable?.end] : [];
  return tokens.flatMap((token, index) => {
    const isCall = isNamed(token) && tokens[index + 1]?.text === '(' && !named.includes(token.end);
    return isCall && !isReferred(tokens, index) ? [token.text] : [];
  });
}

/** The name ends at `index` and follows REFERENCES. */
function isReferred(tokens: readonly Token[], index: number): boolean {
  const before = tokens[index - 1];
  return before?.text === '.' ? isReferred(tokens, index - 2) : before?.keyword === 'REFERENCES';
}
