/**
 * Lists, structs, maps and unions as they are edited: JSON in the form of the API's rows, in which large numbers, times and
 * intervals are texts, bytes are base64, and a map is a list of pairs.
 */
import type { ValueType } from '../../api/catalog.ts';

export function isNested({ kind }: ValueType): boolean {
  return kind === 'list' || kind === 'struct' || kind === 'map' || kind === 'union';
}

/** Strings, which stay as they are, and numbers. */
const token = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/**
 * The JSON with those numbers as texts that a JavaScript number would round. Null: it is no JSON.
 *
 * @example exactJson('[9007199254740993]') // '["9007199254740993"]'
 */
export function exactJson(text: string): string | null {
  if (faultOfJson(text) !== null) return null;
  return text.replaceAll(token, (found) =>
    found.startsWith('"') || String(Number(found)) === found ? found : `"${found}"`,
  );
}

/** What is wrong with the text, or null. */
function faultOfJson(text: string): string | null {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** What is wrong with a text for a column of this type, as far as can be told without the database. */
export function faultOfNested(type: ValueType, text: string): string | null {
  const fault = faultOfJson(text);
  if (fault !== null) return `This is not JSON: ${fault}.`;
  if (type.kind === 'json') return null;
  return faultOfValue(type, JSON.parse(text), '');
}

function faultOfValue(type: ValueType, value: unknown, place: string): string | null {
  if (value === null) return null;
  const at = place === '' ? 'It' : place;
  switch (type.kind) {
    case 'list':
      if (!Array.isArray(value)) return `${at} must be a list: [${exampleOf(type.item)}].`;
      if (type.length !== null && value.length !== type.length) return `${at} must be a list of ${type.length} values.`;
      return firstFault(value, (item, index) => faultOfValue(itemType(type, item), item, `${place}[${index}]`));
    case 'struct':
      if (!isObject(value)) return `${at} must be an object: ${exampleOf(type)}.`;
      return firstFault(Object.entries(value), ([name, item]) => {
        const field = type.fields.find(([known]) => known === name);
        return field ? faultOfValue(field[1], item, `${place}.${name}`) : `${at} has no field "${name}".`;
      });
    case 'map':
      if (isObject(value)) return type.key.kind === 'text' || type.key.kind === 'enum' ? null : wantsPairs(at, type);
      if (!Array.isArray(value)) return wantsPairs(at, type);
      return value.every((pair) => Array.isArray(pair) && pair.length === 2) ? null : wantsPairs(at, type);
    case 'union':
      return isObject(value) && type.members.some(([tag]) => tag === value['tag'])
        ? null
        : `${at} must be ${exampleOf(type)}, with one of the tags ${type.members.map(([tag]) => tag).join(', ')}.`;
    case 'integer':
      return (typeof value === 'number' || typeof value === 'string') && /^-?\d+$/.test(String(value))
        ? null
        : `${at} must be a whole number.`;
    case 'boolean':
      return typeof value === 'boolean' ? null : `${at} must be true or false.`;
    case 'text':
      return typeof value === 'string' ? null : `${at} must be a text, in double quotes.`;
    default:
      return null;
  }
}

/** PostgreSQL's lists may nest deeper than their type says. */
function itemType(type: ValueType & { kind: 'list' }, item: unknown): ValueType {
  return type.nests === true && Array.isArray(item) && type.item.kind !== 'list' ? type : type.item;
}

function wantsPairs(at: string, type: ValueType & { kind: 'map' }): string {
  return `${at} must be a list of pairs: ${exampleOf(type)}.`;
}

function firstFault<T>(items: readonly T[], faultOf: (item: T, index: number) => string | null): string | null {
  for (const [index, item] of items.entries()) {
    const fault = faultOf(item, index);
    if (fault !== null) return fault;
  }
  return null;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** How a value of the type is written. */
export function exampleOf(type: ValueType): string {
  switch (type.kind) {
    case 'list':
      return `[${exampleOf(type.item)}]`;
    case 'struct':
      return `{${type.fields.map(([name, each]) => `${JSON.stringify(name)}: ${exampleOf(each)}`).join(', ')}}`;
    case 'map':
      return `[[${exampleOf(type.key)}, ${exampleOf(type.value)}]]`;
    case 'union': {
      const [tag = '', each] = type.members[0] ?? [];
      return `{"tag": ${JSON.stringify(tag)}, "value": ${each ? exampleOf(each) : 'null'}}`;
    }
    case 'integer':
      return '1';
    case 'decimal':
      return '"1.50"';
    case 'float':
      return '1.5';
    case 'boolean':
      return 'true';
    case 'blob':
      return '"base64"';
    case 'date':
      return '"2026-11-29"';
    case 'timestamp':
      return '"2026-11-29T12:30:00"';
    case 'time':
      return '"12:30:00"';
    case 'interval':
      return '{"months": 0, "days": 1, "micros": "0"}';
    case 'json':
      return '"{}"';
    default:
      return '"text"';
  }
}
