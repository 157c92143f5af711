/**
 * DDL as far as it concerns references: which statement it is, of which table.
 *
 * Other statements are left to DuckDB, and their effect is read from the catalog afterwards.
 */
import { TokenCursor } from '../../../sql/cursor.ts';
import { type Token, tokensOf } from '../../../sql/tokens.ts';
import { type Clause, cutElement, cutFromCreate, readTableReference } from './clauses.ts';

interface OnTable {
  /** Its name in as many parts as were written. */
  readonly table: readonly string[];
  /** What is left for DuckDB to run. */
  readonly sql: string;
}

interface CreateTable extends OnTable {
  readonly kind: 'create-table';
  readonly orReplace: boolean;
  readonly ifNotExists: boolean;
  readonly clauses: readonly Clause[];
}

interface AddReference extends OnTable {
  readonly kind: 'add-reference';
  readonly ifExists: boolean;
  readonly clause: Clause;
}

interface AddedReference extends OnTable {
  readonly kind: 'add-column';
  readonly clauses: readonly Clause[];
}

interface DropConstraint extends OnTable {
  readonly kind: 'drop-constraint';
  readonly name: string;
  readonly ifExists: boolean;
}

interface RenameTable extends OnTable {
  readonly kind: 'rename-table';
  readonly to: string;
}

interface RenameWithin extends OnTable {
  readonly kind: 'rename-column' | 'rename-constraint';
  readonly from: string;
  readonly to: string;
}

interface ChangeType extends OnTable {
  readonly kind: 'change-type';
  readonly column: string;
}

interface OtherDdl {
  readonly kind: 'other';
  readonly sql: string;
  readonly cascade: boolean;
}

export type ReferenceDdl =
  CreateTable | AddReference | AddedReference | DropConstraint | RenameTable | RenameWithin | ChangeType | OtherDdl;

/** @throws AppError `invalid` for a reference that Eider cannot keep, or whose words are wrong */
export function readDdl(sql: string, tokens: readonly Token[] = tokensOf(sql)): ReferenceDdl {
  const cursor = new TokenCursor(tokens);
  const read = cursor.accept('CREATE') ? readCreate(sql, tokens, cursor) : readAlter(sql, tokens, cursor);
  return read ?? { kind: 'other', sql, cascade: tokens.at(-1)?.keyword === 'CASCADE' };
}

function readCreate(sql: string, tokens: readonly Token[], cursor: TokenCursor): ReferenceDdl | null {
  const orReplace = cursor.accept('OR', 'REPLACE');
  if (!cursor.accept('TABLE')) return null;
  const ifNotExists = cursor.accept('IF', 'NOT', 'EXISTS');
  const table = cursor.qualifiedName();
  if (!cursor.isAtSymbol('(')) return { kind: 'create-table', table, orReplace, ifNotExists, sql, clauses: [] };
  return { kind: 'create-table', table, orReplace, ifNotExists, ...cutFromCreate(sql, tokens) };
}

function readAlter(sql: string, tokens: readonly Token[], cursor: TokenCursor): ReferenceDdl | null {
  if (!cursor.accept('ALTER', 'TABLE')) return null;
  const ifExists = cursor.accept('IF', 'EXISTS');
  cursor.accept('ONLY');
  const table = cursor.qualifiedName();
  if (cursor.accept('ADD')) return readAdd({ sql, tokens, cursor, table, ifExists });
  if (cursor.accept('DROP', 'CONSTRAINT')) return readDropConstraint({ sql, cursor, table });
  if (cursor.accept('RENAME')) return readRename({ sql, cursor, table });
  return readTypeChange({ sql, cursor, table });
}

interface AlterTable {
  readonly sql: string;
  readonly cursor: TokenCursor;
  readonly table: readonly string[];
}

function readAdd(
  alter: AlterTable & { readonly tokens: readonly Token[]; readonly ifExists: boolean },
): ReferenceDdl | null {
  const { sql, tokens, cursor, table, ifExists } = alter;
  if (cursor.isAt('FOREIGN') || (cursor.isAt('CONSTRAINT') && cursor.peek(2)?.keyword === 'FOREIGN')) {
    const clause = readTableReference(cursor);
    if (cursor.next) throw cursor.unexpected('the end of the statement');
    return { kind: 'add-reference', table, sql, ifExists, clause };
  }
  cursor.accept('COLUMN');
  cursor.accept('IF', 'NOT', 'EXISTS');
  const { next } = cursor;
  if (!next) return null;
  const cut = cutElement(sql, tokens.slice(tokens.indexOf(next)));
  return { kind: 'add-column', table, sql: `${sql.slice(0, next.start)}${cut.sql}`, clauses: cut.clauses };
}

function readDropConstraint({ sql, cursor, table }: AlterTable): ReferenceDdl {
  const ifExists = cursor.accept('IF', 'EXISTS');
  return { kind: 'drop-constraint', table, sql, name: cursor.name(), ifExists };
}

function readRename({ sql, cursor, table }: AlterTable): ReferenceDdl | null {
  if (cursor.accept('TO')) return { kind: 'rename-table', table, sql, to: cursor.name() };
  const kind = cursor.accept('CONSTRAINT') ? 'rename-constraint' : 'rename-column';
  if (kind === 'rename-column') cursor.accept('COLUMN');
  const from = cursor.name();
  // `a.b`: a field of a struct.
  return cursor.accept('TO') ? { kind, table, sql, from, to: cursor.name() } : null;
}

/** `ALTER [COLUMN] c [SET DATA] TYPE …` */
function readTypeChange({ sql, cursor, table }: AlterTable): ReferenceDdl | null {
  if (!cursor.accept('ALTER')) return null;
  cursor.accept('COLUMN');
  const column = cursor.name();
  const changes = cursor.accept('TYPE') || cursor.accept('SET', 'DATA', 'TYPE');
  return changes ? { kind: 'change-type', table, sql, column } : null;
}
