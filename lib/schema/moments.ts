/**
 * Days and moments as clients write them, brought to the one form that rows carry: `2026-11-24` and
 * `2026-11-24T04:05:06.123456Z`.
 *
 * Owns: what is accepted. The worst that can happen: a moment shifted by its offset, silently.
 */

const datePattern = /^(\d{4})-(\d\d)-(\d\d)$/;
/** RFC 3339. A `+` that was not percent-encoded in a URL arrives as a space. */
const momentPattern = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?([Zz]|[+\- ]\d\d:\d\d)$/;

/** The day, years 0001 to 9999, or null when there is no such day. */
export function parseDay(text: string): string | null {
  const parts = datePattern.exec(text);
  if (!parts) return null;
  const midnight = utcMillis(text, 0, 0, 0);
  return midnight !== null && new Date(midnight).toISOString().startsWith(text) ? text : null;
}

/** The moment in UTC with six digits of fraction; null unless `text` is a date and time with an offset or `Z`. */
export function parseMoment(text: string): string | null {
  const parts = momentPattern.exec(text);
  if (!parts) return null;
  const [, day = '', hours, minutes, seconds = '0', fraction = '', zone = 'Z'] = parts;
  if (parseDay(day) === null) return null;
  const local = utcMillis(day, Number(hours), Number(minutes), Number(seconds));
  const offset = offsetMinutes(zone);
  if (local === null || offset === null) return null;
  const utc = new Date(local - offset * 60_000);
  const year = utc.getUTCFullYear();
  if (year < 1 || year > 9999) return null;
  return `${utc.toISOString().slice(0, 19)}.${fraction.padEnd(6, '0')}Z`;
}

/** Ms since 1970, as rows write it. */
export function momentOfMillis(millis: number): string {
  return `${new Date(millis).toISOString().slice(0, 23)}000Z`;
}

function utcMillis(day: string, hours: number, minutes: number, seconds: number): number | null {
  if (hours > 23 || minutes > 59 || seconds > 59 || day.startsWith('0000')) return null;
  const midnight = Date.parse(`${day}T00:00:00Z`);
  return Number.isNaN(midnight) ? null : midnight + ((hours * 60 + minutes) * 60 + seconds) * 1000;
}

function offsetMinutes(zone: string): number | null {
  if (zone === 'Z' || zone === 'z') return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(4, 6));
  if (hours > 23 || minutes > 59) return null;
  return (hours * 60 + minutes) * (zone.startsWith('-') ? -1 : 1);
}
