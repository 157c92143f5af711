import {
  arrayOf,
  boolean,
  described,
  fields,
  integer,
  integerFrom,
  type Json,
  type JsonObject,
  nullable,
  object,
  oneOf,
  openObject,
  schemaRef,
  string,
} from './json-schema.ts';
import { sqlSchemas } from './sql.ts';

export const anything: JsonObject = { type: 'object' };
const version = described(integerFrom(0), 'A version of the database.');
const orNull = (schema: Json): JsonObject => oneOf({ type: 'null' }, schema);

const statusMembers: JsonObject = {
  ...fields('degraded? backend?'),
  engine: { type: ['string', 'null'], enum: ['duckdb', 'postgres', null] },
  ...fields('persistent:boolean? location? databaseId? version:integer?'),
  candidates: arrayOf(openObject(fields('backend state reason'))),
  checkpoint: orNull(openObject(fields('version:integer? at? bytes:integer? recordsSince:integer'))),
  pendingWrites: nullable('integer'),
  outage: orNull(
    openObject(fields('since reason nextLookInSeconds:integer servedBy source ageSeconds:integer? writes atRisk?')),
  ),
  rejectedWrites: described(
    orNull(arrayOf(object({ ...fields('id acceptedAt rejectedAt reason'), command: anything }))),
    'Writes that were kept while the backend was away and no longer fitted when it was back; null where that is not known.',
  ),
  strandedWrites: described(
    orNull(
      arrayOf(object({ ...fields('id acceptedAt? keptIn address? database? reason'), command: nullable('object') })),
    ),
    'Writes that were accepted for another database, and are never run on this one; dismiss them by their ids.',
  ),
  transfers: arrayOf(anything),
  usage: nullable('object'),
  mirror: described(
    orNull(openObject(fields('backend version:integer? at? ageSeconds:integer? trouble?'))),
    'The DuckDB copy behind PostgreSQL; null where there is none to be.',
  ),
  warnings: arrayOf(string),
  hint: string,
};

const mirrorRefreshed: JsonObject = openObject({
  how: { type: 'string', enum: ['copied', 'replayed', 'current'] },
  rows: integer,
  version,
  at: string,
});

const change: JsonObject = oneOf(
  object({
    kind: { const: 'put' },
    table: string,
    rows: described(arrayOf(anything), 'Whole rows as they are after the commit, new ones and changed ones alike.'),
  }),
  described(
    object({ kind: { type: 'string', enum: ['put', 'delete'] }, table: string, count: integer }),
    'With `rows=false`: how many.',
  ),
  object({ kind: { const: 'delete' }, table: string, keys: described(arrayOf(anything), 'Their primary keys.') }),
  described(object({ kind: { const: 'schema' } }), 'Tables or columns changed; read this document again.'),
  described(
    object({ kind: { const: 'reset' } }),
    'Any row may have changed: export the tables again, and go on from there.',
  ),
);

export const functionSchemas: JsonObject = {
  Status: described(
    openObject({ status: { type: 'string', enum: ['ok', 'degraded', 'down'] }, message: string }, statusMembers),
    'Callers with fewer rights see less.',
  ),
  SyncReport: openObject(
    {
      from: version,
      version,
      recordsApplied: integer,
      checkpoint: orNull(openObject({ version, bytes: integer, uploaded: boolean })),
      published: boolean,
      dropped: openObject(fields('records:integer snapshots:integer')),
      ...fields('pendingDrained:integer durationMs:integer'),
    },
    { mirror: oneOf(mirrorRefreshed, openObject({ how: { const: 'failed' }, reason: string })) },
  ),
  Dismissal: object({
    dismiss: described(
      oneOf({ const: 'all' }, { ...arrayOf(string), minItems: 1 }),
      'Rejected writes to forget, as db-status lists them.',
    ),
  }),
  Dismissed: object(fields('dismissed:integer')),
  ...sqlSchemas,
  ChangeSet: described(
    object({ version, at: { type: 'string', format: 'date-time' }, changes: arrayOf(change) }),
    'What one commit changed. Versions have no gap.',
  ),
  ChangePage: object({
    data: arrayOf(schemaRef('ChangeSet')),
    next: described(version, 'What to ask for next: `after` of the page that follows.'),
    oldest: described(version, 'The least `after` that can still be asked for.'),
    head: described(version, 'The newest version.'),
  }),
};
