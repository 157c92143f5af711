/** Values as PostgreSQL reads and writes them as text. */
import type { ValueType } from '../catalog/types.ts';
import { bytesText, intervalText, type PlainInterval, withEra } from '../db/postgres/values.ts';
import { type ArrayItems, writeArray } from '../sql/postgres-array.ts';
import type { PlainValue } from '../values.ts';
import { textOf } from './values.ts';

/** The text of a value that is not null. */
export function postgresText(type: ValueType, value: PlainValue): string {
  switch (type.kind) {
    case 'boolean':
      return value === true ? 't' : value === false ? 'f' : textOf(value);
    case 'blob':
      return bytesText(textOf(value));
    case 'date':
      return withEra(textOf(value));
    case 'timestamp':
      return momentText(withEra(textOf(value)));
    case 'time':
      return momentText(textOf(value)).replace(/([+-]\d\d(?::\d\d)??)(?::00)+$/, '$1');
    case 'interval':
      return typeof value === 'string' ? value : intervalText(value as PlainInterval);
    case 'float':
      return type.bits === 32 && typeof value === 'number' ? shortestReal(value) : textOf(value);
    case 'list':
      return writeArray(itemsOf(type.item, value as readonly PlainValue[]));
    default:
      return textOf(value);
  }
}

/** Lists of lists are lists of the same type on PostgreSQL. */
function itemsOf(item: ValueType, values: readonly PlainValue[]): ArrayItems {
  return values.map((value) => {
    if (value === null) return null;
    if (!Array.isArray(value) || item.kind === 'map') return postgresText(item, value);
    return itemsOf(item.kind === 'list' ? item.item : item, value as readonly PlainValue[]);
  });
}

/** `2026-11-24T04:05:06.780000Z` as `2026-11-24 04:05:06.78+00`. */
function momentText(text: string): string {
  const trimmed = text.replace(/\.\d+/, (fraction) => fraction.replace(/(?<!0)0+$/, '').replace(/^\.$/, ''));
  return trimmed.replace(/(\d)T(\d)/, '$1 $2').replace('Z', '+00');
}

/** The fewest digits that are this real and no other. */
function shortestReal(value: number): string {
  for (let digits = 1; digits < 10; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === Math.fround(value)) return String(shorter);
  }
  return String(value);
}
