/** Kinds of values that hold others: lists, structs, maps and unions. */
import type { ValueType } from '../catalog/types.ts';
import type { PlainValue } from '../values.ts';
import { equating, type JsonSchema, type ValueKind, type Operator, ValueFault, within } from './kind.ts';

/** What values.ts knows of all kinds; given here, so that a kind can ask of its parts. */
export interface NestedParts {
  parse(type: ValueType, input: PlainValue): PlainValue;
  operators(type: ValueType): readonly Operator[];
}

export function list(parts: NestedParts): ValueKind<'list'> {
  return {
    parse(type, input) {
      if (!Array.isArray(input)) throw new ValueFault('must be a list');
      if (type.length !== null && input.length !== type.length)
        throw new ValueFault(`must be a list of ${type.length} values`);
      const itemType = (item: PlainValue): ValueType => (Array.isArray(item) && mayNest(type) ? type : type.item);
      return input.map((item: PlainValue, index) =>
        nullOr(item, () => within(index, () => parts.parse(itemType(item), item))),
      );
    },
    operators: ({ item }) => comparisonsOf(parts, item),
    schema: (type, of) => ({
      type: 'array',
      items: nullable(mayNest(type) ? { oneOf: [of(type.item), { type: 'array' }] } : of(type.item)),
      ...(type.length === null ? {} : { minItems: type.length, maxItems: type.length }),
    }),
  };
}

function mayNest({ item: { kind }, nests }: ValueType & { kind: 'list' }): boolean {
  return nests === true && kind !== 'list' && kind !== 'map' && kind !== 'json';
}

const structInput: ValueKind<'struct'>['schema'] = ({ fields }, of) => ({
  type: 'object',
  properties: Object.fromEntries(fields.map(([name, type]) => [name, nullable(of(type))])),
  additionalProperties: false,
});

export function struct(parts: NestedParts): ValueKind<'struct'> {
  return {
    parse({ fields }, input) {
      if (!isObject(input)) throw new ValueFault('must be an object');
      const unknown = Object.keys(input).find((given) => !fields.some(([name]) => name === given));
      if (unknown !== undefined) throw new ValueFault('is not a field of the object', unknown);
      return Object.fromEntries(
        fields.map(([name, type]) => {
          const value = Object.hasOwn(input, name) ? (input[name] ?? null) : null;
          return [name, nullOr(value, () => within(name, () => parts.parse(type, value)))];
        }),
      );
    },
    operators: ({ fields }) =>
      fields.every(([, type]) => comparisonsOf(parts, type).includes('eq')) ? equating : ['is'],
    schema: (type, of) => ({ ...structInput(type, of), required: type.fields.map(([name]) => name) }),
    inputSchema: structInput,
  };
}

export function map(parts: NestedParts): ValueKind<'map'> {
  return {
    parse(type, input) {
      const entries = entriesOf(type, input).map(([key, value], index) =>
        within(index, () => {
          if (key === null) throw new ValueFault('must not have null as a key');
          return [parts.parse(type.key, key), nullOr(value, () => parts.parse(type.value, value))] as const;
        }),
      );
      if (new Set(entries.map(([key]) => JSON.stringify(key))).size < entries.length)
        throw new ValueFault('has a key twice');
      return entries;
    },
    operators: () => ['is'],
    schema: ({ key, value }, of) => ({
      type: 'array',
      items: { type: 'array', prefixItems: [of(key), nullable(of(value))], minItems: 2, maxItems: 2 },
    }),
  };
}

/** Where keys are text, an object is a map, too. */
function entriesOf(
  { key }: Extract<ValueType, { kind: 'map' }>,
  input: PlainValue,
): (readonly [PlainValue, PlainValue])[] {
  if (isObject(input) && (key.kind === 'text' || key.kind === 'enum')) return Object.entries(input);
  if (!Array.isArray(input)) throw new ValueFault('must be a list of pairs [key, value]');
  return input.map((pair: PlainValue, index) => {
    if (!Array.isArray(pair) || pair.length !== 2) throw new ValueFault('must be a pair [key, value]', String(index));
    return pair as unknown as readonly [PlainValue, PlainValue];
  });
}

export function union(parts: NestedParts): ValueKind<'union'> {
  return {
    parse({ members }, input) {
      const given = isObject(input) ? input : {};
      const member = members.find(([tag]) => tag === given['tag']);
      const isPlain = Object.keys(given).every((name) => name === 'tag' || name === 'value');
      if (!member || !isPlain)
        throw new ValueFault(`must be {"tag", "value"} with one of the tags ${members.map(([tag]) => tag).join(', ')}`);
      const [tag, type] = member;
      const value = given['value'] ?? null;
      return { tag, value: nullOr(value, () => within('value', () => parts.parse(type, value))) };
    },
    operators: () => ['is'],
    schema: ({ members }, of) => ({
      oneOf: members.map(([tag, type]) => ({
        type: 'object',
        properties: { tag: { const: tag }, value: nullable(of(type)) },
        required: ['tag', 'value'],
        additionalProperties: false,
      })),
    }),
  };
}

function comparisonsOf(parts: NestedParts, type: ValueType): readonly Operator[] {
  const known = type.kind === 'other' ? [] : parts.operators(type);
  return known.includes('eq') ? equating : ['is'];
}

function nullOr(value: PlainValue, parse: () => PlainValue): PlainValue {
  return value === null ? null : parse();
}

function isObject(value: PlainValue): value is Readonly<Record<string, PlainValue>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The schema, or null. */
export function nullable(schema: JsonSchema): JsonSchema {
  const { type, enum: values } = schema;
  if (typeof type === 'string' || Array.isArray(type)) {
    const types = typeof type === 'string' ? [type] : (type as readonly string[]);
    return { ...schema, type: [...types, 'null'], ...(Array.isArray(values) ? { enum: [...values, null] } : {}) };
  }
  if (Array.isArray(schema['oneOf']))
    return { ...schema, oneOf: [...(schema['oneOf'] as JsonSchema[]), { type: 'null' }] };
  return schema;
}
