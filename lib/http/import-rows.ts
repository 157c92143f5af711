/** The rows of an import, from CSV, JSON lines or Parquet, each with the place it has in the file. */
import { AppError } from '../errors.ts';
import { type Column, columnNamed, type Relation } from '../catalog/catalog.ts';
import { ValueFault } from '../rows/kind.ts';
import { parseText } from '../rows/values.ts';
import type { PlainValue, Row } from '../values.ts';
import { CsvReader } from './formats/csv-reader.ts';
import { parseJson } from './json.ts';

export interface PlacedRow {
  /** The line on which it begins; in Parquet, which has no lines, its number from 1. */
  readonly line: number;
  readonly input: PlainValue;
}

/** A text in pieces, cut anywhere. */
type Pieces = AsyncIterable<string>;

export async function* rowsOfCsv(relation: Relation, pieces: Pieces): AsyncGenerator<PlacedRow> {
  const reader = new CsvReader();
  let names: readonly string[] | null = null;
  for await (const { piece, isLast } of withLast(pieces)) {
    for (const { line, cells } of reader.read(piece, isLast)) {
      if (names) yield { line, input: rowOf(relation, names, line, cells) };
      else names = headerOf(relation, cells, line);
    }
  }
  if (!names)
    throw new AppError('invalid', 'The body is empty: CSV has at least a line with the names of the columns.');
}

/** Says of the last piece, which may be empty, that it is. */
async function* withLast(pieces: Pieces): AsyncGenerator<{ readonly piece: string; readonly isLast: boolean }> {
  for await (const piece of pieces) yield { piece, isLast: false };
  yield { piece: '', isLast: true };
}

function rowOf(relation: Relation, names: readonly string[], line: number, cells: readonly (string | null)[]): Row {
  if (cells.length !== names.length) throw wrongLine(line, `has ${cells.length} cells, and the header ${names.length}`);
  const entries = names.map(
    (name, index) => [name, valueOf(columnNamed(relation, name), cells[index] ?? null)] as const,
  );
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as Row;
}

/** Blanks around a name count only where a column has them. */
function headerOf(relation: Relation, cells: readonly (string | null)[], line: number): string[] {
  const names = cells.map((cell) => (columnNamed(relation, cell ?? '') ? (cell ?? '') : (cell ?? '').trim()));
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw wrongLine(line, `names the column "${twice}" twice`);
  return names;
}

/** Nothing in a column that must not be null is as good as no column: it has a default, or validation says what is missing. */
function valueOf(column: Column | undefined, cell: string | null): PlainValue | undefined {
  if (cell === null) return column?.nullable === true ? null : undefined;
  return readCell(column, cell);
}

/** The value that the text stands for; the text itself where validation has to say what is wrong with it. */
export function readCell(column: Column | undefined, cell: string): PlainValue {
  if (!column) return cell;
  try {
    return parseText(column.type, cell);
  } catch (error) {
    if (error instanceof ValueFault) return cell;
    throw error;
  }
}

/** A line that is longer is none: somewhere a line end is missing. */
const mostCharacters = 1024 * 1024;

export async function* rowsOfJsonLines(pieces: Pieces): AsyncGenerator<PlacedRow> {
  let [rest, line] = ['', 0];
  for await (const { piece, isLast } of withLast(pieces)) {
    const lines = (rest + piece).split('\n');
    rest = isLast ? '' : (lines.pop() ?? '');
    for (const text of lines) {
      line++;
      if (text.trim() !== '') yield { line, input: jsonOf(text, line) };
    }
    if (rest.length > mostCharacters) throw wrongLine(line + 1, `has more than ${mostCharacters} characters`);
  }
}

function jsonOf(text: string, line: number): PlainValue {
  try {
    return parseJson(text);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw wrongLine(line, error.message.replace(/^.*?: /, 'is not JSON: '));
  }
}

function wrongLine(line: number, message: string): AppError {
  return new AppError('invalid', `Line ${line} ${message}.`, { fields: [{ path: String(line), message }] });
}
