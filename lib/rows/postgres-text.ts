/**
 * Values as PostgreSQL reads them from text.
 *
 * The worst that can happen: a value that arrives as another one; a property test sends every type there and back.
 */
import type { ValueType } from '../catalog/types.ts';
import { bytesText, intervalText, type PlainInterval, withEra } from '../db/postgres/values.ts';
import type { PlainValue } from '../values.ts';
import { textOf } from './values.ts';

/** The text of a value that is not null. */
export function postgresText(type: ValueType, value: PlainValue): string {
  switch (type.kind) {
    case 'blob':
      return bytesText(textOf(value));
    case 'date':
    case 'timestamp':
      return withEra(textOf(value));
    case 'interval':
      return intervalText(value as PlainInterval);
    case 'list':
      return listText(type.item, value as readonly PlainValue[]);
    default:
      return textOf(value);
  }
}

function listText(item: ValueType, values: readonly PlainValue[]): string {
  const items = values.map((value) => {
    if (value === null) return 'NULL';
    if (Array.isArray(value)) return listText(item, value as readonly PlainValue[]);
    return `"${postgresText(item, value).replaceAll(/["\\]/g, String.raw`\$&`)}"`;
  });
  return `{${items.join(',')}}`;
}
