/** Judging every row of a file before anything is written, in the process that reads files. */
import { AppError, type FieldError } from '../errors.ts';
import { mostFaults, parseInput, placed } from '../rows/input.ts';
import type { PlainValue, Row } from '../values.ts';
import type { Judged, Judging } from './messages.ts';
import { rowsOfFile, TooMuch, tooMuch } from './rows.ts';
import { SpoolWriter } from './spool.ts';
import { mostCharacters } from './text.ts';

/** What Parquet may unfold to. A text is never much larger than its file. */
const mostUnfoldedBytes = 64 * 1024 * 1024;
const addedBytes = 200;
const mostSampled = 20;

/** Writes the rows without a fault to the spool. @throws AppError `invalid` for what is not of its format, or too much */
export async function judgeFile({ file, relation, texts, spool }: Judging): Promise<Judged> {
  let [rows, bytes, unfolded, wrong] = [0, 0, 0, 0];
  const faults: FieldError[] = [];
  const sample: Row[] = [];
  const given = new Set<string>();
  const writer = new SpoolWriter(spool);
  const shown = new Set(texts);
  const generated = new Set(relation.columns.filter((column) => column.generated).map(({ name }) => name));
  for await (const { line, input } of rowsOfFile(relation, file)) {
    if (rows + wrong >= file.mostRows) throw tooMuch(`${file.mostRows} rows`);
    try {
      const row = parseInput(relation, 'whole', withoutColumns(generated, withTexts(shown, input)));
      const size = await writer.write({ line, values: row });
      if (size.values > mostCharacters) throw tooMuch(`${mostCharacters} bytes a row`);
      unfolded += size.values;
      if (file.format === 'parquet' && unfolded > mostUnfoldedBytes)
        throw tooMuch(`${mostUnfoldedBytes / 1024 / 1024} MB of rows in Parquet`);
      if (sample.length < mostSampled) sample.push(row);
      for (const name of Object.keys(row)) given.add(name);
      bytes += size.values + size.names + addedBytes;
      rows++;
    } catch (error) {
      if (!(error instanceof AppError) || error.kind !== 'invalid' || error instanceof TooMuch) throw error;
      wrong++;
      if (faults.length < mostFaults) faults.push(...placedFaults(line, error.fields ?? []));
    }
  }
  await writer.end();
  return { rows, wrong, bytes, faults: faults.slice(0, mostFaults), given, sample };
}

/** A file that was exported has what the database computes, too. */
function withoutColumns(names: ReadonlySet<string>, input: PlainValue): PlainValue {
  if (names.size === 0 || !isRow(input)) return input;
  return Object.fromEntries(Object.entries(input).filter(([name]) => !names.has(name)));
}

/** Turns values into text in columns that are text only because their values have several forms. */
function withTexts(texts: ReadonlySet<string>, input: PlainValue): PlainValue {
  if (texts.size === 0 || !isRow(input)) return input;
  return Object.fromEntries(
    Object.entries(input).map(([name, value]) => [name, texts.has(name) ? asText(value) : value]),
  );
}

function isRow(input: PlainValue): input is Row {
  return typeof input === 'object' && input !== null && !Array.isArray(input);
}

function asText(value: PlainValue): PlainValue {
  return value === null || typeof value === 'string' ? value : JSON.stringify(value);
}

function placedFaults(line: number, fields: readonly FieldError[]): FieldError[] {
  return fields.map(({ path, message }) => ({ path: placed(line, path), message }));
}
