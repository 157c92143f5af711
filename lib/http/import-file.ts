/** Files of an import: what they may be, and the rows in them. */
import { createReadStream } from 'node:fs';
import { columnNamed, type Relation } from '../catalog/catalog.ts';
import type { Row } from '../values.ts';
import { decodePieces } from './body.ts';
import { mostUnfoldedBytes, type RowSource, tooMany } from './import-judge.ts';
import { type PlacedRow, readCell, rowsOfCsv, rowsOfJsonLines } from './import-rows.ts';
import { RequestError } from './problem.ts';

const formats = {
  csv: ['text/csv'],
  jsonl: ['application/jsonl', 'application/x-ndjson', 'application/ndjson', 'application/json-lines'],
  parquet: ['application/vnd.apache.parquet', 'application/parquet'],
} as const;
export type Format = keyof typeof formats;

/** A file on its way in. */
export interface ImportFile {
  readonly format: Format;
  readonly path: string;
  readonly mostRows: number;
}

/** @throws RequestError 400, 415 */
export function formatOf(given: string | null, request: Request): Format {
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

/** The rows of the file at `path`, which has to stay while they are read. @throws AppError `invalid` for what is no Parquet */
export async function rowsOfFile(relation: Relation, { format, path, mostRows }: ImportFile): Promise<RowSource> {
  if (format === 'parquet') return heldRows(await parquetRows(relation, path, mostRows));
  const pieces = () => decodePieces(createReadStream(path, { highWaterMark: 256 * 1024 }));
  return () => (format === 'csv' ? rowsOfCsv(relation, pieces()) : rowsOfJsonLines(pieces()));
}

function heldRows(rows: readonly PlacedRow[]): RowSource {
  return async function* () {
    yield* rows;
  };
}

/** What Parquet has no type for is a text in it. */
async function parquetRows(relation: Relation, path: string, mostRows: number): Promise<PlacedRow[]> {
  const { readParquet } = await import('../db/duckdb/files/parquet-rows.ts');
  const { columns, rows, truncated } = await readParquet(path, mostRows, mostUnfoldedBytes);
  if (truncated !== null) throw tooMany(mostRows);
  const targets = columns.map(({ name }) => ({ name, column: columnNamed(relation, name) }));
  return rows.map((row, index) => {
    const values = targets.map(({ name, column }, at) => {
      const value = row[at] ?? null;
      return [name, typeof value === 'string' ? readCell(column, value) : value];
    });
    return { line: index + 1, input: Object.fromEntries(values) as Row };
  });
}
