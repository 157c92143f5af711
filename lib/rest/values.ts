/**
 * Values as clients of PostgREST have them: those of rows (lib/values.ts), but wide integers and decimals as numbers where
 * a number is exact, and JSON as what it says.
 */
import type { ValueType } from '../catalog/types.ts';
import { ValueFault } from '../rows/kind.ts';
import { isOtherNumber, parseText, parseValue, textOf } from '../rows/values.ts';
import type { PlainValue } from '../values.ts';
import { RestError } from './faults.ts';
import { listItems } from './operands.ts';

/** A value that is JSON already. */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type ClientValue =
  null | boolean | number | string | JsonText | readonly ClientValue[] | { readonly [name: string]: ClientValue };
export type ClientRow = { readonly [name: string]: ClientValue };

export function toClient(type: ValueType, value: PlainValue): ClientValue {
  if (value === null) return null;
  switch (type.kind) {
    case 'integer':
    case 'decimal':
      return typeof value === 'string' ? exactNumber(value) : value;
    case 'json':
      return typeof value === 'string' ? new JsonText(value) : value;
    case 'list':
      // PostgreSQL's lists may have more dimensions than their type says.
      return (value as readonly PlainValue[]).map((item) =>
        toClient(Array.isArray(item) && type.item.kind !== 'list' && type.item.kind !== 'map' ? type : type.item, item),
      );
    case 'struct': {
      const given = value as Readonly<Record<string, PlainValue>>;
      return Object.fromEntries(type.fields.map(([name, field]) => [name, toClient(field, given[name] ?? null)]));
    }
    case 'map':
      return (value as readonly (readonly [PlainValue, PlainValue])[]).map(([key, item]) => [
        toClient(type.key, key),
        toClient(type.value, item),
      ]);
    case 'union': {
      const { tag, value: inner } = value as { readonly tag: string; readonly value: PlainValue };
      const member = type.members.find(([name]) => name === tag)?.[1];
      return { tag, value: member ? toClient(member, inner) : inner };
    }
    default:
      return value;
  }
}

/** A double has no more digits that are certain. */
const certainDigits = 15;

/** The number, or the text where a number would be another one. */
function exactNumber(text: string): number | string {
  const number = Number(text);
  if (!Number.isFinite(number)) return text;
  if (Number.isSafeInteger(number) && /^-?\d+$/.test(text)) return number;
  const digits = text.replaceAll(/[-.]|^[-0.]+/g, '');
  const significant = text.includes('.') ? digits.replace(/(?<!0)0+$/, '') : digits;
  return significant.length <= certainDigits ? number : text;
}

/** JSON of an answer. `stripNulls`: members that are null are left out, in JSON of columns too. */
export function writeJson(value: ClientValue, stripNulls = false): string {
  if (value instanceof JsonText)
    return stripNulls ? writeJson(JSON.parse(value.text) as ClientValue, true) : value.text;
  if (Array.isArray(value))
    return `[${(value as readonly ClientValue[]).map((each) => writeJson(each, stripNulls)).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = Object.entries(value as ClientRow).filter(([, member]) => !stripNulls || member !== null);
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${writeJson(member, stripNulls)}`).join(',')}}`;
}

/** The cell of a table, such as CSV. */
export function cellOf(value: ClientValue): PlainValue {
  return typeof value === 'object' && value !== null ? writeJson(value) : value;
}

/**
 * The value that a client's `input` represents in a column of this type.
 *
 * @throws RestError 22P02 and its kin
 */
export function fromClient(type: ValueType, input: PlainValue, column: string): PlainValue {
  if (input === null) return null;
  try {
    return parseValue(type, taken(type, input));
  } catch (error) {
    if (!(error instanceof ValueFault)) throw error;
    const place = error.path === '' ? column : `${column}/${error.path}`;
    throw new RestError(sqlStateOf(type, input, error.message), 400, `"${place}" ${error.message}`, {
      details: `Failing column: "${column}"`,
    });
  }
}

function sqlStateOf(type: ValueType, input: PlainValue, message: string): string {
  const { kind } = type;
  if (isOtherNumber(type, textOf(input))) return '22003';
  if (kind === 'date' || kind === 'time' || kind === 'timestamp') return '22007';
  if (message.includes('characters or fewer')) return '22001';
  return '22P02';
}

/** What PostgreSQL takes besides the form that rows have. */
function taken(type: ValueType, input: PlainValue): PlainValue {
  switch (type.kind) {
    case 'json':
      return JSON.stringify(input);
    case 'text':
      return typeof input === 'number' || typeof input === 'boolean' ? String(input) : input;
    case 'boolean':
      return typeof input === 'string' && /^(?:t|true|f|false)$/i.test(input) ? /^t/i.test(input) : input;
    case 'list':
      if (typeof input === 'string' && /^\s*\{.*\}\s*$/s.test(input)) return listOfText(type, input);
      return Array.isArray(input)
        ? input.map((item: PlainValue) => (item === null || Array.isArray(item) ? item : taken(type.item, item)))
        : input;
    case 'timestamp':
    case 'date':
      return typeof input === 'string' ? timeText(type, input) : input;
    default:
      return input;
  }
}

function listOfText({ item }: Extract<ValueType, { kind: 'list' }>, text: string): PlainValue {
  return listItems(text).map((each) => (each === null ? null : parseText(item, timeText(item, each))));
}

/** Without an offset a moment is meant in UTC; of a moment, a day is what it says. */
function timeText(type: ValueType, text: string): string {
  if (type.kind === 'date') return /^(\d{4}-\d\d-\d\d)[T ][\d:.]+(?:Z|[+-]\d\d(?::?\d\d)?)?$/i.exec(text)?.[1] ?? text;
  if (type.kind !== 'timestamp') return text;
  if (/^\d{4,}-\d\d-\d\d$/.test(text)) return `${text}T00:00:00${type.withZone ? 'Z' : ''}`;
  if (type.withZone)
    return /\d\d:\d\d(?::\d\d(?:\.\d+)?)?$/.test(text) && !/[+-]\d\d:\d\d$/.test(text) ? `${text}Z` : text;
  return text;
}

/** The text of a filter in the form that the plain grammar has. */
export function filterText(type: ValueType, text: string): string {
  if (type.kind !== 'list' || !text.startsWith('{')) return timeText(type, text);
  try {
    return JSON.stringify(listOfText(type, text));
  } catch (error) {
    if (error instanceof ValueFault) return text;
    throw error;
  }
}
