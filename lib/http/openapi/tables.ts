import type { Column } from '../../catalog/catalog.ts';
import { operatorsOf } from '../../rows/values.ts';
import { emptyAnswer, jsonAnswer, problems, problemsWithBody } from './answers.ts';
import {
  arrayOf,
  headerParameter,
  integerFrom,
  type Json,
  type JsonObject,
  object,
  oneOf,
  parameterRef,
  queryParameter,
  schemaRef,
  string,
} from './json-schema.ts';
import { type DescribedRows, schemaNames } from './rows.ts';

/** Parameters that many operations have, by the name under which they are referred to. */
export const parameterComponents: JsonObject = {
  bookmark: headerParameter(
    'db-bookmark',
    'A version that an earlier answer had in db-bookmark: this answer shows at least that.',
    integerFrom(0),
  ),
  ifMatch: headerParameter(
    'if-match',
    'Entity tags, or `*`: the row is written only while it has one of these versions.',
  ),
  ifNoneMatch: headerParameter(
    'if-none-match',
    'Entity tags that the client has: 304 if the row has one of them still.',
  ),
  idempotencyKey: headerParameter(
    'idempotency-key',
    'Made up by the client, once for each thing that is to be done, in quotes: however often the request is sent within 24 hours, it is done once, and the answer is that of the first time.',
    { type: 'string', minLength: 1, maxLength: 255 },
  ),
  limit: queryParameter('limit', 'Rows of the page.', integerFrom(1, 500, { default: 50 })),
  cursor: queryParameter('cursor', '`next` of the page before.'),
  count: queryParameter('count', 'Counts the rows of all pages.', { type: 'string', enum: ['exact'] }),
};

/** A view is read, and so are rows without a key: in lists. */
export function relationPaths(of: DescribedRows): JsonObject {
  const { relation, table } = of;
  const path = `/api/${encodeURIComponent(table)}`;
  const canWrite = relation.readOnly === null;
  const rows = {
    [path]: {
      get: list(of),
      ...(canWrite ? { post: create(of), patch: updateMatching(of), delete: deleteMatching(of) } : {}),
    },
  };
  if (relation.key.length === 0) return rows;
  const row = {
    parameters: [keyParameter(of)],
    get: read(of),
    ...(canWrite ? { put: replace(of), patch: update(of), delete: remove(of) } : {}),
  };
  return { ...rows, [`${path}/{key}`]: row };
}

function keyParameter({ relation }: DescribedRows): JsonObject {
  const several = relation.key.length === 1 ? '' : ', each percent-encoded, joined by commas';
  return {
    name: 'key',
    in: 'path',
    required: true,
    description: `The primary key: ${relation.key.join(', ')}${several}.`,
    schema: string,
  };
}

function operation(of: DescribedRows, id: string, summary: string, rest: JsonObject): JsonObject {
  return { operationId: `${id}${of.name}`, tags: [of.table], summary, ...rest };
}

function list(of: DescribedRows): JsonObject {
  return operation(of, 'list', `A page of ${of.table}`, {
    parameters: [
      ...filterParameters(of),
      selectParameter,
      orderParameter,
      ...['limit', 'cursor', 'count', 'bookmark'].map(parameterRef),
    ],
    responses: { 200: jsonAnswer('The page.', schemaRef(schemaNames(of).page)), ...problems(404, 422) },
  });
}

function create(of: DescribedRows): JsonObject {
  const { row, input } = schemaNames(of);
  const answer = oneOf(schemaRef(row), object({ data: arrayOf(schemaRef(row)) }));
  const headers = ['location', 'content-location', 'etag', 'idempotent-replayed'] as const;
  const several = { ...arrayOf(schemaRef(input)), minItems: 1, maxItems: 1000 };
  return operation(of, 'create', `Create rows of ${of.table}: one, or up to 1,000 at once`, {
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

function updateMatching(of: DescribedRows): JsonObject {
  const answer = object({ updated: integerFrom(0) });
  return operation(of, 'updateMany', `Change all rows of ${of.table} that pass the filters`, {
    description: 'Needs a filter. At most 10,000 rows, in one commit.',
    parameters: [...filterParameters(of), parameterRef('idempotencyKey')],
    requestBody: body(schemaRef(schemaNames(of).patch), true),
    responses: {
      200: jsonAnswer('How many were changed.', answer, ['idempotent-replayed']),
      202: jsonAnswer('Kept until the primary backend is back; how many it would be now.', answer),
      ...problemsWithBody(404, 409, 412),
    },
  });
}

function deleteMatching(of: DescribedRows): JsonObject {
  const answer = object({ deleted: integerFrom(0) });
  return operation(of, 'deleteMany', `Delete all rows of ${of.table} that pass the filters`, {
    description: 'Needs a filter. At most 10,000 rows, in one commit.',
    parameters: filterParameters(of),
    responses: {
      200: jsonAnswer('How many were deleted.', answer),
      202: jsonAnswer('Kept until the primary backend is back; how many it would be now.', answer),
      ...problems(404, 409, 412, 413, 422),
    },
  });
}

function read(of: DescribedRows): JsonObject {
  return operation(of, 'read', `A row of ${of.table}`, {
    parameters: [selectParameter, ...['bookmark', 'ifMatch', 'ifNoneMatch'].map(parameterRef)],
    responses: {
      200: jsonAnswer('The row.', schemaRef(schemaNames(of).selection), ['etag']),
      304: emptyAnswer('The client has it already.', ['etag']),
      ...problems(404, 412, 422),
    },
  });
}

function replace(of: DescribedRows): JsonObject {
  return operation(of, 'replace', `Replace a row of ${of.table}`, {
    description: 'What is left out becomes its default, or null.',
    parameters: ['ifMatch', 'ifNoneMatch'].map(parameterRef),
    requestBody: body(schemaRef(schemaNames(of).input)),
    responses: { ...rowAnswers(of, 'Replaced.'), ...problemsWithBody(404, 409, 412) },
  });
}

function update(of: DescribedRows): JsonObject {
  return operation(of, 'update', `Change some columns of a row of ${of.table}`, {
    parameters: ['ifMatch', 'ifNoneMatch', 'idempotencyKey'].map(parameterRef),
    requestBody: body(schemaRef(schemaNames(of).patch), true),
    responses: { ...rowAnswers(of, 'Changed.'), ...problemsWithBody(404, 409, 412) },
  });
}

function remove(of: DescribedRows): JsonObject {
  return operation(of, 'delete', `Delete a row of ${of.table}`, {
    parameters: ['ifMatch', 'ifNoneMatch'].map(parameterRef),
    responses: {
      202: emptyAnswer('Kept until the primary backend is back.'),
      204: emptyAnswer('Deleted.'),
      ...problems(404, 409, 412, 413),
    },
  });
}

function rowAnswers(of: DescribedRows, description: string): JsonObject {
  const row = schemaRef(schemaNames(of).row);
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

/** Parameters of a list that are no filters. */
const reserved: ReadonlySet<string> = new Set(['select', 'order', 'limit', 'cursor', 'count']);

function filterParameters({ relation }: DescribedRows): JsonObject[] {
  return relation.columns.map(({ name, type }) =>
    queryParameter(
      reserved.has(name) || /^".*"$/s.test(name) ? JSON.stringify(name) : name,
      `Filter by ${name}: an operator and a value, such as \`${example(type)}\`. Given several times, all must hold.`,
      arrayOf({ type: 'string', pattern: `^(not\\.)?(${operatorsOf(type).join('|')})\\.` }),
    ),
  );
}

const examples: Partial<Record<Column['type']['kind'], string>> = {
  text: 'ilike.*a*',
  boolean: 'is.true',
  integer: 'gte.3',
  decimal: 'lt.9.50',
  float: 'lt.1.5',
  date: 'gte.2026-11-24',
  timestamp: 'lt.2026-11-24T00:00:00Z',
  uuid: 'eq.0193f0c0-0000-7000-8000-000000000000',
};

function example(type: Column['type']): string {
  return type.kind === 'enum' ? `in.(${type.values.slice(0, 2).join(',')})` : (examples[type.kind] ?? 'is.not_null');
}

/** Lists in one text: what generated clients make of an array differs. */
const selectParameter: JsonObject = queryParameter(
  'select',
  'The columns of the answer, separated by commas; all when it is left out. A name with a comma or a quote in it is in double quotes.',
);

const orderParameter: JsonObject = queryParameter(
  'order',
  'The order of the rows: columns with `.asc` or `.desc` and `.nullsfirst` or `.nullslast`, separated by commas; by the primary key when it is left out. A name with a comma, a dot or a quote in it is in double quotes.',
);
