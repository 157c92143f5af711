/**
 * Cursors: where a page ended, opaque to clients.
 *
 * Owns: their form, and that one is only used with the list that made it. Not secret and not signed: whoever forges one
 * sees what the same filters show anyway. The worst that can happen: a cursor that is taken for another order, so that
 * pages skip rows in silence.
 */
import { createHash } from 'node:crypto';
import { parseLiteral } from '../literals.ts';
import type { Column, Table } from '../table.ts';
import type { PlainValue, Row } from '../../values.ts';
import { ParameterFault } from './filters.ts';
import type { Filter, SortKey } from './list-query.ts';

/** What a cursor belongs to. Which columns and how many rows a page shows may change from page to page. */
export interface CursorScope {
  readonly table: Table;
  readonly order: readonly SortKey[];
  readonly filters: readonly Filter[];
}

/** The cursor for the page that follows `row`; `row` has the columns of the order. */
export function encodeCursor(scope: CursorScope, row: Row): string {
  const values = scope.order.map(({ column }) => row[column] ?? null);
  return Buffer.from(JSON.stringify([fingerprint(scope), ...values])).toString('base64url');
}

/**
 * The values of the order's columns in the last row before.
 *
 * @throws ParameterFault when the text is no cursor, or one of another list.
 */
export function decodeCursor(scope: CursorScope, text: string): readonly PlainValue[] {
  const content = parseContent(text);
  if (!content || typeof content[0] !== 'string') throw new ParameterFault('is not a cursor that this server made');
  const [mark, ...values] = content;
  if (mark !== fingerprint(scope)) {
    throw new ParameterFault('belongs to a list with another order or other filters; repeat them, or start without it');
  }
  if (values.length !== scope.order.length) throw new ParameterFault('is not a cursor that this server made');
  return scope.order.map(({ column }, index) => checkValue(scope.table.columns[column], values[index]));
}

function parseContent(text: string): readonly unknown[] | null {
  if (!/^[A-Za-z0-9_-]{1,16384}$/.test(text)) return null;
  try {
    const content: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return Array.isArray(content) ? content : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** A forged value must not reach the database either. */
function checkValue(column: Column | undefined, value: unknown): PlainValue {
  if (value === null) return null;
  if (column && (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')) {
    if (column.kind === 'text' && typeof value === 'string' && !value.includes('\0')) return value;
    const parsed = column.kind === 'text' ? null : parseLiteral(column, String(value));
    if (parsed?.ok) return parsed.value;
  }
  throw new ParameterFault('is not a cursor that this server made');
}

function fingerprint({ table, order, filters }: CursorScope): string {
  const filterTexts = filters.map((filter) => JSON.stringify(filter)).toSorted();
  const text = JSON.stringify([table.name, order, filterTexts]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}
