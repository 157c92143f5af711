import { arrayOf, described, integer, type Json, type JsonObject, object, schemaRef, string } from './json-schema.ts';

const headerTexts = {
  'x-request-id': 'Names this request in the log of the server.',
  'server-timing': 'Where the time went, and what the store was asked.',
  'db-backend': 'What served the database.',
  'db-bookmark':
    'The version that this answer shows or made. Send it back, and the next answer from any instance shows at least that.',
  'db-durability':
    '`durable`; `pending` while only a fallback has the write; `standby` for rows of a standby while the database is unavailable.',
  'db-degraded': 'Why this answer is not from the primary backend, or not fresh. Absent when all is well.',
  age: 'Age in seconds of the standby that answered while the primary backend is unavailable, where it is known.',
  etag: 'The version of the row, for If-Match and If-None-Match.',
  location: 'Where the new row is.',
  'content-location': 'The address at which the body is what is read.',
  'idempotent-replayed':
    '`true` when the write was done before under this Idempotency-Key, and this is the answer of then.',
  'retry-after': 'Seconds after which to come again.',
  'www-authenticate': 'How to authenticate.',
} as const;

type HeaderName = keyof typeof headerTexts;

const everywhere: readonly HeaderName[] = ['x-request-id', 'server-timing'];
const ofTheDatabase: readonly HeaderName[] = ['db-backend', 'db-bookmark', 'db-durability', 'db-degraded', 'age'];

export const headerComponents: JsonObject = Object.fromEntries(
  Object.entries(headerTexts).map(([name, description]) => [name, { description, schema: string }]),
);

export function headers(names: readonly HeaderName[]): JsonObject {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

/** An answer with a body of JSON; `more` are headers besides those of every answer. */
export function jsonAnswer(description: string, schema: Json, more: readonly HeaderName[] = []): JsonObject {
  return { ...emptyAnswer(description, more), content: { 'application/json': { schema } } };
}

export function emptyAnswer(description: string, more: readonly HeaderName[] = []): JsonObject {
  return { description, headers: headers([...everywhere, ...ofTheDatabase, ...more]) };
}

export const problemTexts = {
  400: 'The request is not understood: an unknown parameter, a malformed header or body.',
  401: 'A token is needed, or the server does not know the one that was sent.',
  403: 'The token does not allow this, or the server only answers its own machine.',
  404: 'There is no such table, or no such row.',
  406: 'None of the types that the header Accept allows can be answered.',
  409: 'The data refuse this: a value is taken, or other rows refer to this one.',
  410: 'What was asked for is no longer kept.',
  412: 'The row is not the one that If-Match or If-None-Match ask for.',
  413: 'The body is too large.',
  414: 'The address is too long.',
  415: 'The body is of a type that is not understood.',
  422: 'The input is wrong; `errors` says which fields. Or the Idempotency-Key was used for another request.',
  431: 'The headers are too large.',
  500: 'The server has a defect, stored data are damaged, or it is not known whether the write was done.',
  503: 'The database is unavailable, or the server is overloaded. Nothing was changed.',
  507: 'The answer is too large. Nothing was changed.',
} as const;

type ProblemStatus = keyof typeof problemTexts;

const ofAnyRequest: readonly ProblemStatus[] = [400, 401, 403, 406, 414, 431, 500, 503];
const ofBodies: readonly ProblemStatus[] = [413, 415, 422];

const problemName = (status: number): string => `Problem${status}`;

/** The problems of an operation: those of any request, and `more`. */
export function problems(...more: readonly ProblemStatus[]): JsonObject {
  const statuses = [...new Set([...ofAnyRequest, ...more])].toSorted((a, b) => a - b);
  return Object.fromEntries(
    statuses.map((status) => [String(status), { $ref: `#/components/responses/${problemName(status)}` }]),
  );
}

/** The same for one that has a body. */
export function problemsWithBody(...more: readonly ProblemStatus[]): JsonObject {
  return problems(...ofBodies, ...more);
}

export const problemComponents: JsonObject = Object.fromEntries(
  Object.entries(problemTexts).map(([status, description]) => [
    problemName(Number(status)),
    {
      description,
      headers: headers([...everywhere, ...problemHeaders(Number(status))]),
      content: { 'application/problem+json': { schema: schemaRef('Problem') } },
    },
  ]),
);

function problemHeaders(status: number): readonly HeaderName[] {
  if (status === 503) return ['retry-after'];
  return status === 401 || status === 403 ? ['www-authenticate'] : [];
}

/** RFC 9457. */
export const problemSchema: JsonObject = object(
  {
    type: { type: 'string', format: 'uri-reference', description: 'Names the kind of problem, and never changes.' },
    title: string,
    status: integer,
    detail: string,
  },
  {
    hint: described(string, 'What to do about it.'),
    errors: arrayOf(
      object({
        path: described(string, 'A field (`email`, in an array `3/email`), a parameter or a header.'),
        message: string,
      }),
    ),
  },
);
