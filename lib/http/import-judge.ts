/** Judging every row of a file before anything is written. The file is read twice, and never held. */
import type { Relation } from '../catalog/catalog.ts';
import { AppError, type FieldError } from '../errors.ts';
import { mostFaults, parseInput, placed as placedPath } from '../rows/input.ts';
import type { PlainValue, Row } from '../values.ts';
import type { PlacedRow } from './import-rows.ts';

/** Gives the rows from the first one on, each time it is called. */
export type RowSource = () => AsyncIterable<PlacedRow>;

export interface ValidRow {
  readonly line: number;
  readonly values: Row;
}

/** What is known of a file once all of its rows were looked at. */
export interface Judged {
  /** Rows without a fault. */
  readonly rows: number;
  readonly wrong: number;
  /** As JSON, with what the server adds to each. */
  readonly bytes: number;
  /** By line: `12/email`. */
  readonly faults: readonly FieldError[];
  /** The columns that rows give. */
  readonly given: ReadonlySet<string>;
  readonly sample: readonly Row[];
}

/** Of Parquet, whose rows are held. */
export const mostUnfoldedBytes = 64 * 1024 * 1024;
const addedBytes = 200;
const mostSampled = 20;
const rowsPerRound = 1000;

export async function judgeRows(relation: Relation, source: RowSource, mostRows: number): Promise<Judged> {
  let [rows, bytes, wrong] = [0, 0, 0];
  const faults: FieldError[] = [];
  const sample: Row[] = [];
  const given = new Set<string>();
  for await (const { line, input } of source()) {
    if (rows + wrong >= mostRows) throw tooMany(mostRows);
    try {
      const row = parseRow(relation, input);
      if (sample.length < mostSampled) sample.push(row);
      for (const name of Object.keys(row)) given.add(name);
      bytes += Buffer.byteLength(JSON.stringify(row)) + addedBytes;
      rows++;
    } catch (error) {
      if (!(error instanceof AppError) || error.kind !== 'invalid') throw error;
      wrong++;
      if (faults.length < mostFaults) faults.push(...placedFaults(line, error.fields ?? []));
    }
  }
  return { rows, wrong, bytes, faults: faults.slice(0, mostFaults), given, sample };
}

/** @throws AppError `invalid` when any row is wrong */
export function requireRight({ wrong, faults }: Judged): void {
  if (wrong === 0) return;
  const shown = faults.slice(0, 5).map(({ path, message }) => `line ${path.replace('/', ', ')} ${message}`);
  const more = faults.length > shown.length || wrong > shown.length ? '; …' : '';
  const rows = wrong === 1 ? 'One row is' : `${wrong} rows are`;
  throw new AppError('invalid', `${rows} wrong, so nothing was imported: ${shown.join('; ')}${more}.`, {
    fields: faults,
  });
}

/** The rows, so many at a time. */
export async function* roundsOf(relation: Relation, source: RowSource): AsyncGenerator<readonly ValidRow[]> {
  let round: ValidRow[] = [];
  for await (const { line, input } of source()) {
    round.push({ line, values: parseRow(relation, input) });
    if (round.length < rowsPerRound) continue;
    yield round;
    round = [];
  }
  if (round.length > 0) yield round;
}

/** A file that was exported has what the database computes, too. */
function parseRow(relation: Relation, input: PlainValue): Row {
  const generated = relation.columns.filter((column) => column.generated).map(({ name }) => name);
  if (generated.length === 0 || typeof input !== 'object' || input === null || Array.isArray(input))
    return parseInput(relation, 'whole', input);
  const given = Object.entries(input).filter(([name]) => !generated.includes(name));
  return parseInput(relation, 'whole', Object.fromEntries(given));
}

function placedFaults(line: number, fields: readonly FieldError[]): FieldError[] {
  return fields.map(({ path, message }) => ({ path: placedPath(line, path), message }));
}

export function tooMany(mostRows: number): AppError {
  const message = `An import may have ${mostRows} rows and, as Parquet, unfold to ${mostUnfoldedBytes / 1024 / 1024} MB at most.`;
  return new AppError('invalid', message, { hint: 'Split the file.' });
}
