/**
 * ISO 8601 text, exactly, over DuckDB's whole range (years beyond four digits have a sign and six digits), and
 * infinity. JavaScript's `Date` ends earlier and stops at milliseconds.
 */
const secondsPerDay = 86_400n;
const maxInt64 = 9_223_372_036_854_775_807n;
/** DuckDB's own marks for infinity: the largest 32-bit day, the largest 64-bit count. */
const infiniteDays = 2_147_483_647;

/** Days since 1970-01-01 as `2026-11-24`. */
export function formatDate(days: number): string {
  if (days === infiniteDays) return 'infinity';
  if (days === -infiniteDays) return '-infinity';
  const { year, month, day } = civilFromDays(days);
  return `${formatYear(year)}-${pad(month, 2)}-${pad(day, 2)}`;
}

export function parseDate(text: string): number {
  if (text === 'infinity') return infiniteDays;
  if (text === '-infinity') return -infiniteDays;
  const match = /^([+-]?\d{4,})-(\d\d)-(\d\d)$/.exec(text);
  if (!match) throw new RangeError('not a date');
  return daysFromCivil(Number(match[1]), Number(match[2]), Number(match[3]));
}

/** Microseconds since midnight as `04:05:06.123456`. */
export function formatTime(micros: bigint): string {
  const seconds = Number(micros / 1_000_000n);
  return `${clock(seconds)}.${pad(Number(micros % 1_000_000n), 6)}`;
}

export function parseTime(text: string): bigint {
  const match = /^(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?$/.exec(text);
  if (!match) throw new RangeError('not a time');
  return clockSeconds(match[1], match[2], match[3]) * 1_000_000n + BigInt((match[4] ?? '').padEnd(6, '0').slice(0, 6));
}

/** `offset` in seconds east of Greenwich: `04:05:06.123456+01:30:00`. */
export function formatTimeTz(micros: bigint, offset: number): string {
  return `${formatTime(micros)}${offset < 0 ? '-' : '+'}${clock(Math.abs(offset))}`;
}

export function parseTimeTz(text: string): { micros: bigint; offset: number } {
  const split = Math.max(text.lastIndexOf('+'), text.lastIndexOf('-'));
  const offset = Number(parseTime(text.slice(split + 1)) / 1_000_000n);
  return { micros: parseTime(text.slice(0, split)), offset: text[split] === '-' ? -offset : offset };
}

/**
 * A count of units since 1970-01-01T00:00:00, `unitsPerSecond` of them a second (1, or a power of ten), as
 * `2026-11-24T04:05:06.123456` and `zone`.
 */
export function formatTimestamp(units: bigint, unitsPerSecond: bigint, zone: '' | 'Z'): string {
  if (units === maxInt64) return 'infinity';
  if (units === -maxInt64) return '-infinity';
  const seconds = floorDivide(units, unitsPerSecond);
  const days = floorDivide(seconds, secondsPerDay);
  const time = clock(Number(seconds - days * secondsPerDay));
  const digits = String(unitsPerSecond).length - 1;
  const fraction = digits === 0 ? '' : `.${pad(Number(units - seconds * unitsPerSecond), digits)}`;
  return `${formatDate(Number(days))}T${time}${fraction}${zone}`;
}

export function parseTimestamp(text: string, unitsPerSecond: bigint): bigint {
  if (text === 'infinity') return maxInt64;
  if (text === '-infinity') return -maxInt64;
  const match = /^(.+)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z?$/.exec(text);
  if (!match) throw new RangeError('not a timestamp');
  const seconds = BigInt(parseDate(match[1] ?? '')) * secondsPerDay + clockSeconds(match[2], match[3], match[4]);
  const digits = String(unitsPerSecond).length - 1;
  return seconds * unitsPerSecond + BigInt((match[5] ?? '').padEnd(digits, '0').slice(0, digits) || '0');
}

/** Ms since 1970, as rows write a moment: `2026-11-24T04:05:06.123000Z`. */
export function momentOfMillis(millis: number): string {
  return formatTimestamp(BigInt(Math.floor(millis)) * 1000n, 1_000_000n, 'Z');
}

function clock(seconds: number): string {
  return `${pad(Math.floor(seconds / 3600), 2)}:${pad(Math.floor(seconds / 60) % 60, 2)}:${pad(seconds % 60, 2)}`;
}

function clockSeconds(hours = '0', minutes = '0', seconds = '0'): bigint {
  return BigInt(hours) * 3600n + BigInt(minutes) * 60n + BigInt(seconds);
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}

function formatYear(year: number): string {
  if (year >= 0 && year <= 9999) return pad(year, 4);
  return `${year < 0 ? '-' : '+'}${pad(Math.abs(year), 6)}`;
}

/**
 * Proleptic Gregorian calendar by eras of 400 years (146,097 days), the year beginning in March so that the leap day
 * is its last.
 */
function civilFromDays(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1,
  };
}

function daysFromCivil(year: number, month: number, day: number): number {
  const shiftedYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(shiftedYear / 400);
  const yearOfEra = shiftedYear - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  return (
    era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468
  );
}
