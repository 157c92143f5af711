/**
 * The operations that are no tables: status, sync, the change feed, this document.
 *
 * Owns: their parameters and answers. The worst that can happen: one that is missing; a test compares the operations with
 * what the files under api/ export.
 */
import { jsonAnswer, problems, problemsWithBody } from './answers.ts';
import {
  arrayOf,
  boolean,
  described,
  integer,
  type JsonObject,
  nullable,
  object,
  oneOf,
  openObject,
  schemaRef,
  string,
} from './json-schema.ts';

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
    '/api/query': { post: query },
    '/api/export': { get: exporting },
    '/api/import': { post: importing },
    '/api/openapi': { get: openapi },
  };
}

const anything: JsonObject = { type: 'object' };
const version = described({ ...integer, minimum: 0 }, 'A version of the database.');

const statusMembers: JsonObject = {
  degraded: nullable('string'),
  backend: nullable('string'),
  engine: { type: ['string', 'null'], enum: ['duckdb', 'postgres', null] },
  persistent: nullable('boolean'),
  location: nullable('string'),
  databaseId: nullable('string'),
  version: nullable('integer'),
  candidates: arrayOf(openObject({ backend: string, state: string, reason: string })),
  checkpoint: oneOf(
    { type: 'null' },
    openObject({
      version: nullable('integer'),
      at: nullable('string'),
      bytes: nullable('integer'),
      recordsSince: integer,
    }),
  ),
  pendingWrites: nullable('integer'),
  outage: oneOf(
    { type: 'null' },
    openObject({
      since: string,
      reason: string,
      nextLookInSeconds: integer,
      servedBy: string,
      source: string,
      ageSeconds: nullable('integer'),
      writes: string,
      atRisk: nullable('string'),
    }),
  ),
  rejectedWrites: described(
    oneOf(
      { type: 'null' },
      arrayOf(object({ id: string, acceptedAt: string, rejectedAt: string, reason: string, command: anything })),
    ),
    'Writes that were kept while the backend was away and no longer fitted when it was back; null where that cannot be told.',
  ),
  transfers: arrayOf(anything),
  usage: { type: ['object', 'null'] },
  warnings: arrayOf(string),
  hint: string,
};

const change: JsonObject = oneOf(
  object({
    kind: { const: 'put' },
    table: string,
    rows: described(arrayOf(anything), 'Whole rows as they are after the commit, new ones and changed ones alike.'),
  }),
  object({ kind: { const: 'delete' }, table: string, keys: described(arrayOf(anything), 'Their primary keys.') }),
  described(object({ kind: { const: 'schema' } }), 'Tables or columns changed; read this document again.'),
  described(
    object({ kind: { const: 'reset' } }),
    'Any row may have changed: export the tables again, and go on from there.',
  ),
);

export const functionSchemas: JsonObject = {
  Status: {
    ...openObject({ status: { type: 'string', enum: ['ok', 'degraded', 'down'] }, message: string }, statusMembers),
    description: 'Who may see less is told less.',
  },
  SyncReport: openObject({
    from: version,
    version,
    recordsApplied: integer,
    checkpoint: oneOf({ type: 'null' }, openObject({ version, bytes: integer, uploaded: boolean })),
    published: boolean,
    dropped: openObject({ records: integer, snapshots: integer }),
    pendingDrained: integer,
    durationMs: integer,
  }),
  Dismissal: object({
    dismiss: described(
      oneOf({ const: 'all' }, { ...arrayOf(string), minItems: 1 }),
      'Rejected writes to forget, as db-status lists them.',
    ),
  }),
  Dismissed: object({ dismissed: integer }),
  Query: object(
    { sql: described({ type: 'string', minLength: 1, maxLength: 100_000 }, 'One SELECT.') },
    {
      parameters: described(
        oneOf(arrayOf({}), anything),
        'Values for `$1`, `$2`, … or `?` as a list; for `$name` as an object.',
      ),
      limit: described({ type: 'integer', minimum: 1, maximum: 10_000, default: 1000 }, 'Most rows of the answer.'),
    },
  ),
  QueryResult: object({
    columns: arrayOf(object({ name: string, type: described(string, 'As the engine writes it.') })),
    rows: arrayOf(described(arrayOf({}), 'Values in the order of the columns; wide integers and decimals as strings.')),
    truncated: { type: ['string', 'null'], enum: ['rows', 'bytes', null] },
  }),
  ChangeSet: {
    ...object({ version, at: { type: 'string', format: 'date-time' }, changes: arrayOf(change) }),
    description: 'What one commit changed. Versions have no gap.',
  },
  ChangePage: object({
    data: arrayOf(schemaRef('ChangeSet')),
    next: described(version, 'What to ask for next: `after` of the page that follows.'),
    oldest: described(version, 'The least `after` that can still be asked for.'),
    head: described(version, 'The newest version.'),
  }),
};

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
    ...problems(410, 422),
  },
});

const query: JsonObject = functions('query', 'Run one SELECT of your own', {
  description:
    'In the SQL of the engine that serves (see `engine` of /api/db-status). It reads the tables, and nothing else.',
  parameters: [{ $ref: '#/components/parameters/bookmark' }],
  requestBody: { required: true, content: { 'application/json': { schema: schemaRef('Query') } } },
  responses: {
    200: {
      ...jsonAnswer('The rows. The header db-truncated says whether there were more.', schemaRef('QueryResult'), [
        'db-truncated',
      ]),
      content: {
        'application/json': { schema: schemaRef('QueryResult') },
        'text/csv': { schema: string },
        'application/vnd.apache.parquet': {},
        'application/vnd.apache.arrow.stream': {},
      },
    },
    ...problemsWithBody(404, 409),
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

const importing: JsonObject = functions('import', 'Create the rows of a file, all or none', {
  description:
    'Each row is validated as a row that is created. Faults are told by line: `errors[].path` is `12/email`. At most 100,000 rows.',
  parameters: [
    { name: 'table', in: 'query', required: true, description: 'The table.', schema: string },
    {
      name: 'format',
      in: 'query',
      description: 'What the body is, where the header content-type does not say so.',
      schema: { type: 'string', enum: ['csv', 'jsonl', 'parquet'] },
    },
  ],
  requestBody: {
    required: true,
    content: {
      'text/csv': { schema: string },
      'application/jsonl': { schema: string },
      'application/vnd.apache.parquet': {},
    },
  },
  responses: {
    201: jsonAnswer('They are created.', object({ table: string, rows: integer })),
    ...problemsWithBody(404, 409),
  },
});

const openapi: JsonObject = functions('readOpenApi', 'This document', {
  responses: { 200: jsonAnswer('OpenAPI 3.1.', anything), ...problems() },
});
