/** Kinds of single values other than times. */
import { comparing, equating, type ValueKind, operators, ValueFault } from './kind.ts';
import type { PlainValue } from '../values.ts';

export const boolean: ValueKind<'boolean'> = {
  parse(_type, input) {
    if (typeof input === 'boolean') return input;
    throw new ValueFault('must be true or false');
  },
  parseText(_type, text) {
    const word = text.trim().toLowerCase();
    if (word === 'true' || word === 't') return true;
    if (word === 'false' || word === 'f') return false;
    throw new ValueFault('must be true or false');
  },
  operators: () => equating,
  schema: () => ({ type: 'boolean' }),
};

const roundedFault = 'must be sent as text: a number in JSON is not exact beyond 9007199254740991';
const largestSafe = BigInt(Number.MAX_SAFE_INTEGER);

export const integer: ValueKind<'integer'> = {
  parse({ min, max }, input) {
    if (typeof input === 'number' && Number.isInteger(input) && !Number.isSafeInteger(input))
      throw new ValueFault(roundedFault);
    const digits = typeof input === 'number' ? String(input) : input;
    const isWhole = typeof digits === 'string' && /^-?\d{1,60}$/.test(digits);
    const whole = isWhole ? BigInt(digits) : null;
    if (whole === null || whole < min || whole > max)
      throw new ValueFault(`must be a whole number from ${min} to ${max}`);
    return isNarrow(max) ? Number(whole) : String(whole);
  },
  operators: () => comparing,
  schema: ({ min, max }) =>
    isNarrow(max)
      ? { type: 'integer', minimum: Number(min), maximum: Number(max) }
      : { type: 'string', pattern: '^-?[0-9]+$' },
  inputSchema: ({ min, max }) =>
    isNarrow(max)
      ? { type: 'integer', minimum: Number(min), maximum: Number(max) }
      : { type: ['string', 'integer'], pattern: '^-?[0-9]+$' },
};

/** Rows carry those to 32 bits as numbers, and wider ones as text. */
function isNarrow(max: bigint): boolean {
  return max <= 0xffff_ffffn && max <= largestSafe;
}

const decimalPattern = /^([+-]?)(\d{0,2000})(?:\.(\d{0,2000}))?(?:[eE]([+-]?\d{1,4}))?$/;
/** A double has no more digits that are certain. */
const certainDigits = 15;
const mostShift = 2000;

export const decimal: ValueKind<'decimal'> = {
  parse(type, input) {
    if (typeof input === 'number') return decimalOf(type, digitsOf(input));
    if (typeof input === 'string') return decimalOf(type, input.trim());
    throw wrongDecimal(type);
  },
  operators: () => comparing,
  schema: ({ width }) => ({
    type: 'string',
    pattern: width === null ? '^(-?[0-9]+(\\.[0-9]+)?|NaN|-?Infinity)$' : '^(-?[0-9]+(\\.[0-9]+)?|NaN)$',
  }),
  inputSchema: () => ({ type: ['string', 'number'] }),
};

type DecimalType = Parameters<(typeof decimal)['parse']>[0];

function digitsOf(input: number): string {
  const text = String(input);
  const digits = text.slice(0, text.search(/e|$/)).replaceAll(/[-.]|^[-0.]+/g, '');
  if (digits.length > certainDigits && !Number.isSafeInteger(input))
    throw new ValueFault(`must be sent as text: a number in JSON has no more than ${certainDigits} exact digits`);
  return text;
}

function decimalOf(type: DecimalType, text: string): string {
  if (text === 'NaN' || (type.width === null && /^-?Infinity$/.test(text))) return text;
  const match = decimalPattern.exec(text);
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match ?? [];
  const shift = Number(exponent);
  if (whole + fraction === '' || Math.abs(shift) > mostShift) throw wrongDecimal(type);
  const moved = shiftPoint(whole, fraction, shift);
  const digits = moved.whole.replace(/^0+(?=\d)/, '');
  const rest = fitScale(type, moved.fraction);
  if (
    type.width !== null &&
    type.scale !== null &&
    digits.replace(/^0$/, '').length > Math.max(type.width - type.scale, 0)
  )
    throw wrongDecimal(type);
  const isZero = /^0*$/.test(digits + rest);
  return `${sign === '-' && !isZero ? '-' : ''}${digits}${rest === '' ? '' : `.${rest}`}`;
}

function shiftPoint(
  whole: string,
  fraction: string,
  shift: number,
): { readonly whole: string; readonly fraction: string } {
  const digits = whole + fraction;
  const point = whole.length + shift;
  if (point <= 0) return { whole: '0', fraction: '0'.repeat(-point) + digits };
  if (point >= digits.length) return { whole: digits.padEnd(point, '0'), fraction: '' };
  return { whole: digits.slice(0, point), fraction: digits.slice(point) };
}

/** With as many digits as the column shows. */
function fitScale(type: DecimalType, fraction: string): string {
  if (type.scale === null) return fraction;
  const scale = Math.max(type.scale, 0);
  if (/[1-9]/.test(fraction.slice(scale))) throw wrongDecimal(type);
  return fraction.slice(0, scale).padEnd(scale, '0');
}

function wrongDecimal({ width, scale }: DecimalType): ValueFault {
  if (scale === null) return new ValueFault('must be a decimal number');
  if (width === null) return new ValueFault('must be a whole number');
  return new ValueFault(
    `must be a decimal number with at most ${Math.max(width - scale, 0)} digits before the point and ${Math.max(scale, 0)} after it`,
  );
}

const numberPattern = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const notFinite: Readonly<Record<string, string>> = {
  nan: 'NaN',
  inf: 'Infinity',
  '+inf': 'Infinity',
  infinity: 'Infinity',
  '+infinity': 'Infinity',
  '-inf': '-Infinity',
  '-infinity': '-Infinity',
};

export const float: ValueKind<'float'> = {
  parse({ bits }, input) {
    if (typeof input === 'string' && Object.hasOwn(notFinite, input.trim().toLowerCase()))
      return notFinite[input.trim().toLowerCase()] ?? null;
    const text = typeof input === 'string' ? input.trim() : input;
    const isNumber = typeof text === 'number' || (typeof text === 'string' && numberPattern.test(text));
    const value = isNumber ? round(bits, Number(text)) : Number.NaN;
    if (Number.isFinite(value)) return Object.is(value, -0) ? '-0' : value;
    throw new ValueFault(bits === 32 ? 'must be a number of 32 bits' : 'must be a number');
  },
  operators: () => comparing,
  schema: () => ({ oneOf: [{ type: 'number' }, { enum: ['NaN', 'Infinity', '-Infinity', '-0'] }] }),
};

function round(bits: 32 | 64, value: number): number {
  return bits === 32 ? Math.fround(value) : value;
}

export const text: ValueKind<'text'> = {
  parse({ maxLength }, input) {
    const given = requireText(input);
    if (maxLength !== null && isLonger(given, maxLength))
      throw new ValueFault(`must have ${maxLength} characters or fewer`);
    return given;
  },
  operators: () => operators,
  schema: ({ maxLength }) => ({ type: 'string', ...(maxLength === null ? {} : { maxLength }) }),
};

/** Text as both engines take it. */
function requireText(input: PlainValue): string {
  if (typeof input !== 'string') throw new ValueFault('must be text');
  if (input.includes('\0')) throw new ValueFault('must not have a NUL character');
  if (!input.isWellFormed()) throw new ValueFault('must be well-formed Unicode (it has half of a surrogate pair)');
  return input;
}

/** Counts code points, as databases do. */
function isLonger(given: string, maxLength: number): boolean {
  if (given.length <= maxLength) return false;
  return given.length > 2 * maxLength || Array.from(given).length > maxLength;
}

/** JSON as text, in rows too, so that every value comes back as it was written. */
export const json: ValueKind<'json'> = {
  parse(_type, input) {
    if (typeof input !== 'string') return requireText(JSON.stringify(input));
    const given = requireText(input);
    try {
      JSON.parse(given);
      return given;
    } catch {
      throw new ValueFault('must be text of JSON, or an object or a list');
    }
  },
  operators: () => ['is'],
  schema: () => ({ type: 'string', contentMediaType: 'application/json' }),
  inputSchema: () => ({
    description: 'JSON as text; an object, a list, a number or a boolean is turned into its text.',
  }),
};

/** Values that a message lists. */
const mostListed = 20;

export const enumeration: ValueKind<'enum'> = {
  parse({ values }, input) {
    if (typeof input === 'string' && values.includes(input)) return input;
    const more = values.length > mostListed ? ', …' : '';
    throw new ValueFault(`must be one of ${values.slice(0, mostListed).join(', ')}${more}`);
  },
  operators: () => comparing,
  schema: ({ values }) => ({ type: 'string', enum: values }),
};

const uuidPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const uuid: ValueKind<'uuid'> = {
  parse(_type, input) {
    const lower = typeof input === 'string' ? input.toLowerCase() : '';
    if (uuidPattern.test(lower)) return lower;
    throw new ValueFault('must be a UUID');
  },
  operators: () => comparing,
  schema: () => ({ type: 'string', format: 'uuid' }),
};

const base64Pattern = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export const blob: ValueKind<'blob'> = {
  parse(_type, input) {
    if (typeof input === 'string' && base64Pattern.test(input)) return Buffer.from(input, 'base64').toString('base64');
    throw new ValueFault('must be bytes in base64');
  },
  operators: () => comparing,
  schema: () => ({ type: 'string', contentEncoding: 'base64' }),
};

export const bit: ValueKind<'bit'> = {
  parse(_type, input) {
    if (typeof input === 'string' && /^[01]*$/.test(input)) return input;
    throw new ValueFault('must be a text of the digits 0 and 1');
  },
  operators: () => comparing,
  schema: () => ({ type: 'string', pattern: '^[01]*$' }),
};

/** Of the engine's own: it reads the text. */
export const other: ValueKind<'other'> = {
  parse: (_type, input) => requireText(input),
  operators: () => equating,
  schema: () => ({ type: 'string' }),
};
