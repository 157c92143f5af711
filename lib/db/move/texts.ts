/**
 * Values as PostgreSQL writes them in text, and back to the plain form that rows have, by the type that the column has on
 * DuckDB.
 *
 * Owns: these text forms. Expects the settings that postgres-session.ts makes. The worst that can
 * happen: a value that comes back other than it was; a property test sends every type both ways, and a move compares
 * the checksums of both sides before it commits.
 */
import { DuckDBTypeId, type DuckDBType } from '@duckdb/node-api';
import type { PlainValue } from '../../values.ts';
import { parseArray, writeArray } from './arrays.ts';

/** One type's values as text. NULL never reaches either function. */
export interface TextForm {
  write(plain: PlainValue): string;
  read(text: string): PlainValue;
}

/** A form of plain values of one kind: the casts live here and nowhere else. */
function form<Plain extends PlainValue>(write: (plain: Plain) => string, read: (text: string) => Plain): TextForm {
  return { write: (plain) => write(plain as Plain), read };
}

const same = form<string>(
  (text) => text,
  (text) => text,
);
const integer = form<number>(String, Number);
const asJson = form<PlainValue>(
  (plain) => JSON.stringify(plain),
  (text) => JSON.parse(text) as PlainValue,
);

function floating(round: (value: number) => number): TextForm {
  return form<number | string>(String, (text) => {
    const value = round(Number(text));
    if (Object.is(value, -0)) return '-0';
    return Number.isFinite(value) ? value : String(value);
  });
}

const scalarForms: Partial<Record<DuckDBTypeId, TextForm>> = {
  [DuckDBTypeId.BOOLEAN]: form<boolean>(
    (plain) => (plain ? 't' : 'f'),
    (text) => text.startsWith('t'),
  ),
  [DuckDBTypeId.TINYINT]: integer,
  [DuckDBTypeId.SMALLINT]: integer,
  [DuckDBTypeId.INTEGER]: integer,
  [DuckDBTypeId.UTINYINT]: integer,
  [DuckDBTypeId.USMALLINT]: integer,
  [DuckDBTypeId.UINTEGER]: integer,
  [DuckDBTypeId.FLOAT]: floating(Math.fround),
  [DuckDBTypeId.DOUBLE]: floating((value) => value),
  [DuckDBTypeId.BLOB]: form<string>(
    (plain) => `\\x${Buffer.from(plain, 'base64').toString('hex')}`,
    (text) => Buffer.from(text.slice(2), 'hex').toString('base64'),
  ),
  [DuckDBTypeId.DATE]: form<string>(writeDate, readDate),
  [DuckDBTypeId.TIME]: form<string>(
    (plain) => plain,
    (text) => padFraction(text, 6),
  ),
  [DuckDBTypeId.TIME_TZ]: form<string>((plain) => plain, readTimeTz),
  [DuckDBTypeId.TIMESTAMP]: timestamp(6, ''),
  [DuckDBTypeId.TIMESTAMP_S]: timestamp(0, ''),
  [DuckDBTypeId.TIMESTAMP_MS]: timestamp(3, ''),
  [DuckDBTypeId.TIMESTAMP_TZ]: timestamp(6, 'Z'),
  [DuckDBTypeId.INTERVAL]: form<PlainInterval>(writeInterval, readInterval),
};

/** The form of a column's values, by its type on DuckDB. Types that have none of their own travel as JSON. */
export function textForm(type: DuckDBType): TextForm {
  const scalar = scalarForms[type.typeId];
  if (scalar) return scalar;
  switch (type.typeId) {
    case DuckDBTypeId.LIST:
    case DuckDBTypeId.ARRAY:
      return isNested(type.valueType) ? asJson : arrayOf(textForm(type.valueType));
    case DuckDBTypeId.STRUCT:
    case DuckDBTypeId.MAP:
    case DuckDBTypeId.UNION:
      return asJson;
    default:
      return same;
  }
}

/** Whether values of the type hold values of others. */
export function isNested({ typeId }: DuckDBType): boolean {
  return [DuckDBTypeId.LIST, DuckDBTypeId.ARRAY, DuckDBTypeId.STRUCT, DuckDBTypeId.MAP, DuckDBTypeId.UNION].includes(
    typeId,
  );
}

function arrayOf(item: TextForm): TextForm {
  return form<readonly PlainValue[]>(
    (plain) => writeArray(plain.map((each) => (each === null ? null : item.write(each)))),
    (text) => parseArray(text).map((each) => (each === null ? null : item.read(each))),
  );
}

function two(value: bigint): string {
  return String(value).padStart(2, '0');
}

/** Year 0 is 1 BC; years beyond four digits have a sign and six digits in rows, neither on PostgreSQL. */
function writeDate(plain: string): string {
  const { text, era } = writeYear(plain);
  return text + era;
}

function writeYear(plain: string): { text: string; era: '' | ' BC' } {
  const match = /^([+-]?)0*(\d+)(-.*)$/.exec(plain);
  if (!match) return { text: plain, era: '' };
  const [, sign, digits = '', rest = ''] = match;
  const year = sign === '-' ? -Number(digits) : Number(digits);
  const shown = year > 0 ? year : 1 - year;
  return { text: `${String(shown).padStart(4, '0')}${rest}`, era: year > 0 ? '' : ' BC' };
}

function readDate(text: string): string {
  const match = /^(\d+)(-\d\d-\d\d)( BC)?$/.exec(text);
  if (!match) return text;
  const [, digits, rest, era] = match;
  const year = era === undefined ? Number(digits) : 1 - Number(digits);
  if (year >= 0 && year <= 9999) return `${String(year).padStart(4, '0')}${rest}`;
  return `${year < 0 ? '-' : '+'}${String(Math.abs(year)).padStart(6, '0')}${rest}`;
}

function timestamp(digits: number, zone: '' | 'Z'): TextForm {
  const read = (text: string): string => {
    const match = /^(\d+-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)(?:\+00)?( BC)?$/.exec(text);
    if (!match) return text;
    const [, date, time = '', era = ''] = match;
    return `${readDate(`${date}${era}`)}T${padFraction(time, digits)}${zone}`;
  };
  return form<string>(writeTimestamp, read);
}

function writeTimestamp(plain: string): string {
  const { text, era } = writeYear(plain);
  return text.replace('T', ' ').replace('Z', '+00') + era;
}

function padFraction(time: string, digits: number): string {
  const [clock, fraction = ''] = time.split('.');
  return digits === 0 ? `${clock}` : `${clock}.${fraction.padEnd(digits, '0')}`;
}

function readTimeTz(text: string): string {
  const [, time = '', offset = ''] = /^([^+-]*)([+-].*)$/.exec(text) ?? [];
  return `${padFraction(time, 6)}${offset}${':00'.repeat(3 - offset.split(':').length)}`;
}

type PlainInterval = { readonly months: number; readonly days: number; readonly micros: string };

const microsPerSecond = 1_000_000n;

function writeInterval({ months, days, micros }: PlainInterval): string {
  const count = BigInt(micros);
  const size = count < 0n ? -count : count;
  const seconds = size / microsPerSecond;
  const clock = `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}`;
  return `${months} mons ${days} days ${count < 0n ? '-' : ''}${clock}.${String(size % microsPerSecond).padStart(6, '0')}`;
}

const intervalPattern =
  /^P(?:(-?\d+)Y)?(?:(-?\d+)M)?(?:(-?\d+)D)?(?:T(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?)(\d+)(?:\.(\d+))?S)?)?$/;

function readInterval(text: string): PlainInterval {
  const match = intervalPattern.exec(text);
  if (!match) throw new RangeError(`not an interval that DuckDB knows`);
  const [, years = 0, months = 0, days = 0, hours = 0, minutes = 0, sign, seconds = 0, fraction = ''] = match;
  const small = BigInt(seconds) * microsPerSecond + BigInt(fraction.padEnd(6, '0'));
  const micros = (BigInt(hours) * 3600n + BigInt(minutes) * 60n) * microsPerSecond + (sign === '-' ? -small : small);
  return { months: Number(years) * 12 + Number(months), days: Number(days), micros: String(micros) };
}
