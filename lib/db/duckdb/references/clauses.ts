/**
 * The words of SQL that declare a foreign key: finding them in a statement, reading them, taking them out of it.
 *
 * DuckDB's own parser is no help here: it forgets the names of foreign keys, refuses DEFERRABLE and tables of another
 * schema, and prints a reference of a table to itself as nothing. REFERENCES and FOREIGN are reserved words to it, so what
 * these tokens begin is a reference and nothing else, and DuckDB still parses all the rest.
 */
import { AppError } from '../../../errors.ts';
import { TokenCursor } from '../../../sql/cursor.ts';
import { indexOfTop, splitAtCommas, type Token } from '../../../sql/tokens.ts';

/** A reference as it is declared; names are not resolved yet. */
export interface Clause {
  /** What CONSTRAINT calls it; null: named after its columns. */
  readonly name: string | null;
  readonly columns: readonly string[];
  /** `['shop', 'books']`: as many parts as were written. */
  readonly target: readonly string[];
  /** Null: the target's primary key. */
  readonly targetColumns: readonly string[] | null;
}

export interface Cut {
  /** The statement without its references. */
  readonly sql: string;
  readonly clauses: readonly Clause[];
}

/** The columns and constraints of a CREATE TABLE: the tokens between its brackets. Null when it has none. */
function tableElements(
  tokens: readonly Token[],
): { readonly elements: readonly Token[][]; readonly start: number; readonly end: number } | null {
  const open = indexOfTop(tokens, '(');
  const close = indexOfTop(tokens, ')', open);
  if (open < 0 || close < 0) return null;
  const elements = splitAtCommas(tokens.slice(open + 1, close), 1).filter((element) => element.length > 0);
  return { elements, start: tokens[open]!.end, end: tokens[close]!.start };
}

/** Takes the references out of a CREATE TABLE. An element that is empty goes, too: DuckDB prints such. */
export function cutFromCreate(sql: string, tokens: readonly Token[]): Cut {
  const body = tableElements(tokens);
  if (!body) return { sql, clauses: [] };
  const cuts = body.elements.map((element) => cutElement(sql, element));
  const kept = cuts.map((cut) => cut.sql).filter((text) => text !== '');
  return {
    sql: `${sql.slice(0, body.start)}${kept.join(', ')}${sql.slice(body.end)}`,
    clauses: cuts.flatMap((cut) => cut.clauses),
  };
}

/** A column with its constraints, or a constraint of the table, which may vanish as a whole. */
export function cutElement(sql: string, element: readonly Token[]): Cut {
  const cursor = new TokenCursor(element);
  if (!isTableReference(element)) return cutFromColumn(sql, element);
  const clause = readTableReference(cursor);
  if (cursor.next) throw cursor.unexpected('"," or ")"');
  return { sql: '', clauses: [clause] };
}

function isTableReference(element: readonly Token[]): boolean {
  const cursor = new TokenCursor(element);
  if (cursor.accept('CONSTRAINT')) cursor.skip();
  return cursor.isAt('FOREIGN');
}

/** `[CONSTRAINT name] FOREIGN KEY (columns) REFERENCES …` */
export function readTableReference(cursor: TokenCursor): Clause {
  const name = cursor.accept('CONSTRAINT') ? cursor.name() : null;
  cursor.expect('FOREIGN', 'KEY');
  const columns = cursor.nameList();
  return { name, columns, ...readTarget(cursor) };
}

/** `column type … [CONSTRAINT name] REFERENCES … …` */
function cutFromColumn(sql: string, element: readonly Token[]): Cut {
  const depth = element[0]?.depth ?? 0;
  const column = element[0]?.text ?? '';
  const clauses: Clause[] = [];
  let text = '';
  let from = element[0]?.start ?? 0;
  const words = new TokenCursor(element);
  while (words.next) {
    const { start } = words.next;
    const named = words.next.depth === depth && isNamedReference(words);
    if (words.next.depth !== depth || !(named || words.isAt('REFERENCES'))) {
      words.skip();
      continue;
    }
    const name = named && words.accept('CONSTRAINT') ? words.name() : null;
    clauses.push({ name, columns: [column], ...readTarget(words) });
    text += sql.slice(from, start);
    from = words.end;
  }
  return { sql: `${text}${sql.slice(from, element.at(-1)?.end ?? from)}`.trim(), clauses };
}

function isNamedReference(cursor: TokenCursor): boolean {
  return cursor.isAt('CONSTRAINT') && cursor.peek(2)?.keyword === 'REFERENCES';
}

function readTarget(cursor: TokenCursor): Pick<Clause, 'target' | 'targetColumns'> {
  cursor.expect('REFERENCES');
  const target = cursor.qualifiedName();
  const targetColumns = cursor.isAtSymbol('(') ? cursor.nameList() : null;
  while (readOption(cursor));
  return { target, targetColumns };
}

/** What may follow the target. All that is accepted means what Eider does: check the whole commit at its end. */
function readOption(cursor: TokenCursor): boolean {
  if (cursor.accept('ON', 'DELETE')) readAction(cursor, 'ON DELETE');
  else if (cursor.accept('ON', 'UPDATE')) readAction(cursor, 'ON UPDATE');
  else if (cursor.accept('MATCH')) readMatch(cursor);
  else {
    return (
      cursor.accept('NOT', 'DEFERRABLE') ||
      cursor.accept('DEFERRABLE') ||
      cursor.accept('INITIALLY', 'DEFERRED') ||
      cursor.accept('INITIALLY', 'IMMEDIATE')
    );
  }
  return true;
}

function readAction(cursor: TokenCursor, event: string): void {
  if (cursor.accept('NO', 'ACTION') || cursor.accept('RESTRICT')) return;
  const action = ['CASCADE', 'SET NULL', 'SET DEFAULT'].find((words) => cursor.accept(...words.split(' ')));
  if (action === undefined) throw cursor.unexpected('NO ACTION or RESTRICT');
  throw new AppError('invalid', `${event} ${action} is not supported on DuckDB.`, {
    sqlState: '0A000',
    hint: `Leave it out, and change the referring rows in the same transaction: references are checked at its end.`,
  });
}

function readMatch(cursor: TokenCursor): void {
  if (cursor.accept('SIMPLE')) return;
  const kind = ['FULL', 'PARTIAL'].find((word) => cursor.accept(word));
  if (kind === undefined) throw cursor.unexpected('SIMPLE');
  throw new AppError('invalid', `MATCH ${kind} is not supported on DuckDB.`, {
    sqlState: '0A000',
    hint: 'Leave it out: a row with a null in the columns refers to nothing. A CHECK can require all or none.',
  });
}
