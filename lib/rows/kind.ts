/**
 * What is to be known of each kind of value: one object a kind, in scalars.ts, times.ts and nested.ts.
 *
 * Values come out in the form that rows have (lib/values.ts), so what is read can be sent back and is the same.
 */
import type { ValueType } from '../catalog/types.ts';
import type { PlainValue } from '../values.ts';

/** JSON Schema (2020-12) as plain data. */
export type JsonSchema = { readonly [name: string]: JsonSchemaValue };
type JsonSchemaValue = null | boolean | number | string | readonly JsonSchemaValue[] | JsonSchema;

/** What filters of the plain grammar can ask of a column. */
export const operators = ['eq', 'neq', 'gt', 'gte', 'lt', 'lte', 'like', 'ilike', 'in', 'is'] as const;
/** And what PostgREST's can: `match` is a regular expression, `cs` contains, `cd` is contained in, `ov` overlaps. */
export const everyOperator = [...operators, 'isdistinct', 'match', 'imatch', 'cs', 'cd', 'ov'] as const;
export type Operator = (typeof everyOperator)[number];

export const comparing = ['eq', 'neq', 'gt', 'gte', 'lt', 'lte', 'in', 'is'] as const;
export const equating = ['eq', 'neq', 'in', 'is'] as const;

export type TypeOf<K extends ValueType['kind']> = Extract<ValueType, { readonly kind: K }>;

export type SchemaOf = (type: ValueType) => JsonSchema;

export interface ValueKind<K extends ValueType['kind'] = ValueType['kind']> {
  /** The value that the input represents; never called with null. @throws ValueFault */
  parse(type: TypeOf<K>, input: PlainValue): PlainValue;
  /** The same of a text (a filter, a cell of CSV), where it is not what `parse` makes of it. @throws ValueFault */
  parseText?(type: TypeOf<K>, text: string): PlainValue;
  operators(type: TypeOf<K>): readonly Operator[];
  /** Of the values in rows. `of`: the same of a part. */
  schema(type: TypeOf<K>, of: SchemaOf): JsonSchema;
  /** Of what is taken, where that is more. */
  inputSchema?(type: TypeOf<K>, of: SchemaOf): JsonSchema;
}

/** What is wrong with a value, said so that it follows the name of its field: `must be a UUID`. */
export class ValueFault extends Error {
  override readonly name = 'ValueFault';
  /** Where in a nested value: `0/city`; empty for the value itself. */
  readonly path: string;

  constructor(message: string, path = '') {
    super(message);
    this.path = path;
  }
}

/** Runs `parse` for a part of a value, so that its faults name the part. */
export function within<T>(part: string | number, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof ValueFault)) throw error;
    throw new ValueFault(error.message, error.path === '' ? String(part) : `${part}/${error.path}`);
  }
}
