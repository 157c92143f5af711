/** What the functions that are no tables take and answer, as schemas. */
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
import { sqlSchemas } from './sql.ts';

export const anything: JsonObject = { type: 'object' };
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
  mirror: described(
    oneOf(
      { type: 'null' },
      openObject({
        backend: string,
        version: nullable('integer'),
        at: nullable('string'),
        ageSeconds: nullable('integer'),
        trouble: nullable('string'),
      }),
    ),
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
  SyncReport: openObject(
    {
      from: version,
      version,
      recordsApplied: integer,
      checkpoint: oneOf({ type: 'null' }, openObject({ version, bytes: integer, uploaded: boolean })),
      published: boolean,
      dropped: openObject({ records: integer, snapshots: integer }),
      pendingDrained: integer,
      durationMs: integer,
    },
    { mirror: oneOf(mirrorRefreshed, openObject({ how: { const: 'failed' }, reason: string })) },
  ),
  Dismissal: object({
    dismiss: described(
      oneOf({ const: 'all' }, { ...arrayOf(string), minItems: 1 }),
      'Rejected writes to forget, as db-status lists them.',
    ),
  }),
  Dismissed: object({ dismissed: integer }),
  ...sqlSchemas,
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
