/** The rows of an import, from CSV, JSON lines or Parquet, each with the place it has in the file. */
import { createReadStream } from 'node:fs';
import { type Column, columnNamed, type Relation } from '../catalog/catalog.ts';
import { AppError } from '../errors.ts';
import { mostFaults } from '../rows/input.ts';
import { parseJson } from '../rows/json.ts';
import { ValueFault } from '../rows/kind.ts';
import { parseText } from '../rows/values.ts';
import type { QueryColumn } from '../sql/result.ts';
import type { PlainValue, Row } from '../values.ts';
import { CsvReader } from './csv.ts';
import type { SentFile } from './messages.ts';
import { decodePieces, linesOf, mostCharacters, type Pieces } from './text.ts';

export interface PlacedRow {
  /** The line on which it begins; in Parquet, which has no lines, its number from 1. */
  readonly line: number;
  readonly input: PlainValue;
}

/** The rows of the file at `path`. @throws AppError `invalid` for what is not of its format */
export function rowsOfFile(relation: Relation, file: SentFile): AsyncIterable<PlacedRow> {
  const { format, path } = file;
  if (format === 'parquet') return rowsOfParquet(relation, file);
  const pieces = decodePieces(createReadStream(path, { highWaterMark: 256 * 1024 }));
  return format === 'csv' ? rowsOfCsv(relation, pieces) : rowsOfJsonLines(pieces);
}

async function* rowsOfCsv(relation: Relation, pieces: Pieces): AsyncGenerator<PlacedRow> {
  const reader = new CsvReader();
  let columns: readonly Column[] | null = null;
  for await (const { piece, isLast } of withLast(pieces)) {
    for (const { line, cells } of reader.read(piece, isLast)) {
      if (columns) yield { line, input: rowOf(columns, line, cells) };
      else columns = headerOf(relation, cells, line);
    }
  }
  if (!columns) throw new AppError('invalid', 'The body is empty: a CSV file needs at least the line of column names.');
}

/** Says of the last piece, which may be empty, that it is. */
async function* withLast(pieces: Pieces): AsyncGenerator<{ readonly piece: string; readonly isLast: boolean }> {
  for await (const piece of pieces) yield { piece, isLast: false };
  yield { piece: '', isLast: true };
}

function rowOf(columns: readonly Column[], line: number, cells: readonly (string | null)[]): Row {
  if (cells.length !== columns.length)
    throw wrongLine(line, `has ${cells.length} cells, and the header ${columns.length}`);
  const entries = columns.map((column, index) => [column.name, valueOf(column, cells[index] ?? null)] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as Row;
}

/** Blanks around a name count only where a column has them. */
function headerOf(relation: Relation, cells: readonly (string | null)[], line: number): Column[] {
  const columns = new Map(relation.columns.map((column) => [column.name, column]));
  const names = cells.map((cell) => (columns.has(cell ?? '') ? (cell ?? '') : (cell ?? '').trim()));
  const twice = names.length > new Set(names).size ? firstTwice(names) : undefined;
  if (twice !== undefined) throw wrongLine(line, `names the column "${twice.slice(0, 100)}" twice`);
  requireKnown(relation, names);
  return names.flatMap((name) => columns.get(name) ?? []);
}

function firstTwice(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(name).size);
}

/** @throws AppError `invalid`: no row of the file could be right */
function requireKnown(relation: Relation, names: readonly string[]): void {
  const known = new Set(relation.columns.map(({ name }) => name));
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  const separator = names.length === 1 ? /[;\t|]/.exec(names[0]!)?.[0] : undefined;
  if (separator !== undefined) {
    const name = separator === '\t' ? 'tabs' : `"${separator}"`;
    throw new AppError('invalid', `The columns of the file are separated by ${name}, and not by commas.`, {
      hint: 'Save it with commas.',
    });
  }
  const shown = unknown.slice(0, mostFaults).map((name) => name.slice(0, 100));
  const more = unknown.length > 5 ? ', …' : '';
  throw new AppError(
    'invalid',
    `The file has columns that ${relation.name} does not have: ${shown.slice(0, 5).join(', ')}${more}.`,
    {
      fields: shown.map((path) => ({ path, message: `is not a column of ${relation.name}` })),
    },
  );
}

/** Nothing in a column that must not be null is as good as no column: it has a default, or validation says what is missing. */
function valueOf(column: Column, cell: string | null): PlainValue | undefined {
  if (cell === null) return column.nullable ? null : undefined;
  return readCell(column, cell);
}

/** The value that the text stands for; the text itself where validation has to say what is wrong with it. */
function readCell(column: Column, cell: string): PlainValue {
  try {
    return parseText(column.type, cell);
  } catch (error) {
    if (error instanceof ValueFault) return cell;
    throw error;
  }
}

async function* rowsOfJsonLines(pieces: Pieces): AsyncGenerator<PlacedRow> {
  let line = 0;
  for await (const text of linesOf(pieces)) {
    line++;
    if (text.length > mostCharacters) throw wrongLine(line, `has more than ${mostCharacters} characters`);
    if (text.trim() !== '') yield { line, input: jsonOf(text, line) };
  }
}

function jsonOf(text: string, line: number): PlainValue {
  try {
    return parseJson(text);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw wrongLine(line, error.message.replace(/^[^:]*: /, 'is not JSON: '));
  }
}

/** What Parquet has no type for is a text in it. What the database computes is not read. */
async function* rowsOfParquet(relation: Relation, { path, mostRows }: SentFile): AsyncGenerator<PlacedRow> {
  const { ParquetFile } = await import('../db/duckdb/files/parquet-rows.ts');
  const file = await ParquetFile.open(path);
  try {
    if (file.rowCount > mostRows) throw tooMuch(`${mostRows} rows`);
    requireKnown(
      relation,
      file.columns.map(({ name }) => name),
    );
    const columns = file.columns.flatMap(({ name }) => columnNamed(relation, name) ?? []);
    requireFitting(relation, columns, file.columns);
    const read = columns.filter(({ generated }) => !generated);
    let line = 0;
    for await (const values of file.rows(read.map(({ name }) => name))) {
      line++;
      const cells = read.map((column, index) => {
        const value = values[index] ?? null;
        return [column.name, typeof value === 'string' ? readCell(column, value) : value];
      });
      yield { line, input: Object.fromEntries(cells) as Row };
    }
  } finally {
    file.close();
  }
}

const nested = /^(?:STRUCT|MAP|UNION)\(|\]$/;
const holders: ReadonlySet<string> = new Set(['list', 'struct', 'map', 'union', 'json', 'other']);

/** By the types that the file says it has, before any value is made. @throws AppError `invalid` */
function requireFitting(relation: Relation, columns: readonly Column[], found: readonly QueryColumn[]): void {
  const fields = columns.flatMap(({ name, type }, index) => {
    const given = found[index]?.type ?? '';
    if (holders.has(type.kind) || !nested.test(given)) return [];
    return [{ path: name, message: `holds single values, and the file has ${given.slice(0, 100)}` }];
  });
  if (fields.length === 0) return;
  throw new AppError('invalid', `The file does not fit ${relation.name}: ${fields[0]!.path} ${fields[0]!.message}.`, {
    fields: fields.slice(0, mostFaults),
  });
}

/** The file, rather than one of its rows, is wrong. */
export class TooMuch extends AppError {}

export function tooMuch(limit: string): TooMuch {
  return new TooMuch('invalid', `An import may have ${limit} at most.`, { hint: 'Split the file.' });
}

function wrongLine(line: number, message: string): AppError {
  return new AppError('invalid', `Line ${line} ${message}.`, { fields: [{ path: String(line), message }] });
}
