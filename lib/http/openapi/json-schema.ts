export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
export type JsonObject = { readonly [name: string]: Json };

export const string: JsonObject = { type: 'string' };
export const integer: JsonObject = { type: 'integer' };
export const boolean: JsonObject = { type: 'boolean' };

export const nullable = (type: string): JsonObject => ({ type: [type, 'null'] });
export const arrayOf = (items: Json): JsonObject => ({ type: 'array', items });
export const oneOf = (...schemas: readonly Json[]): JsonObject => ({ oneOf: schemas });
export const schemaRef = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` });
export const described = (schema: JsonObject, description: string): JsonObject => ({ ...schema, description });

/** All members are there, but for the `optional` ones. */
export function object(members: JsonObject, optional: JsonObject = {}): JsonObject {
  return {
    type: 'object',
    properties: { ...members, ...optional },
    required: Object.keys(members),
    additionalProperties: false,
  };
}

/** For what operators read: more may come at any time. */
export function openObject(members: JsonObject, optional: JsonObject = {}): JsonObject {
  const { additionalProperties: _, ...open } = object(members, optional);
  return open;
}

/**
 * Members of an object: strings, and other types as `name:type`; `?` behind one allows null.
 *
 * @example fields('reason at? rows:integer')
 */
export function fields(text: string): JsonObject {
  const words = text.split(' ').map((word) => /^(\w+)(?::(\w+))?(\?)?$/.exec(word) ?? []);
  return Object.fromEntries(
    words.map(([, name = '', type = 'string', orNull]) => [name, orNull ? nullable(type) : { type }]),
  );
}

export const integerFrom = (minimum: number, maximum?: number, more: JsonObject = {}): JsonObject => ({
  ...integer,
  minimum,
  ...(maximum !== undefined && { maximum }),
  ...more,
});

export const queryParameter = (name: string, description: string, schema = string, more: JsonObject = {}) =>
  ({ name, in: 'query', description, schema, ...more }) satisfies JsonObject;

export const headerParameter = (name: string, description: string, schema = string) =>
  ({ name, in: 'header', description, schema }) satisfies JsonObject;

export const parameterRef = (name: string): JsonObject => ({ $ref: `#/components/parameters/${name}` });
