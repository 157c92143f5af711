/**
 * Kinds of dates, times and intervals, in ISO 8601 over the whole range of the engines: years beyond four digits have a
 * sign and six digits, `infinity` is a date.
 */
import {
  formatDate,
  formatTime,
  formatTimestamp,
  formatTimeTz,
  parseDate,
  parseTime,
  parseTimestamp,
} from '../datetime.ts';
import type { PlainValue } from '../values.ts';
import { comparing, type ValueKind, type TypeOf, ValueFault, within } from './kind.ts';
import * as scalars from './scalars.ts';

const datePattern = /^([+-]?\d{4,7})-(\d\d)-(\d\d)$/;
/** DuckDB's; PostgreSQL's is narrower, and it says so itself. */
const mostDays = 2_147_483_646;
const infiniteUnits = 9_223_372_036_854_775_807n;
const leastUnits = { nanos: -9_223_286_400_000_000_000n, others: -9_223_372_022_400_000_000n };

/** The day as rows write it; null when there is none. */
function dayOf(text: string): string | null {
  const match = datePattern.exec(text);
  if (!match) return null;
  const days = parseDate(text);
  const day = Math.abs(days) <= mostDays ? formatDate(days) : '';
  const found = datePattern.exec(day);
  // A day that does not exist (February 30) turns into another day.
  const isSame = found !== null && Number(found[1]) === Number(match[1]) && day.slice(-6) === text.slice(-6);
  return isSame ? day : null;
}

export const date: ValueKind<'date'> = {
  parse(_type, input) {
    if (input === 'infinity' || input === '-infinity') return input;
    const day = typeof input === 'string' ? dayOf(input) : null;
    if (day !== null) return day;
    throw new ValueFault('must be a day such as 2026-11-24');
  },
  operators: () => comparing,
  schema: () => ({ type: 'string', format: 'date' }),
};

const clock = String.raw`(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?`;
const zone = String.raw`([Zz]|[+\- ]\d\d(?::?\d\d(?::?\d\d)?)?)`;
const timePattern = new RegExp(`^${clock}${zone}?$`);
const timestampPattern = new RegExp(String.raw`^([+-]?\d{4,7}-\d\d-\d\d)[Tt ]${clock}${zone}?$`);

interface Clock {
  readonly seconds: number;
  readonly fraction: string;
}

/** Null when no clock shows it. `most`: the last hour. */
function clockOf(
  [hours, minutes, seconds = '0', fraction = '']: readonly (string | undefined)[],
  most: number,
): Clock | null {
  const [h, m, s] = [Number(hours), Number(minutes), Number(seconds)];
  if (h > most || m > 59 || s > 59 || (h === 24 && m + s + Number(fraction) > 0)) return null;
  return { seconds: (h * 60 + m) * 60 + s, fraction };
}

/** Seconds east of Greenwich; null for none that there is. A `+` that was not percent-encoded in a URL came as a blank. */
function offsetOf(text: string, mostHours: number): number | null {
  if (/^z$/i.test(text)) return 0;
  const [hours = 0, minutes = 0, seconds = 0] = (text.slice(1).match(/\d\d/g) ?? []).map(Number);
  if (hours > mostHours || minutes > 59 || seconds > 59) return null;
  return (hours * 3600 + minutes * 60 + seconds) * (text.startsWith('-') ? -1 : 1);
}

/** More digits than the column has would be lost. */
function fits(fraction: string, digits: number): boolean {
  return !/[1-9]/.test(fraction.slice(digits));
}

const second = 1_000_000n;

export const time: ValueKind<'time'> = {
  parse({ withZone }, input) {
    const match = typeof input === 'string' ? timePattern.exec(input) : null;
    const found = match && clockOf(match.slice(1, 5), 24);
    const offset = match?.[5] === undefined ? null : offsetOf(match[5], 15);
    if (found && fits(found.fraction, 6) && (offset !== null) === withZone) {
      const micros = BigInt(found.seconds) * second + parseTime(`00:00:00.${found.fraction.padEnd(6, '0')}`);
      return offset === null ? formatTime(micros) : formatTimeTz(micros, offset);
    }
    throw new ValueFault(
      withZone
        ? 'must be a time of day with its offset, such as 04:05:06+01:00'
        : 'must be a time of day such as 04:05:06',
    );
  },
  operators: () => comparing,
  schema: ({ withZone }) => (withZone ? { type: 'string' } : { type: 'string', examples: ['04:05:06.123456'] }),
};

export const timestamp: ValueKind<'timestamp'> = {
  parse(type, input) {
    if (input === 'infinity' || input === '-infinity') return input;
    const units = typeof input === 'string' ? unitsOf(type, input) : null;
    if (units !== null && units < infiniteUnits && units >= leastUnits[type.digits === 9 ? 'nanos' : 'others'])
      return formatTimestamp(units, unitsPerSecond(type), type.withZone ? 'Z' : '');
    throw new ValueFault(wrongTimestamp(type));
  },
  operators: () => comparing,
  schema: ({ withZone }) =>
    withZone ? { type: 'string', format: 'date-time' } : { type: 'string', examples: ['2026-11-24T04:05:06.123456'] },
};

function unitsPerSecond({ digits }: TypeOf<'timestamp'>): bigint {
  return 10n ** BigInt(digits);
}

function wrongTimestamp({ withZone, digits }: TypeOf<'timestamp'>): string {
  const what = withZone
    ? 'a time with its offset, such as 2026-11-24T04:05:06Z'
    : 'a time without an offset, such as 2026-11-24T04:05:06';
  return digits === 6 ? `must be ${what}` : `must be ${what}, with at most ${digits} digits of a second's fraction`;
}

/** Of a column without a zone `Z` may be said: what JavaScript writes is in UTC, as the database is. */
function unitsOf(type: TypeOf<'timestamp'>, text: string): bigint | null {
  const match = timestampPattern.exec(text);
  if (!match && !type.withZone && dayOf(text) !== null) return unitsOf(type, `${text}T00:00:00`);
  const day = match?.[1] === undefined ? null : dayOf(match[1]);
  const found = match && clockOf(match.slice(2, 6), 23);
  if (!match || day === null || !found || !fits(found.fraction, type.digits)) return null;
  const offset = match[6] === undefined ? null : offsetOf(match[6], 23);
  const isRight = type.withZone ? offset !== null : match[6] === undefined || /^z$/i.test(match[6]);
  if (!isRight) return null;
  const local = parseTimestamp(`${day}T00:00:00.${found.fraction.padEnd(9, '0')}`, unitsPerSecond(type));
  return local + BigInt(found.seconds - (offset ?? 0)) * unitsPerSecond(type);
}

const int32 = 2n ** 31n;
const int64 = 2n ** 63n;
const parts = {
  months: { kind: 'integer', min: -int32, max: int32 - 1n },
  days: { kind: 'integer', min: -int32, max: int32 - 1n },
  micros: { kind: 'integer', min: -int64, max: int64 - 1n },
} as const satisfies Record<string, TypeOf<'integer'>>;

export const interval: ValueKind<'interval'> = {
  parse(_type, input) {
    if (typeof input !== 'object' || input === null || Array.isArray(input)) throw wrongInterval();
    const given = input as Readonly<Record<string, PlainValue>>;
    if (Object.keys(given).some((name) => !Object.hasOwn(parts, name))) throw wrongInterval();
    return Object.fromEntries(
      Object.entries(parts).map(([name, type]) => [
        name,
        within(name, () => scalars.integer.parse(type, Object.hasOwn(given, name) ? (given[name] ?? null) : 0)),
      ]),
    );
  },
  operators: () => comparing,
  schema: () => ({
    type: 'object',
    properties: {
      months: { type: 'integer' },
      days: { type: 'integer' },
      micros: { type: 'string', pattern: '^-?[0-9]+$' },
    },
    required: ['months', 'days', 'micros'],
    additionalProperties: false,
  }),
  inputSchema: () => ({
    type: 'object',
    properties: { months: { type: 'integer' }, days: { type: 'integer' }, micros: { type: ['string', 'integer'] } },
    additionalProperties: false,
  }),
};

function wrongInterval(): ValueFault {
  return new ValueFault('must be an interval such as {"months":1,"days":2,"micros":"3000000"}');
}
