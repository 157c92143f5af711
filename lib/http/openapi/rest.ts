/** PostgREST's grammar, which is the same for all tables: said once, and not for each of them. */
import { emptyAnswer, jsonAnswer } from './answers.ts';
import { arrayOf, integer, type JsonObject, nullable, oneOf, openObject, schemaRef, string } from './json-schema.ts';

export const restSchemas: JsonObject = {
  RestProblem: {
    ...openObject(
      {
        type: string,
        title: string,
        status: integer,
        detail: string,
        code: { ...string, description: 'A code of PostgREST (`PGRST116`) or an SQLSTATE (`23505`).' },
        message: string,
        hint: nullable('string'),
      },
      { details: {} },
    ),
    description: 'A problem document with the members that clients of PostgREST read.',
  },
};

const rows: JsonObject = {
  description: 'Rows, or one row with `Accept: application/vnd.pgrst.object+json`.',
  ...oneOf(arrayOf({ type: 'object' }), { type: 'object' }),
};

const problem: JsonObject = {
  description: 'Refused.',
  content: { 'application/problem+json': { schema: schemaRef('RestProblem') } },
};

const answers = (answer: JsonObject): JsonObject => ({
  ...answer,
  content: {
    'application/json': { schema: rows },
    'application/vnd.pgrst.object+json': { schema: { type: 'object' } },
    'application/vnd.pgrst.array+json': { schema: rows },
    'text/csv': { schema: string },
  },
});
const read = answers(jsonAnswer('The rows.', rows));
const written = answers(jsonAnswer('With `Prefer: return=representation` the rows, otherwise nothing.', rows));
const kept = answers(jsonAnswer('Kept until the primary backend is back.', rows));
const done = emptyAnswer('Done; without rows.');

const inPath = (name: string, description: string): JsonObject => ({
  name,
  in: 'path',
  required: true,
  description,
  schema: string,
});
const inQuery = (name: string, description: string): JsonObject => ({ name, in: 'query', description, schema: string });
const inHeader = (name: string, description: string): JsonObject => ({
  name,
  in: 'header',
  description,
  schema: string,
});

const select = inQuery('select', 'Columns, casts, aggregates and embeddings: `title,authors(name),reviews(count)`.');
const filters: JsonObject = {
  name: 'filters',
  in: 'query',
  description: '`column=operator.value`, `or=(…)`, `and=(…)`, each also for an embedding: `books.pages=gt.300`.',
  style: 'form',
  explode: true,
  schema: { type: 'object', additionalProperties: string },
};
const list = [
  inQuery('order', '`title.asc,pages.desc.nullslast`'),
  inQuery('limit', 'Rows; 1,000 at most.'),
  inQuery('offset', 'Rows to leave out at the beginning.'),
  inHeader('range', 'Instead of `limit` and `offset`: `0-9`.'),
];
const prefer = inHeader(
  'prefer',
  '`count=exact`, `return=representation`, `resolution=merge-duplicates`, `missing=default`, …',
);
const bookmark: JsonObject = { $ref: '#/components/parameters/bookmark' };
const once: JsonObject = { $ref: '#/components/parameters/idempotencyKey' };

const operation = (
  id: string,
  summary: string,
  parameters: readonly JsonObject[],
  responses: JsonObject,
): JsonObject => ({
  operationId: id,
  tags: ['rest'],
  summary,
  parameters,
  responses: { ...responses, default: problem },
});
const body = (schema: JsonObject): JsonObject => ({
  requestBody: { required: true, content: { 'application/json': { schema }, 'text/csv': { schema: string } } },
});
const anyRow: JsonObject = { type: 'object' };
const pages = { 200: read, 206: read };
const writes = { 200: written, 201: written, 202: kept, 204: done };

/** A table that is called like a function is reached here, too. */
const table: JsonObject = {
  parameters: [
    inPath('table', 'A table or view.'),
    inHeader('accept-profile', 'Its schema, for reads.'),
    inHeader('content-profile', 'Its schema, for writes.'),
  ],
  get: operation('restRead', 'Rows, as supabase-js asks for them', [select, filters, ...list, prefer, bookmark], pages),
  post: {
    ...operation(
      'restCreate',
      'Create rows, or change those that are there',
      [
        select,
        inQuery('columns', 'Columns of the body that count.'),
        inQuery('on_conflict', 'Columns of a unique key.'),
        prefer,
        once,
      ],
      writes,
    ),
    ...body(oneOf(anyRow, arrayOf(anyRow))),
  },
  patch: {
    ...operation('restUpdate', 'Change the rows that pass the filters', [select, filters, prefer, once], writes),
    ...body(anyRow),
  },
  put: { ...operation('restPut', 'Put one row at its key', [select, filters, prefer], writes), ...body(anyRow) },
  delete: operation('restDelete', 'Delete the rows that pass the filters', [select, filters, prefer], writes),
};

const ofCalls = [filters, select, ...list, prefer, bookmark];
const macro: JsonObject = {
  parameters: [inPath('name', 'A macro of DuckDB, a function of PostgreSQL.')],
  get: operation('restCall', 'Call it with arguments in the query', ofCalls, pages),
  post: {
    ...operation('restCallWithBody', 'Call it with arguments in the body', ofCalls, pages),
    requestBody: { required: false, content: { 'application/json': { schema: anyRow } } },
  },
};

export const restPaths: JsonObject = { '/api/rest/v1/{table}': table, '/api/rest/v1/rpc/{name}': macro };
