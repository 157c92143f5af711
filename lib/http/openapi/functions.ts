import { emptyAnswer, jsonAnswer, problems, problemsWithBody } from './answers.ts';
import { anything } from './function-schemas.ts';
import { catalogOperation, sqlOperation } from './sql.ts';
import {
  arrayOf,
  boolean,
  fields,
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

/** The operations that are no tables: status, sync, the change feed, SQL, export, import, this document. */
export function functionPaths(): JsonObject {
  return {
    '/api/db-status': { get: status },
    '/api/db-sync': {
      post: {
        ...sync('sync', 'Catch up, run pending writes, upload a snapshot, publish the database file'),
        description: 'With a body it does none of this, and forgets rejected writes.',
        requestBody: body(json(schemaRef('Dismissal')), false),
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

const json = (schema: Json): JsonObject => ({ 'application/json': { schema } });
const body = (content: JsonObject, required = true): JsonObject => ({ required, content });
const text: JsonObject = { schema: string };

/** An answer that comes in other types than JSON, too. */
const withTypes = (answer: JsonObject, types: JsonObject): JsonObject => ({
  ...answer,
  content: { ...(answer['content'] as JsonObject), ...types },
});

const withEvents = (answer: JsonObject, example: string): JsonObject =>
  withTypes(answer, { 'text/event-stream': { schema: string, example } });

const status: JsonObject = functions('readStatus', 'Whether the database works, which backend serves it and why', {
  security: [{}, { token: [] }],
  responses: {
    200: jsonAnswer('It works.', schemaRef('Status')),
    ...problems(),
    503: withTypes(
      jsonAnswer('The database cannot be used; or there is too much to do at once.', schemaRef('Status'), [
        'retry-after',
      ]),
      { 'application/problem+json': { schema: schemaRef('Problem') } },
    ),
  },
});

function sync(id: string, summary: string): JsonObject {
  return functions(id, summary, { responses: syncResponses(schemaRef('SyncReport'), problems(413)) });
}

function syncResponses(report: JsonObject, more: JsonObject): JsonObject {
  const events = 'event: progress\ndata: {"transfers":[]}\n\nevent: done\ndata: {}\n\n';
  return { 200: withEvents(jsonAnswer('What was done.', report), events), ...more };
}

const changes: JsonObject = functions('readChanges', 'What was committed after a version', {
  description:
    'As a page, or with `Accept: text/event-stream` as events that go on for some minutes: each has its version as its id, and a connection that says `Last-Event-ID` goes on there.',
  parameters: [
    queryParameter('after', 'The last version that the client has. From now on when it is left out.', integerFrom(0)),
    queryParameter('limit', 'Most versions of a page; it may have fewer.', integerFrom(1, 1000, { default: 100 })),
    queryParameter('table', 'Changes of this table alone.'),
    queryParameter('key', 'Changes of the row with this primary key alone, written as in paths. Needs `table`.'),
    queryParameter('rows', 'With `false`, `count` replaces `rows` and `keys`.', {
      type: 'boolean',
      default: true,
    }),
    headerParameter('last-event-id', 'Instead of `after`, for events.', integerFrom(0)),
    parameterRef('bookmark'),
  ],
  responses: {
    200: withEvents(
      jsonAnswer('The page.', schemaRef('ChangePage')),
      'id: 42\nevent: change\ndata: {"version":42,"at":"2026-11-24T04:05:06.789Z","changes":[]}\n\n',
    ),
    ...problems(404, 409, 410, 422),
  },
});

const files: JsonObject = {
  'text/csv': text,
  'application/jsonl': text,
  'application/vnd.apache.parquet': {},
};

const exporting: JsonObject = functions('export', 'A table as a file, or the whole database as a DuckDB file', {
  description:
    'With `table`, all its rows, or those that pass filters as in lists. Without, everything as one DuckDB file, on DuckDB stores. All of one version: `db-bookmark`.',
  parameters: [
    queryParameter('table', 'A table.'),
    queryParameter(
      'format',
      'Of a table `parquet` (unless said otherwise), `csv` or `jsonl`; without a table `duckdb`.',
      { type: 'string', enum: ['parquet', 'csv', 'jsonl', 'duckdb'] },
    ),
    parameterRef('bookmark'),
  ],
  responses: {
    200: { description: 'The file.', content: { ...files, 'application/vnd.duckdb': {} } },
    ...problems(404, 422),
  },
});

const importing: JsonObject = functions('import', 'Create the rows of a file, all or none', {
  description:
    'Each row is validated as a row that is created. Faults are reported by line: `errors[].path` is `12/email`. At most 100,000 rows in the body. With `upload=begin` an upload of a larger file in parts begins; with the id of an upload its parts are imported, at most 1,000,000 rows, once however often it is asked for.',
  parameters: [
    queryParameter('table', 'The table; not for an upload that has begun.'),
    queryParameter('format', 'What the file is, where the header content-type does not say so.', {
      type: 'string',
      enum: ['csv', 'jsonl', 'parquet'],
    }),
    queryParameter('upload', '`begin`, or the id of an upload.'),
    queryParameter(
      'create',
      'Makes the table, with the columns and types that the file has; for an administrator. `on_conflict` is its primary key then.',
      boolean,
    ),
    queryParameter('dry-run', 'Writes nothing, and answers what the import would do.', boolean),
    queryParameter(
      'on_conflict',
      'Columns of a key, separated by commas: a row that is there with the same values in them is changed.',
    ),
    queryParameter(
      'parts',
      'How many parts the upload has: then it is seen when the last ones are missing.',
      integerFrom(1, 50),
    ),
  ],
  requestBody: body(files, false),
  responses: {
    200: jsonAnswer(
      'What a dry run found.',
      object(
        {
          ...fields('table rows:integer wrong:integer'),
          columns: arrayOf(object(fields('name type'))),
          sample: arrayOf(anything),
          errors: arrayOf(object(fields('path message'))),
        },
        { create: string },
      ),
    ),
    201: jsonAnswer(
      'They are created; or the upload has begun.',
      oneOf(
        object(fields('table rows:integer'), { create: string }),
        object({ ...fields('upload partBytes:integer'), expires: { type: 'string', format: 'date-time' } }),
      ),
      ['idempotent-replayed'],
    ),
    ...problemsWithBody(404, 409),
  },
});

const required = { required: true };

const sendingPart: JsonObject = functions('sendPart', 'Send a part of an upload', {
  description:
    'In any order and to any instance; the same part again is no error. Parts are pieces of the file as it is, cut anywhere.',
  parameters: [
    queryParameter('upload', 'The id of the upload.', string, required),
    queryParameter('part', 'Its number.', integerFrom(1, 50), required),
  ],
  requestBody: body({ 'application/octet-stream': {} }),
  responses: { 204: emptyAnswer('It is kept.'), ...problemsWithBody(404, 409) },
});

const givingUp: JsonObject = functions('giveUpUpload', 'Cancel an upload', {
  parameters: [queryParameter('upload', 'Its id.', string, required)],
  responses: { 204: emptyAnswer('It is gone.'), ...problems(404, 422) },
});

const openapi: JsonObject = functions('readOpenApi', 'This document', {
  parameters: [parameterRef('ifNoneMatch')],
  responses: {
    200: jsonAnswer('OpenAPI 3.1. Its tag changes with the tables.', anything, ['etag']),
    304: emptyAnswer('The client has it already.', ['etag']),
    ...problems(),
  },
});
