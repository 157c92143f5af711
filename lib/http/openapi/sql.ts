/** The operations of SQL: statements, and what there is to write them about. */
import { emptyAnswer, headers, jsonAnswer, problems, problemSchema, problemTexts } from './answers.ts';
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

const anyValue: JsonObject = {};
const flag = (name: string, description: string): JsonObject => ({ name, in: 'header', description, schema: boolean });

export const sqlOperation: JsonObject = {
  operationId: 'sql',
  tags: ['functions'],
  summary: 'Run SQL: one statement, or an array as one serializable transaction',
  description:
    "In the SQL of the engine that serves (see `engine` of /api/catalog) and in the form of Neon's driver. Who may read runs SELECT, who may write tables also statements on rows, an administrator also definitions. The content type of the body does not matter.",
  parameters: [
    flag('neon-raw-text-output', "All values as PostgreSQL's text."),
    flag('neon-array-mode', 'Rows as lists.'),
    flag('neon-batch-read-only', 'A batch that writes is refused.'),
    { name: 'idempotency-key', in: 'header', description: 'Of a write: it is done once.', schema: string },
    { $ref: '#/components/parameters/bookmark' },
  ],
  requestBody: {
    required: true,
    content: { 'application/json': { schema: oneOf(schemaRef('SqlStatement'), schemaRef('SqlBatch')) } },
  },
  responses: {
    200: {
      ...jsonAnswer('What it returned; of one statement also as a file.', schemaRef('SqlResult'), [
        'idempotent-replayed',
      ]),
      content: {
        'application/json': {
          schema: oneOf(schemaRef('SqlResult'), object({ results: arrayOf(schemaRef('SqlResult')) })),
        },
        'text/csv': { schema: string },
        'application/vnd.apache.parquet': {},
        'application/vnd.apache.arrow.stream': {},
      },
    },
    204: emptyAnswer('It is done; a file was asked for, and it returned no columns.', ['idempotent-replayed']),
    ...Object.fromEntries(
      ([400, 401, 403, 406, 413, 414, 415, 431, 500, 503, 507] as const).map((status) => [
        String(status),
        {
          description: problemTexts[status],
          headers: headers(['x-request-id']),
          content: { 'application/problem+json': { schema: schemaRef('SqlProblem') } },
        },
      ]),
    ),
  },
};

export const catalogOperation: JsonObject = {
  operationId: 'readCatalog',
  tags: ['functions'],
  summary: 'Tables, views, macros and enums, and what the caller may do',
  parameters: [{ $ref: '#/components/parameters/ifNoneMatch' }, { $ref: '#/components/parameters/bookmark' }],
  responses: {
    200: jsonAnswer('Its tag changes with any definition.', schemaRef('Catalog'), ['etag']),
    304: emptyAnswer('The client has it already.', ['etag']),
    ...problems(422),
  },
};

const problemMembers = problemSchema['properties'] as JsonObject;

export const sqlSchemas: JsonObject = {
  SqlStatement: object(
    { query: described({ type: 'string', minLength: 1, maxLength: 100_000 }, 'One statement.') },
    {
      params: described(
        oneOf(arrayOf(anyValue), { type: 'object' }),
        'Values for `$1`, `$2`, … as a list; of a SELECT on DuckDB also for `$name`, as an object. Text is converted to the type of the parameter.',
      ),
      arrayMode: described(boolean, 'Rows as lists.'),
    },
  ),
  SqlBatch: object({ queries: { ...arrayOf(schemaRef('SqlStatement')), maxItems: 500 } }),
  SqlResult: object({
    command: described(string, '`SELECT`, `INSERT`, `CREATE`, …'),
    rowCount: described(nullable('integer'), 'Rows returned or changed; null for definitions.'),
    rowAsArray: boolean,
    fields: arrayOf(
      object({
        name: string,
        dataTypeID: described(integer, "PostgreSQL's OID of the type."),
        tableID: integer,
        columnID: integer,
        dataTypeSize: integer,
        dataTypeModifier: integer,
        format: { const: 'text' },
      }),
    ),
    rows: arrayOf(oneOf(arrayOf(anyValue), { type: 'object' })),
  }),
  SqlProblem: object(
    {
      ...Object.fromEntries(['type', 'title', 'status', 'detail'].map((name) => [name, problemMembers[name]!])),
      message: string,
      code: described(string, 'The SQLSTATE that PostgreSQL has for it.'),
      severity: { const: 'ERROR' },
    },
    {
      hint: problemMembers['hint']!,
      errors: problemMembers['errors']!,
      constraint: string,
      schema: string,
      table: string,
      column: string,
    },
  ),
  Catalog: openObject({
    engine: { type: 'string', enum: ['duckdb', 'postgres'] },
    defaultSchema: string,
    may: object({ read: boolean, writeRows: boolean, define: boolean }),
    relations: arrayOf(
      openObject({
        schema: string,
        name: string,
        path: described(string, 'As addresses under /api call it.'),
        kind: { type: 'string', enum: ['table', 'view'] },
        comment: nullable('string'),
        columns: arrayOf(
          openObject({
            name: string,
            type: { type: 'object' },
            sqlType: string,
            nullable: boolean,
            default: nullable('string'),
            generated: boolean,
            comment: nullable('string'),
          }),
        ),
        key: arrayOf(string),
        unique: arrayOf(object({ name: string, columns: arrayOf(string) })),
        checks: arrayOf(object({ name: string, expression: string, columns: arrayOf(string) })),
        references: arrayOf({ type: 'object' }),
        readOnly: nullable('string'),
        estimatedRows: { type: ['number', 'null'] },
      }),
    ),
    macros: arrayOf({ type: 'object' }),
    enums: arrayOf(object({ name: string, values: arrayOf(string) })),
  }),
};
