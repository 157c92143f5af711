/** Queries of a client's own: `POST /api/query`. */
import { join } from 'node:path';
import type { App } from '../app.ts';
import type { QueryRequest, QueryResult } from '../db/database.ts';
import { AppError, type FieldError } from '../errors.ts';
import { refuseParameters } from '../rows/parameters.ts';
import type { PlainValue } from '../values.ts';
import { negotiate } from './accept.ts';
import { readJson } from './body.ts';
import { csvLine, csvType } from './formats/csv.ts';
import { fileBody, makeTemporaryFolder, removeFolder } from './formats/temporary.ts';
import type { Handler } from './handle.ts';
import { inQuery } from './problem.ts';

const parquetType = 'application/vnd.apache.parquet';
const arrowType = 'application/vnd.apache.arrow.stream';
export const queryTypes = ['application/json', csvType, parquetType, arrowType] as const;

const defaultRows = 1000;
const mostRows = 10_000;
/** Vercel ends answers at 4.5 MB that are not streamed. */
const mostBytes = 4_000_000;
const timeoutMs = 10_000;
const longestSql = 100_000;

export function queryHandler(app: App): Handler {
  return async (context) => {
    inQuery(() => refuseParameters(context.address.parameters));
    const request = parseRequest(await readJson(context));
    const type = negotiate(context.request.headers, queryTypes);
    const database = await context.database();
    const result = context.noted(await database.query(request, context.readOptions));
    const response = await encode(app, type, result);
    if (result.truncated !== null) response.headers.set('db-truncated', result.truncated);
    return response;
  };
}

/** @throws AppError `invalid` with one entry a wrong field */
function parseRequest(input: PlainValue): QueryRequest {
  const fields: FieldError[] = [];
  if (!isObject(input)) throw new AppError('invalid', 'The body has to be an object with "sql".');
  const { sql, parameters = [], limit = defaultRows, ...others } = input;
  const fault = (path: string, message: string): void => void fields.push({ path, message });
  if (typeof sql !== 'string' || sql.trim() === '') fault('sql', 'must be a text with one SELECT');
  else if (sql.length > longestSql) fault('sql', `must have ${longestSql} characters at most`);
  else if (sql.includes('\0') || !sql.isWellFormed()) fault('sql', 'must be well-formed text without NUL');
  if (!Array.isArray(parameters) && !isObject(parameters)) fault('parameters', 'must be a list or an object');
  for (const [name, value] of Object.entries(parameters ?? {})) {
    const wrong = faultOfParameter(value);
    if (wrong !== null) fault(`parameters/${name}`, wrong);
  }
  if (!isWhole(limit, mostRows)) fault('limit', `must be a whole number from 1 to ${mostRows}`);
  for (const name of Object.keys(others)) fault(name, 'is not a field of a query');
  if (fields.length > 0) {
    const faults = fields.map(({ path, message }) => `${path} ${message}`).join('; ');
    throw new AppError('invalid', `This is not a query: ${faults}.`, { fields });
  }
  return {
    sql: sql as string,
    parameters: parameters as QueryRequest['parameters'],
    maxRows: limit as number,
    maxBytes: mostBytes,
    timeoutMs,
  };
}

/** What is wrong with a value that is to be bound, or null. */
function faultOfParameter(value: PlainValue): string | null {
  if (typeof value === 'object' && value !== null) return 'must be null, true or false, a number or a text';
  if (typeof value === 'string' && !value.isWellFormed()) return 'must be well-formed Unicode';
  // It was rounded when the body was read.
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
    return 'must be sent as a text: a number in JSON is not exact beyond 9007199254740991';
  return null;
}

function isObject(value: PlainValue | undefined): value is Readonly<Record<string, PlainValue>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isWhole(value: PlainValue, most: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most;
}

async function encode(app: App, type: (typeof queryTypes)[number], result: QueryResult): Promise<Response> {
  const { columns, rows, truncated } = result;
  switch (type) {
    case 'application/json':
      return Response.json({ columns, rows, truncated });
    case csvType: {
      const lines = [columns.map(({ name }) => name), ...rows].map(csvLine);
      return new Response(lines.join(''), { headers: { 'content-type': `${csvType}; charset=utf-8` } });
    }
    case parquetType:
      return new Response(await parquetBody(app, result), { headers: { 'content-type': parquetType } });
    case arrowType: {
      const { arrowStream } = await import('./formats/arrow.ts');
      return new Response(arrowStream(result), { headers: { 'content-type': arrowType } });
    }
  }
}

async function parquetBody(app: App, { columns, rows }: QueryResult): Promise<ReadableStream<Uint8Array>> {
  const { ParquetWriter } = await import('../db/duckdb/files/parquet.ts');
  const folder = await makeTemporaryFolder(app);
  try {
    const writer = await ParquetWriter.open(folder, columns);
    writer.append(rows);
    const path = join(folder, 'rows.parquet');
    await writer.finish(path);
    return fileBody(path, folder);
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}
