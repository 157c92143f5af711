/**
 * The rows of an import, from CSV, JSON lines or Parquet, each with the place it has in the file.
 *
 * Owns: how the cells of a file become the values that a table's validation judges. The worst that can happen: a value
 * that is read as another one; so text stays text unless the column is none.
 */
import { AppError } from '../errors.ts';
import { columnOf, type Column, type Table } from '../schema/table.ts';
import type { PlainValue, Row } from '../schema/values.ts';
import { readCsv } from './formats/csv-reader.ts';
import { parseJson } from './json.ts';

export interface PlacedRow {
  /** The line on which it begins; in Parquet, which has no lines, its number from 1. */
  readonly line: number;
  readonly input: PlainValue;
}

export function* rowsOfCsv(table: Table, text: string): Generator<PlacedRow> {
  let names: readonly string[] | null = null;
  for (const { line, cells } of readCsv(text)) {
    if (!names) {
      names = headerOf(cells, line);
      continue;
    }
    if (cells.length !== names.length)
      throw wrongLine(line, `has ${cells.length} cells, and the header ${names.length}`);
    const entries = names.map((name, index) => [name, valueOf(columnOf(table, name), cells[index] ?? null)] as const);
    yield { line, input: Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as Row };
  }
}

function headerOf(cells: readonly (string | null)[], line: number): string[] {
  const names = cells.map((cell) => (cell ?? '').trim());
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw wrongLine(line, `names the column "${twice}" twice`);
  return names;
}

/** Nothing in a column that has a default, or must not be null, is as good as no column: validation says which. */
function valueOf(column: Column | undefined, cell: string | null): PlainValue | undefined {
  if (cell === null) return column?.nullable === true && column.default === undefined ? null : undefined;
  if (column?.kind === 'integer' || column?.kind === 'number') {
    return /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/.test(cell) ? Number(cell) : cell;
  }
  if (column?.kind !== 'boolean') return cell;
  const word = cell.trim().toLowerCase();
  return word === 'true' ? true : word === 'false' ? false : cell;
}

export function* rowsOfJsonLines(text: string): Generator<PlacedRow> {
  for (const [index, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    if (line.trim() === '') continue;
    yield { line: index + 1, input: jsonOf(line, index + 1) };
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
