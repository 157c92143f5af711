/**
 * Imports: `POST /api/import?table=…` with CSV, JSON lines or Parquet, all rows in one commit or none.
 *
 * Owns: what a file may have, and how its faults are told: by line. What a row must be is the table's own validation. The
 * worst that can happen: part of a file; so nothing is written before every row was judged, and all in one transaction.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { App } from '../app.ts';
import { AppError, type FieldError } from '../errors.ts';
import { newId } from '../schema/identifiers.ts';
import { parseImportQuery } from '../schema/list/parameters.ts';
import { tableNamed } from '../schema/rows.ts';
import type { Table } from '../schema/table.ts';
import type { InputValues } from '../schema/validation.ts';
import type { Queries } from '../schema/values.ts';
import { createRows } from '../schema/write/many.ts';
import { decodeText, readBytes } from './body.ts';
import { makeTemporaryFolder, removeFolder } from './formats/temporary.ts';
import type { Handler, RequestContext } from './handle.ts';
import { type PlacedRow, rowsOfCsv, rowsOfJsonLines } from './import-rows.ts';
import { inQuery, RequestError } from './problem.ts';
import { nowOf } from './writes.ts';

const formats = {
  csv: ['text/csv'],
  jsonl: ['application/jsonl', 'application/x-ndjson', 'application/ndjson', 'application/json-lines'],
  parquet: ['application/vnd.apache.parquet', 'application/parquet'],
} as const;
type Format = keyof typeof formats;

const mostRows = 100_000;
const mostBytes = 64 * 1024 * 1024;
/** Faults that are told; more would only be noise. */
const mostFaults = 100;
const rowsPerRound = 1000;
/** As JSON, with what the server adds to each: more may not fit into one record. */
const largeBytes = 10_000_000;
const addedBytes = 200;

interface ValidRow {
  readonly line: number;
  readonly values: InputValues;
}

export function importHandler(app: App): Handler {
  return async (context) => {
    const { table: name, format: given } = inQuery(() => parseImportQuery(context.address.parameters));
    const table = tableNamed(app.schema, name);
    const format = formatOf(given, context.request);
    const rows = await validRows(table, await readFile(app, context, table, format));
    const database = await context.database();
    const at = nowOf(app);
    const placed = rows.map(({ line, values }) => ({ line, row: { id: newId(app.runtime), values } }));
    const bytes = rows.reduce((sum, { values }) => sum + JSON.stringify(values).length + addedBytes, 0);
    const insert = async (queries: Queries): Promise<void> => {
      for (let start = 0; start < placed.length; start += rowsPerRound) {
        const round = placed.slice(start, start + rowsPerRound);
        await createRows(queries, table, { rows: round.map(({ row }) => row), at }).catch((error: unknown) => {
          throw placedError(error, round);
        });
      }
    };
    context.noted(await database.write(insert, { large: bytes > largeBytes }));
    return Response.json({ table: table.name, rows: rows.length }, { status: 201 });
  };
}

/** @throws RequestError 400, 415 */
function formatOf(given: string | null, request: Request): Format {
  const type = (request.headers.get('content-type') ?? '').toLowerCase().split(';')[0]?.trim() ?? '';
  const names = Object.keys(formats) as Format[];
  const named = names.find((name) => name === given);
  if (given !== null && !named) {
    const message = `expects ${names.join(', ')}`;
    throw new RequestError(400, `The query is not understood: "format" ${message}.`, {
      fields: [{ path: 'format', message }],
    });
  }
  const typed = names.find((name) => (formats[name] as readonly string[]).includes(type));
  const format = named ?? typed;
  if (format) return format;
  const known = Object.values(formats).flat().join(', ');
  throw new RequestError(
    415,
    `The header content-type has to be one of ${known}; or say ?format=csv, jsonl or parquet.`,
  );
}

async function readFile(app: App, context: RequestContext, table: Table, format: Format): Promise<Iterable<PlacedRow>> {
  const bytes = await readBytes(context.request, context.terms.maxBodyBytes);
  if (format === 'csv') return rowsOfCsv(table, decodeText(bytes));
  return format === 'jsonl' ? rowsOfJsonLines(decodeText(bytes)) : parquetRows(app, bytes);
}

async function parquetRows(app: App, bytes: Uint8Array): Promise<PlacedRow[]> {
  const { readParquet } = await import('../db/duckdb/files/parquet-rows.ts');
  const folder = await makeTemporaryFolder(app);
  try {
    const path = join(folder, 'import.parquet');
    await writeFile(path, bytes);
    const { columns, rows, truncated } = await readParquet(path, mostRows, mostBytes);
    if (truncated !== null) throw tooMany();
    const names = columns.map((column) => column.name);
    return rows.map((row, index) => ({
      line: index + 1,
      input: Object.fromEntries(names.map((name, at) => [name, row[at] ?? null])),
    }));
  } finally {
    await removeFolder(folder);
  }
}

/** @throws AppError `invalid` with the faults of all rows, by line */
async function validRows(table: Table, placed: Iterable<PlacedRow>): Promise<ValidRow[]> {
  const { parseInput } = await import('../schema/validation.ts');
  const rows: ValidRow[] = [];
  const faults: FieldError[] = [];
  let wrong = 0;
  for (const { line, input } of placed) {
    if (rows.length + wrong >= mostRows) throw tooMany();
    try {
      rows.push({ line, values: parseInput(table, 'whole', input) });
    } catch (error) {
      if (!(error instanceof AppError) || error.kind !== 'invalid') throw error;
      wrong++;
      if (faults.length < mostFaults) faults.push(...placedFaults(line, error.fields ?? []));
    }
  }
  if (wrong > 0) throw wrongRows(wrong, faults);
  if (rows.length === 0) throw new AppError('invalid', 'There are no rows in the body.');
  return rows;
}

function placedFaults(line: number, fields: readonly FieldError[]): FieldError[] {
  return fields.map(({ path, message }) => ({ path: path === '' ? String(line) : `${line}/${path}`, message }));
}

function wrongRows(wrong: number, faults: readonly FieldError[]): AppError {
  const shown = faults.slice(0, 5).map(({ path, message }) => `line ${path.replace('/', ', ')} ${message}`);
  const more = faults.length > shown.length || wrong > shown.length ? '; …' : '';
  const message = `${wrong === 1 ? 'One row is' : `${wrong} rows are`} wrong, so nothing was imported: ${shown.join('; ')}${more}.`;
  return new AppError('invalid', message, { fields: faults.slice(0, mostFaults) });
}

function tooMany(): AppError {
  return new AppError(
    'invalid',
    `An import may have ${mostRows} rows and unfold to ${mostBytes / 1024 / 1024} MB at most.`,
    {
      hint: 'Split the file.',
    },
  );
}

/** What is told of rows by their number in the round, told by line. */
function placedError(error: unknown, round: readonly { readonly line: number }[]): unknown {
  if (!(error instanceof AppError) || !error.fields) return error;
  const fields = error.fields.map(({ path, message }) => {
    const [index = '', ...rest] = path.split('/');
    return { path: [round[Number(index)]?.line ?? index, ...rest].join('/'), message };
  });
  const [first] = fields;
  const where = first ? `line ${first.path.replace('/', ', ')} ${first.message}` : error.message;
  return new AppError(error.kind, `Nothing was imported: ${where}${fields.length > 1 ? '; …' : ''}.`, {
    cause: error,
    fields,
  });
}
