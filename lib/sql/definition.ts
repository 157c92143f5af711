/**
 * Statements that change what tables and other objects there are: which object, how, and whether it is about rows, too.
 */
import type { Statement, WrittenName } from './statement.ts';
import { readName } from './statement.ts';
import { indexOfTop, isAt, type Token } from './tokens.ts';

export type ObjectKind = 'TABLE' | 'VIEW' | 'SCHEMA' | 'SEQUENCE' | 'INDEX' | 'MACRO' | 'TYPE' | 'COLUMN';

export interface Definition {
  readonly action: 'CREATE' | 'ALTER' | 'DROP' | 'COMMENT';
  readonly object: ObjectKind;
  /** Of the object; null for an index that is made without a name. Of a comment on a column: its table's. */
  readonly name: WrittenName | null;
  /** The table that an index is made on. */
  readonly onTable: WrittenName | null;
  readonly orReplace: boolean;
  /** IF EXISTS, or IF NOT EXISTS. */
  readonly isConditional: boolean;
  /** The rows, or the values of an enum, come of a query. */
  readonly isOfQuery: boolean;
  /** `ALTER TABLE … ADD COLUMN name type …` */
  readonly addColumn: AddColumn | null;
  /** Offset of the expression by which ALTER … TYPE … USING computes new values. */
  readonly using: number | null;
}

export interface AddColumn {
  readonly name: WrittenName;
  readonly isConditional: boolean;
  /** The expression behind DEFAULT, as offsets; `clause` is where the word DEFAULT is. */
  readonly default: { readonly clause: number; readonly start: number } | null;
}

const kinds: Readonly<Record<string, ObjectKind>> = {
  TABLE: 'TABLE',
  VIEW: 'VIEW',
  SCHEMA: 'SCHEMA',
  SEQUENCE: 'SEQUENCE',
  INDEX: 'INDEX',
  MACRO: 'MACRO',
  FUNCTION: 'MACRO',
  TYPE: 'TYPE',
  COLUMN: 'COLUMN',
};

/** Null when it is of no form that is known: a temporary object, a secret, or something new. */
export function definitionOf({ tokens, command }: Statement): Definition | null {
  if (command !== 'CREATE' && command !== 'ALTER' && command !== 'DROP' && command !== 'COMMENT') return null;
  let at = 1;
  const accept = (...words: string[]): boolean => {
    const isNext = isAt(tokens, at, ...words);
    if (isNext) at += words.length;
    return isNext;
  };
  const orReplace = command === 'CREATE' && accept('OR', 'REPLACE');
  if (command === 'CREATE' && !accept('UNIQUE')) accept('RECURSIVE');
  if (command === 'COMMENT' && !accept('ON')) return null;
  const object = kinds[tokens[at++]?.keyword ?? ''];
  if (!object || (object === 'COLUMN' && command !== 'COMMENT')) return null;
  if (object === 'MACRO') accept('TABLE');
  const isConditional = accept('IF', 'NOT', 'EXISTS') || accept('IF', 'EXISTS');
  if (command === 'ALTER') accept('ONLY');
  const isUnnamed = command === 'CREATE' && object === 'INDEX' && isAt(tokens, at, 'ON');
  const name = isUnnamed ? null : readName(tokens, at);
  if (!name && !isUnnamed) return null;
  const next = name?.next ?? at;
  return {
    action: command,
    object,
    name: name && object === 'COLUMN' ? { ...name, parts: name.parts.slice(0, -1) } : name,
    onTable: command === 'CREATE' && object === 'INDEX' && isAt(tokens, next, 'ON') ? readName(tokens, next + 1) : null,
    orReplace,
    isConditional,
    isOfQuery: command === 'CREATE' && isOfQuery(object, tokens, next),
    addColumn: command === 'ALTER' && object === 'TABLE' ? readAddColumn(tokens, next) : null,
    using: command === 'ALTER' ? (tokens[indexOfTop(tokens, 'USING', next)]?.end ?? null) : null,
  };
}

/** `TABLE t (a, b) AS SELECT …`, `TYPE t AS ENUM (SELECT …)`. */
function isOfQuery(object: ObjectKind, tokens: readonly Token[], next: number): boolean {
  if (object === 'TABLE') return indexOfTop(tokens, 'AS', next) >= 0;
  return (
    object === 'TYPE' && isAt(tokens, next, 'AS', 'ENUM') && tokens.slice(next + 2).some(({ kind }) => kind === 'word')
  );
}

const notColumns = new Set(['CONSTRAINT', 'PRIMARY', 'UNIQUE', 'FOREIGN', 'CHECK']);

function readAddColumn(tokens: readonly Token[], next: number): AddColumn | null {
  if (!isAt(tokens, next, 'ADD') || notColumns.has(tokens[next + 1]?.keyword ?? '')) return null;
  let at = isAt(tokens, next + 1, 'COLUMN') ? next + 2 : next + 1;
  const isConditional = isAt(tokens, at, 'IF', 'NOT', 'EXISTS');
  if (isConditional) at += 3;
  const name = readName(tokens, at);
  if (!name) return null;
  const clause = indexOfTop(tokens, 'DEFAULT', name.next);
  const value = clause < 0 ? undefined : tokens[clause + 1];
  return {
    name,
    isConditional,
    default: value ? { clause: tokens[clause]!.start, start: value.start } : null,
  };
}

/** What the text of a table that DuckDB prints says of its columns beyond their types. */
export interface ColumnClauses {
  readonly generated: ReadonlySet<string>;
  readonly collated: ReadonlySet<string>;
}

/** Reads the `sql` of duckdb_tables(). */
export function columnClauses(tokens: readonly Token[]): ColumnClauses {
  const generated = new Set<string>();
  const collated = new Set<string>();
  let column: string | null = null;
  for (const [index, token] of tokens.entries()) {
    if (token.depth !== 1) {
      if (token.kind === 'symbol' && token.text === '(' && token.depth === 0) column = tokens[index + 1]?.text ?? null;
      continue;
    }
    if (token.kind === 'symbol' && token.text === ',') column = tokens[index + 1]?.text ?? null;
    if (column === null) continue;
    if (isAt(tokens, index, 'GENERATED', 'ALWAYS')) generated.add(column);
    if (token.keyword === 'COLLATE') collated.add(column);
  }
  return { generated, collated };
}

const clauses = new Set(['SELECT', 'FROM', 'WHERE', 'GROUP', 'ORDER', 'HAVING', 'LIMIT', 'WINDOW', 'QUALIFY', 'UNION']);

/**
 * What of a view or a macro is read from a file, judged by its words: `read_csv(`, `FROM 'books.parquet'`. The file
 * would have to be the same on every machine, and for ever.
 */
export function readsFile(tokens: readonly Token[]): string | null {
  const clause: string[] = [];
  for (const [index, token] of tokens.entries()) {
    if (clauses.has(token.keyword)) clause[token.depth] = token.keyword;
    if (token.kind === 'symbol' && token.text === '(') clause[token.depth + 1] = '';
    const next = tokens[index + 1];
    if (token.kind === 'word' && next?.text === '(' && fileFunction.test(token.text)) return token.text;
    const before = tokens[index - 1];
    const isSource =
      before?.keyword === 'FROM' ||
      before?.keyword === 'JOIN' ||
      (before?.text === ',' && clause[token.depth] === 'FROM');
    if (isSource && (token.kind === 'string' || (token.kind === 'name' && fileName.test(token.text))))
      return token.text;
  }
  return null;
}

const fileFunction = /^(?:read_\w+|parquet_\w+|glob|sniff_csv|\w+_scan)$/i;
const fileName = /[/\\:*]|\.(?:csv|tsv|parquet|json|jsonl|ndjson|duckdb|db)(?:\.\w+)?$/i;

/** Names of functions that are called, and words that give a value like one: `now`, `current_date`. In lower case. */
export function calledNames(tokens: readonly Token[]): string[] {
  return tokens.flatMap((token, index) => {
    const isCall = tokens[index + 1]?.text === '(' && (token.kind === 'word' || token.kind === 'name');
    const isValue = /^(?:CURRENT_|LOCALTIME|TODAY$)/.test(token.keyword);
    return isCall || isValue ? [token.text.toLowerCase()] : [];
  });
}
