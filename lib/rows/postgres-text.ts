/**
 * Values as PostgreSQL reads them from text.
 *
 * The worst that can happen: a value that arrives as another one; a property test sends every type there and back.
 */
import type { ValueType } from '../catalog/types.ts';
import type { PlainValue } from '../values.ts';
import { textOf } from './values.ts';

/** The text of a value that is not null. */
export function postgresText(type: ValueType, value: PlainValue): string {
  switch (type.kind) {
    case 'blob':
      return `\\x${Buffer.from(textOf(value), 'base64').toString('hex')}`;
    case 'date':
    case 'timestamp':
      return withEra(textOf(value));
    case 'interval':
      return intervalText(value as { readonly months: number; readonly days: number; readonly micros: string });
    case 'list':
      return listText(type.item, value as readonly PlainValue[]);
    default:
      return textOf(value);
  }
}

/** Year 0 is 1 BC; years beyond four digits have neither a sign nor leading zeros there. */
function withEra(text: string): string {
  const match = /^([+-]?)0*(\d+)(-.*)$/.exec(text);
  if (!match) return text;
  const [, sign, digits = '', rest = ''] = match;
  const year = sign === '-' ? -Number(digits) : Number(digits);
  const shown = year > 0 ? year : 1 - year;
  return `${String(shown).padStart(4, '0')}${rest}${year > 0 ? '' : ' BC'}`;
}

function intervalText({ months, days, micros }: { months: number; days: number; micros: string }): string {
  return `${months} months ${days} days ${micros} microseconds`;
}

function listText(item: ValueType, values: readonly PlainValue[]): string {
  const items = values.map((value) => {
    if (value === null) return 'NULL';
    if (Array.isArray(value)) return listText(item, value as readonly PlainValue[]);
    return `"${postgresText(item, value).replaceAll(/["\\]/g, String.raw`\$&`)}"`;
  });
  return `{${items.join(',')}}`;
}
