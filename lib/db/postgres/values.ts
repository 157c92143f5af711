/**
 * The text forms of PostgreSQL as the plain values of lib/values.ts, with the settings that each transaction makes
 * (UTC, ISO dates and intervals, hex).
 */
import { Buffer } from 'node:buffer';
import { readArray } from '../../sql/postgres-array.ts';
import type { PlainValue } from '../../values.ts';

export type ReadText = (text: string) => PlainValue;

const same: ReadText = (text) => text;

/** Doubles: a number, or the word for what JSON has no number for. */
function readDouble(text: string): PlainValue {
  const value = Number(text);
  return Number.isFinite(value) && !Object.is(value, -0) ? value : text;
}

/** A real as the double that it is, and not as the shortest text that rounds to it. */
function readReal(text: string): PlainValue {
  const value = readDouble(text);
  return typeof value === 'number' ? Math.fround(value) : value;
}

/** `44-03-15 BC` is the year -43 of ISO 8601, which begins with the sign and has six digits, as beyond 9999. */
function readDate(text: string): string {
  const match = /^(\d{4,})(-\d\d-\d\d)( BC)?$/.exec(text);
  if (!match) return text;
  const year = match[3] === undefined ? Number(match[1]) : 1 - Number(match[1]);
  if (year >= 0 && year <= 9999) return `${String(year).padStart(4, '0')}${match[2]}`;
  return `${year < 0 ? '-' : '+'}${String(Math.abs(year)).padStart(6, '0')}${match[2]}`;
}

function readTime(text: string): string {
  const [clock = '', fraction = ''] = text.split('.');
  return `${clock}.${fraction.padEnd(6, '0')}`;
}

/** The offset with minutes and seconds, which PostgreSQL leaves out when they are none. */
function readTimeWithZone(text: string): string {
  const at = Math.max(text.lastIndexOf('+'), text.lastIndexOf('-'));
  const parts = text.slice(at + 1).split(':');
  return `${readTime(text.slice(0, at))}${text[at]}${[...parts, '00', '00'].slice(0, 3).join(':')}`;
}

function readTimestamp(zone: '' | 'Z'): ReadText {
  return (text) => {
    const match = /^(\S+)[ T]([\d:]+(?:\.\d+)?)(?:\+00(?::00)?)?( BC)?$/.exec(text);
    return match ? `${readDate(`${match[1]}${match[3] ?? ''}`)}T${readTime(match[2] ?? '')}${zone}` : text;
  };
}

const part = (letter: string, from: string): number =>
  Number(new RegExp(`(?<!\\d)(-?\\d+)${letter}`).exec(from)?.[1] ?? 0);

/** `P1Y2M3DT4H5M6.789S`, each part with a sign of its own. */
function readInterval(text: string): PlainValue {
  const [date = '', time = ''] = text.split('T');
  const seconds = /(?<!\d)(-?)(\d+)(?:\.(\d+))?S/.exec(time);
  const micros = seconds ? BigInt(seconds[2] ?? 0) * 1_000_000n + BigInt((seconds[3] ?? '').padEnd(6, '0')) : 0n;
  const wholeMinutes = BigInt(part('H', time)) * 60n + BigInt(part('M', time));
  return {
    months: part('Y', date) * 12 + part('M', date),
    days: part('D', date),
    micros: String(wholeMinutes * 60_000_000n + (seconds?.[1] === '-' ? -micros : micros)),
  };
}

const readBytes: ReadText = (text) => Buffer.from(text.slice(2), 'hex').toString('base64');

/**
 * OID of the type and of its array, which never change, the name in answers (DuckDB's word for it), and how its text is read.
 * https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat
 */
const knownTypes: readonly (readonly [oid: number, array: number, name: string, read: ReadText])[] = [
  [16, 1000, 'BOOLEAN', (text) => text === 't' || text === 'true'],
  [17, 1001, 'BLOB', readBytes],
  [20, 1016, 'BIGINT', same],
  [21, 1005, 'SMALLINT', Number],
  [23, 1007, 'INTEGER', Number],
  [700, 1021, 'FLOAT', readReal],
  [701, 1022, 'DOUBLE', readDouble],
  [1700, 1231, 'DECIMAL', same],
  [25, 1009, 'VARCHAR', same],
  [1042, 1014, 'VARCHAR', same],
  [1043, 1015, 'VARCHAR', same],
  [19, 1003, 'VARCHAR', same],
  [114, 199, 'JSON', same],
  [3802, 3807, 'JSON', same],
  [2950, 2951, 'UUID', same],
  [1082, 1182, 'DATE', readDate],
  [1083, 1183, 'TIME', readTime],
  [1266, 1270, 'TIME WITH TIME ZONE', readTimeWithZone],
  [1114, 1115, 'TIMESTAMP', readTimestamp('')],
  [1184, 1185, 'TIMESTAMP WITH TIME ZONE', readTimestamp('Z')],
  [1186, 1187, 'INTERVAL', readInterval],
];
const byOid = new Map(knownTypes.map(([oid, , name, read]) => [oid, { name, read }]));
const byArray = new Map(knownTypes.map(([, array, name, read]) => [array, { name: `${name}[]`, read }]));
const numeric = 1700;

/** The name of a result's type; what is not known comes as text, and is called so. */
export function typeName({ dataTypeID, dataTypeModifier }: { dataTypeID: number; dataTypeModifier: number }): string {
  const { name } = byOid.get(dataTypeID) ?? byArray.get(dataTypeID) ?? { name: 'VARCHAR' };
  if (dataTypeID !== numeric || dataTypeModifier < 0) return name;
  // https://github.com/postgres/postgres/blob/master/src/backend/utils/adt/numeric.c, make_numeric_typmod
  const packed = dataTypeModifier - 4;
  const [precision, scale] = [packed >> 16, packed & 0x7ff];
  return precision <= 38 && scale <= precision ? `DECIMAL(${precision},${scale})` : name;
}

/** OID of the type that has this name in answers, or of its array; text for others. */
export function oidOfType(name: string, isArray: boolean): number {
  const [oid, array] = knownTypes.find(([, , known]) => known === name) ?? [25, 1009];
  return isArray ? array : oid;
}

/** How the elements of an array type are read; undefined for what is no array. */
export function elementReaderOf(oid: number): ReadText | undefined {
  return byArray.get(oid)?.read;
}

/** How values of the type are read; of types that are not known, their text. */
export function readerOf(oid: number): ReadText {
  const element = elementReaderOf(oid);
  return element ? (text) => readArray(text, element) : (byOid.get(oid)?.read ?? same);
}

/** A parameter as the drivers are to send it: they would round -0 and write dates in local time. */
export function toParameter(value: unknown): unknown {
  if (value === undefined) return null;
  if (Object.is(value, -0)) return '-0';
  if (value instanceof Date) return value.toISOString();
  return value;
}

/** A date or a timestamp as PostgreSQL reads it. Year 0 is 1 BC; years beyond four digits have neither a sign nor leading zeros there. */
export function withEra(text: string): string {
  const match = /^([+-]?)(\d+)(-.*)$/.exec(text);
  if (!match) return text;
  const [, sign, digits = '', rest = ''] = match;
  const year = sign === '-' ? -Number(digits) : Number(digits);
  const shown = year > 0 ? year : 1 - year;
  return `${String(shown).padStart(4, '0')}${rest}${year > 0 ? '' : ' BC'}`;
}

export type PlainInterval = { readonly months: number; readonly days: number; readonly micros: string };

/** As PostgreSQL writes it: `1 year 2 mons -3 days +04:05:06.5`. */
export function intervalText({ months, days, micros }: PlainInterval): string {
  const time = BigInt(micros);
  const parts = [
    [Math.trunc(months / 12), 'year'],
    [months % 12, 'mon'],
    [days, 'day'],
  ] as const;
  let text = '';
  let isNegative = false;
  for (const [count, unit] of parts.filter(([value]) => value !== 0)) {
    text += `${text && ' '}${isNegative && count > 0 ? '+' : ''}${count} ${unit}${count === 1 ? '' : 's'}`;
    isNegative = count < 0;
  }
  if (time === 0n && text !== '') return text;
  const sign = time < 0n ? '-' : isNegative ? '+' : '';
  return `${text && `${text} `}${sign}${clockText(time < 0n ? -time : time)}`;
}

function clockText(micros: bigint): string {
  const seconds = micros / 1_000_000n;
  const fraction = String(micros % 1_000_000n)
    .padStart(6, '0')
    .replace(/(?<!0)0+$/, '');
  const clock = [seconds / 3600n, (seconds / 60n) % 60n, seconds % 60n]
    .map((value) => String(value).padStart(2, '0'))
    .join(':');
  return fraction === '' ? clock : `${clock}.${fraction}`;
}

export function bytesText(base64: string): string {
  return `\\x${Buffer.from(base64, 'base64').toString('hex')}`;
}
