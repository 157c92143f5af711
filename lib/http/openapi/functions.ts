/** The operations that are no tables: status, sync, the change feed, SQL, export, import, this document. */
import { emptyAnswer, jsonAnswer, problems, problemsWithBody } from './answers.ts';
import { anything } from './function-schemas.ts';
import { catalogOperation, sqlOperation } from './sql.ts';
import { arrayOf, boolean, integer, type JsonObject, object, oneOf, schemaRef, string } from './json-schema.ts';

export function functionPaths(): JsonObject {
  return {
    '/api/db-status': { get: status },
    '/api/db-sync': {
      post: {
        ...sync('sync', 'Catch up, run pending writes, upload a snapshot, publish the database file'),
        description: 'With a body it does none of this, and forgets rejected writes.',
        requestBody: { required: false, content: { 'application/json': { schema: schemaRef('Dismissal') } } },
        responses: syncResponses(oneOf(schemaRef('SyncReport'), schemaRef('Dismissed')), problemsWithBody(404)),
      },
      get: sync('syncByCron', 'The same, for the cron'),
    },
    '/api/changes': { get: changes },
    '/api/sql': { post: sqlOperation },
    '/api/catalog': { get: catalogOperation },
    '/api/export': { get: exporting },
    '/api/import': { post: importing, put: sendingPart, delete: givingUp },
    '/api/openapi': { get: openapi },
  };
}

const functions = (id: string, summary: string, rest: JsonObject): JsonObject => ({
  operationId: id,
  tags: ['functions'],
  summary,
  ...rest,
});

const withEvents = (answer: JsonObject, example: string): JsonObject => ({
  ...answer,
  content: { ...(answer['content'] as JsonObject), 'text/event-stream': { schema: string, example } },
});

const status: JsonObject = functions('readStatus', 'Whether the database works, which backend serves it and why', {
  security: [{}, { token: [] }],
  responses: {
    200: jsonAnswer('It works.', schemaRef('Status')),
    ...problems(),
    503: {
      ...jsonAnswer('The database cannot be used; or there is too much to do at once.', schemaRef('Status'), [
        'retry-after',
      ]),
      content: {
        'application/json': { schema: schemaRef('Status') },
        'application/problem+json': { schema: schemaRef('Problem') },
      },
    },
  },
});

function sync(id: string, summary: string): JsonObject {
  return functions(id, summary, { responses: syncResponses(schemaRef('SyncReport'), problems(413)) });
}

function syncResponses(report: JsonObject, more: JsonObject): JsonObject {
  return {
    200: withEvents(
      jsonAnswer('What was done.', report),
      'event: progress\ndata: {"transfers":[]}\n\nevent: done\ndata: {}\n\n',
    ),
    ...more,
  };
}

const changes: JsonObject = functions('readChanges', 'What was committed after a version', {
  description:
    'As a page, or with `Accept: text/event-stream` as events that go on for some minutes: each has its version as its id, and a connection that says `Last-Event-ID` goes on there.',
  parameters: [
    {
      name: 'after',
      in: 'query',
      description: 'The last version that the client has. From now on when it is left out.',
      schema: { type: 'integer', minimum: 0 },
    },
    {
      name: 'limit',
      in: 'query',
      description: 'Most versions of a page; it may have fewer.',
      schema: { type: 'integer', minimum: 1, maximum: 1000, default: 100 },
    },
    { name: 'table', in: 'query', description: 'Changes of this table alone.', schema: { type: 'string' } },
    {
      name: 'key',
      in: 'query',
      description: 'Changes of the row with this primary key alone, written as in paths. Needs `table`.',
      schema: { type: 'string' },
    },
    {
      name: 'last-event-id',
      in: 'header',
      description: 'Instead of `after`, for events.',
      schema: { type: 'integer', minimum: 0 },
    },
    { $ref: '#/components/parameters/bookmark' },
  ],
  responses: {
    200: withEvents(
      jsonAnswer('The page.', schemaRef('ChangePage')),
      'id: 42\nevent: change\ndata: {"version":42,"at":"2026-11-24T04:05:06.789Z","changes":[]}\n\n',
    ),
    ...problems(404, 410, 422),
  },
});

const exporting: JsonObject = functions('export', 'A table as a file, or the whole database as a DuckDB file', {
  description:
    'With `table`, all its rows, or those that pass filters as in lists. Without, everything as one DuckDB file, on DuckDB stores. All of one version: `db-bookmark`.',
  parameters: [
    { name: 'table', in: 'query', description: 'A table.', schema: string },
    {
      name: 'format',
      in: 'query',
      description: 'Of a table `parquet` (unless said otherwise), `csv` or `jsonl`; without a table `duckdb`.',
      schema: { type: 'string', enum: ['parquet', 'csv', 'jsonl', 'duckdb'] },
    },
    { $ref: '#/components/parameters/bookmark' },
  ],
  responses: {
    200: {
      description: 'The file.',
      content: {
        'application/vnd.apache.parquet': {},
        'text/csv': { schema: string },
        'application/jsonl': { schema: string },
        'application/vnd.duckdb': {},
      },
    },
    ...problems(404, 422),
  },
});

const uploadParameter = { name: 'upload', in: 'query', schema: string };

const importing: JsonObject = functions('import', 'Create the rows of a file, all or none', {
  description:
    'Each row is validated as a row that is created. Faults are told by line: `errors[].path` is `12/email`. At most 100,000 rows in the body. With `upload=begin` an upload of a larger file in parts begins; with the id of an upload its parts are imported, at most 1,000,000 rows, once however often it is asked for.',
  parameters: [
    { name: 'table', in: 'query', description: 'The table; not for an upload that has begun.', schema: string },
    {
      name: 'format',
      in: 'query',
      description: 'What the file is, where the header content-type does not say so.',
      schema: { type: 'string', enum: ['csv', 'jsonl', 'parquet'] },
    },
    { ...uploadParameter, description: '`begin`, or the id of an upload.' },
    {
      name: 'create',
      in: 'query',
      description:
        'Makes the table, with the columns and types that the file has; for an administrator. `on_conflict` is its primary key then.',
      schema: boolean,
    },
    {
      name: 'dry-run',
      in: 'query',
      description: 'Writes nothing, and answers what the import would do.',
      schema: boolean,
    },
    {
      name: 'on_conflict',
      in: 'query',
      description:
        'Columns of a key, separated by commas: a row that is there with the same values in them is changed.',
      schema: string,
    },
    {
      name: 'parts',
      in: 'query',
      description: 'How many parts the upload has: then it is seen when the last ones are missing.',
      schema: { type: 'integer', minimum: 1, maximum: 50 },
    },
  ],
  requestBody: {
    required: false,
    content: {
      'text/csv': { schema: string },
      'application/jsonl': { schema: string },
      'application/vnd.apache.parquet': {},
    },
  },
  responses: {
    200: jsonAnswer(
      'What a dry run found.',
      object(
        {
          table: string,
          rows: integer,
          wrong: integer,
          columns: arrayOf(object({ name: string, type: string })),
          sample: arrayOf(anything),
          errors: arrayOf(object({ path: string, message: string })),
        },
        { create: string },
      ),
    ),
    201: jsonAnswer(
      'They are created; or the upload has begun.',
      oneOf(
        object({ table: string, rows: integer }, { create: string }),
        object({ upload: string, partBytes: integer, expires: { type: 'string', format: 'date-time' } }),
      ),
      ['idempotent-replayed'],
    ),
    ...problemsWithBody(404, 409),
  },
});

const sendingPart: JsonObject = functions('sendPart', 'Send a part of an upload', {
  description:
    'In any order and to any instance; the same part again is no error. Parts are pieces of the file as it is, cut anywhere.',
  parameters: [
    { ...uploadParameter, required: true, description: 'The id of the upload.' },
    {
      name: 'part',
      in: 'query',
      required: true,
      description: 'Its number.',
      schema: { type: 'integer', minimum: 1, maximum: 50 },
    },
  ],
  requestBody: { required: true, content: { 'application/octet-stream': {} } },
  responses: { 204: emptyAnswer('It is kept.'), ...problemsWithBody(404, 409) },
});

const givingUp: JsonObject = functions('giveUpUpload', 'Give up an upload', {
  parameters: [{ ...uploadParameter, required: true, description: 'Its id.' }],
  responses: { 204: emptyAnswer('It is gone.'), ...problems(404, 422) },
});

const openapi: JsonObject = functions('readOpenApi', 'This document', {
  parameters: [{ $ref: '#/components/parameters/ifNoneMatch' }],
  responses: {
    200: jsonAnswer('OpenAPI 3.1. Its tag changes with the tables.', anything, ['etag']),
    304: emptyAnswer('The client has it already.', ['etag']),
    ...problems(),
  },
});
