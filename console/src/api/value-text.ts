/** Values as PostgreSQL writes them, which statements answer with, in the form of the API's rows. */
import type { ValueType } from './catalog.ts';

/** The text of a value in the form of the API's rows. */
export function valueText({ kind }: ValueType, text: string): string {
  if (kind === 'blob') return base64Of(text);
  if (kind === 'interval') return intervalOf(text) ?? text;
  return kind === 'date' || kind === 'timestamp' ? isoText(text) : text;
}

/** Of `\\x00ff`. What is not written so goes as it is, and the server says what is wrong. */
function base64Of(text: string): string {
  if (!/^\\x(?:[\da-f]{2})*$/i.test(text)) return text;
  const bytes = text.slice(2).match(/../g) ?? [];
  return btoa(bytes.map((byte) => String.fromCharCode(Number.parseInt(byte, 16))).join(''));
}

/** `0044-03-15 BC` is the year -43 of ISO 8601, which has a year 0. */
export function isoText(text: string): string {
  const [, year, rest = '', zone = ''] = /^(\d+)(-\d\d-\d\d.*?) \(?BC\)?(.*)$/.exec(text) ?? [];
  if (year === undefined) return text;
  const before = Number(year) - 1;
  return `${before === 0 ? '+' : '-'}${String(before).padStart(6, '0')}${rest}${zone}`;
}

const units: readonly (readonly [pattern: RegExp, part: 'months' | 'days', times: number])[] = [
  [/([+-]?\d+) years?/i, 'months', 12],
  [/([+-]?\d+) mon(?:th)?s?/i, 'months', 1],
  [/([+-]?\d+) days?/i, 'days', 1],
];
const clock = /([+-]?)(\d+):(\d\d):(\d\d)(?:\.(\d{1,6}))?/;

/** The JSON of an interval that is written `1 year 2 mons 3 days 04:05:06`; null where it is written otherwise. */
export function intervalOf(text: string): string | null {
  const parts = { months: 0, days: 0 };
  let rest = text;
  for (const [pattern, part, times] of units) {
    parts[part] += Number(pattern.exec(rest)?.[1] ?? 0) * times;
    rest = rest.replace(pattern, '');
  }
  const [, sign, hours = '0', minutes = '0', seconds = '0', fraction = ''] = clock.exec(rest) ?? [];
  if (rest.replace(clock, '').trim() !== '' || text.trim() === '') return null;
  const whole = (BigInt(hours) * 60n + BigInt(minutes)) * 60n + BigInt(seconds);
  const micros = whole * 1_000_000n + BigInt(fraction.padEnd(6, '0'));
  return JSON.stringify({ ...parts, micros: `${sign === '-' ? -micros : micros}` });
}
