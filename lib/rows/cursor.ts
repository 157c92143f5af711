/**
 * Cursors: where a page ended, opaque to clients. The last row's values in the order's columns; where these are too long for
 * an address, or nothing makes an order total, the number of rows before it.
 */
import { createHash } from 'node:crypto';
import type { Column, Relation } from '../catalog/catalog.ts';
import type { PlainValue, Row } from '../values.ts';
import { type Filter, ParameterFault } from './filter.ts';
import { ValueFault } from './kind.ts';
import type { SortKey } from './order.ts';
import { parseValue } from './values.ts';

/** What a cursor belongs to. Which columns and how many rows a page shows may change from page to page. */
export interface CursorScope {
  readonly relation: Relation;
  readonly order: readonly SortKey[];
  /** All must hold. */
  readonly filters: readonly Filter[];
}

export interface Cursor {
  /** Rows on the pages before. */
  readonly offset: number;
  /** The values of the order's columns in the last row before; null: what counts is the offset. */
  readonly values: readonly PlainValue[] | null;
}

/** Characters of the values: an address has room for no more. */
const mostCharacters = 3000;

/** The cursor for the page that follows `row`, before which and with which there are `offset` rows. */
export function encodeCursor(scope: CursorScope, row: Row, offset: number): string {
  const values = scope.order.map(({ column }) => row[column.name] ?? null);
  const isShort = scope.relation.key.length > 0 && JSON.stringify(values).length <= mostCharacters;
  return Buffer.from(JSON.stringify([fingerprint(scope), offset, isShort ? values : null])).toString('base64url');
}

/** @throws ParameterFault when the text is no cursor, or one of another list. */
export function decodeCursor(scope: CursorScope, text: string): Cursor {
  const [mark, offset, values] = parseContent(text);
  if (typeof mark !== 'string' || typeof offset !== 'number' || !Number.isSafeInteger(offset) || offset < 0)
    throw noCursor();
  if (mark !== fingerprint(scope))
    throw new ParameterFault('belongs to a list with another order or other filters; repeat them, or start without it');
  if (values === null) return { offset, values };
  if (!Array.isArray(values) || values.length !== scope.order.length) throw noCursor();
  return { offset, values: scope.order.map(({ column }, index) => checkValue(column, values[index] as PlainValue)) };
}

function parseContent(text: string): readonly unknown[] {
  if (!/^[A-Za-z0-9_-]{1,16384}$/.test(text)) throw noCursor();
  try {
    const content: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return Array.isArray(content) ? content : [];
  } catch (error) {
    if (error instanceof SyntaxError) throw noCursor();
    throw error;
  }
}

/** A forged value must not reach the database either. */
function checkValue({ type }: Column, value: PlainValue): PlainValue {
  if (value === null) return null;
  try {
    return parseValue(type, value);
  } catch (error) {
    if (error instanceof ValueFault) throw noCursor();
    throw error;
  }
}

function noCursor(): ParameterFault {
  return new ParameterFault('is not a cursor that this server made');
}

function fingerprint({ relation, order, filters }: CursorScope): string {
  const keys = order.map(({ column, direction, nulls }) => [column.name, direction, nulls]);
  const filterTexts = filters.map((filter) => JSON.stringify(filter)).toSorted();
  const text = JSON.stringify([relation.schema, relation.name, keys, filterTexts]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}
