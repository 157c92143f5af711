/**
 * The operations on a table and on its rows.
 *
 * Owns: their parameters, bodies and answers. The worst that can happen: one that is missing; a test compares the
 * operations with what the files under api/ export.
 */
import { operatorsOf } from '../../schema/list/filters.ts';
import { isSortable } from '../../schema/list/order.ts';
import type { Column, Table } from '../../schema/table.ts';
import { emptyAnswer, jsonAnswer, problems, problemsWithBody } from './answers.ts';
import { arrayOf, integer, type Json, type JsonObject, object, oneOf, schemaRef, string } from './json-schema.ts';
import { pascal, schemaNames } from './rows.ts';

const parameterRef = (name: string): JsonObject => ({ $ref: `#/components/parameters/${name}` });

/** Parameters that many operations have, by the name under which they are referred to. */
export const parameterComponents: JsonObject = {
  bookmark: {
    name: 'db-bookmark',
    in: 'header',
    description: 'A version that an earlier answer had in db-bookmark: this answer shows at least that.',
    schema: { type: 'integer', minimum: 0 },
  },
  ifMatch: {
    name: 'if-match',
    in: 'header',
    description: 'Entity tags, or `*`: the row is written only while it has one of these versions.',
    schema: string,
  },
  ifNoneMatch: {
    name: 'if-none-match',
    in: 'header',
    description: 'Entity tags that the client has: 304 if the row has one of them still.',
    schema: string,
  },
  idempotencyKey: {
    name: 'idempotency-key',
    in: 'header',
    description:
      'Made up by the client, once for each thing that is to be done, in quotes: however often the request is sent within 24 hours, it is done once, and the answer is that of the first time.',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
  },
  id: { name: 'id', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } },
  limit: {
    name: 'limit',
    in: 'query',
    description: 'Rows of the page.',
    schema: { type: 'integer', minimum: 1, maximum: 500, default: 50 },
  },
  cursor: { name: 'cursor', in: 'query', description: '`next` of the page before.', schema: string },
  count: {
    name: 'count',
    in: 'query',
    description: 'Counts the rows of all pages.',
    schema: { type: 'string', enum: ['exact'] },
  },
};

export function tablePaths(table: Table): JsonObject {
  return {
    [`/api/${table.name}`]: {
      get: list(table),
      post: create(table),
      patch: updateMatching(table),
      delete: deleteMatching(table),
    },
    [`/api/${table.name}/{id}`]: {
      parameters: [parameterRef('id')],
      get: read(table),
      put: replace(table),
      patch: update(table),
      delete: remove(table),
    },
  };
}

function operation(table: Table, id: string, summary: string, rest: JsonObject): JsonObject {
  return { operationId: id, tags: [table.name], summary, ...rest };
}

function list(table: Table): JsonObject {
  return operation(table, `list${pascal(table.name)}`, `A page of ${table.name}`, {
    parameters: [
      ...filterParameters(table),
      selectParameter(table),
      orderParameter(table),
      ...['limit', 'cursor', 'count', 'bookmark'].map(parameterRef),
    ],
    responses: { 200: jsonAnswer('The page.', schemaRef(schemaNames(table).page)), ...problems(404, 422) },
  });
}

function create(table: Table): JsonObject {
  const { row, input } = schemaNames(table);
  const answer = oneOf(schemaRef(row), object({ data: arrayOf(schemaRef(row)) }));
  const headers = ['location', 'content-location', 'etag', 'idempotent-replayed'] as const;
  const several = { ...arrayOf(schemaRef(input)), minItems: 1, maxItems: 1000 };
  return operation(table, `create${pascal(table.name)}`, `Create ${table.name}: one, or up to 1,000 at once`, {
    description: 'An array is one commit: all of its rows are created, or none.',
    parameters: [parameterRef('idempotencyKey')],
    requestBody: body(oneOf(schemaRef(input), several)),
    responses: {
      201: jsonAnswer('Created.', answer, headers),
      202: jsonAnswer('Kept until the primary backend is back.', answer, headers),
      ...problemsWithBody(404, 409, 412),
    },
  });
}

function updateMatching(table: Table): JsonObject {
  const answer = object({ updated: { ...integer, minimum: 0 } });
  return operation(table, `update${pascal(table.name)}`, `Change all ${table.name} that pass the filters`, {
    description: 'Needs a filter. At most 10,000 rows, in one commit.',
    parameters: [...filterParameters(table), parameterRef('idempotencyKey')],
    requestBody: body(schemaRef(schemaNames(table).patch), true),
    responses: {
      200: jsonAnswer('How many were changed.', answer, ['idempotent-replayed']),
      202: jsonAnswer('Kept until the primary backend is back; how many it would be now.', answer),
      ...problemsWithBody(404, 409, 412),
    },
  });
}

function deleteMatching(table: Table): JsonObject {
  const answer = object({ deleted: { ...integer, minimum: 0 } });
  return operation(table, `delete${pascal(table.name)}`, `Delete all ${table.name} that pass the filters`, {
    description: 'Needs a filter. At most 10,000 rows, in one commit.',
    parameters: filterParameters(table),
    responses: {
      200: jsonAnswer('How many were deleted.', answer),
      202: jsonAnswer('Kept until the primary backend is back; how many it would be now.', answer),
      ...problems(404, 409, 412, 413, 422),
    },
  });
}

function read(table: Table): JsonObject {
  return operation(table, `read${pascal(table.singular)}`, `One of the ${table.name}`, {
    parameters: [selectParameter(table), ...['bookmark', 'ifMatch', 'ifNoneMatch'].map(parameterRef)],
    responses: {
      200: jsonAnswer('The row.', schemaRef(schemaNames(table).selection), ['etag']),
      304: emptyAnswer('The client has it already.', ['etag']),
      ...problems(404, 412, 422),
    },
  });
}

function replace(table: Table): JsonObject {
  return operation(table, `replace${pascal(table.singular)}`, `Replace one of the ${table.name}`, {
    description: 'What is left out becomes its default, or null.',
    parameters: ['ifMatch', 'ifNoneMatch'].map(parameterRef),
    requestBody: body(schemaRef(schemaNames(table).input)),
    responses: { ...rowAnswers(table, 'Replaced.'), ...problemsWithBody(404, 409, 412) },
  });
}

function update(table: Table): JsonObject {
  return operation(table, `update${pascal(table.singular)}`, `Change some columns of one of the ${table.name}`, {
    parameters: ['ifMatch', 'ifNoneMatch', 'idempotencyKey'].map(parameterRef),
    requestBody: body(schemaRef(schemaNames(table).patch), true),
    responses: { ...rowAnswers(table, 'Changed.'), ...problemsWithBody(404, 409, 412) },
  });
}

function remove(table: Table): JsonObject {
  return operation(table, `delete${pascal(table.singular)}`, `Delete one of the ${table.name}`, {
    parameters: ['ifMatch', 'ifNoneMatch'].map(parameterRef),
    responses: {
      202: emptyAnswer('Kept until the primary backend is back.'),
      204: emptyAnswer('Deleted.'),
      ...problems(404, 409, 412, 413),
    },
  });
}

function rowAnswers(table: Table, description: string): JsonObject {
  const row = schemaRef(schemaNames(table).row);
  const headers = ['etag', 'content-location', 'idempotent-replayed'] as const;
  return {
    200: jsonAnswer(description, row, headers),
    202: jsonAnswer('Kept until the primary backend is back.', row, headers),
  };
}

function body(schema: Json, merges = false): JsonObject {
  const types = merges ? ['application/json', 'application/merge-patch+json'] : ['application/json'];
  return { required: true, content: Object.fromEntries(types.map((type) => [type, { schema }])) };
}

function filterParameters(table: Table): JsonObject[] {
  return Object.entries(table.columns).map(([name, column]) => ({
    name,
    in: 'query',
    description: `Filter by ${name}: an operator and a value, such as \`${example(column)}\`. Given several times, all must hold.`,
    schema: arrayOf({ type: 'string', pattern: `^(not\\.)?(${operatorsOf(column).join('|')})\\.` }),
  }));
}

function example(column: Column): string {
  if (column.kind === 'text') return 'ilike.*a*';
  if (column.kind === 'enum') return `in.(${column.values.slice(0, 2).join(',')})`;
  if (column.kind === 'boolean') return 'is.true';
  if (column.kind === 'uuid') return 'eq.0193f0c0-0000-7000-8000-000000000000';
  return { integer: 'gte.3', number: 'lt.1.5', date: 'gte.2026-11-24', timestamp: 'lt.2026-11-24T00:00:00Z' }[
    column.kind
  ];
}

/** Lists in one text: what generated clients make of an array differs. */
function selectParameter(table: Table): JsonObject {
  const columns = Object.keys(table.columns).join('|');
  return {
    name: 'select',
    in: 'query',
    description: 'The columns of the answer, separated by commas; all when it is left out.',
    schema: { type: 'string', pattern: `^(\\*|(${columns})(,(${columns}))*)$` },
  };
}

function orderParameter(table: Table): JsonObject {
  const sortable = Object.entries(table.columns).filter(([, column]) => isSortable(column));
  const key = `(${sortable.map(([name]) => name).join('|')})(\\.(asc|desc))?(\\.nulls(first|last))?`;
  return {
    name: 'order',
    in: 'query',
    description: 'The order of the rows, such as `updated_at.desc,id.asc`; by id when it is left out.',
    schema: { type: 'string', pattern: `^${key}(,${key})*$` },
  };
}
