/**
 * The rows of a file, all in one commit or none.
 *
 * Owns: how a file's faults are told: by line. What a row must be is the table's own validation. The file is read twice, and
 * never held: once to judge every row, once to write them. The worst that can happen: part of a file; so nothing is written
 * before every row was judged, and all in one transaction.
 */
import type { App } from '../app.ts';
import { AppError, type FieldError } from '../errors.ts';
import { newId } from '../schema/identifiers.ts';
import type { Table } from '../schema/table.ts';
import type { InputValues } from '../schema/validation.ts';
import type { PlainValue, Queries } from '../values.ts';
import { type AnswerForms, type Done, once } from '../schema/write/idempotency.ts';
import { createRows } from '../schema/write/many.ts';
import type { RequestContext } from './handle.ts';
import type { PlacedRow } from './import-rows.ts';
import { nowOf } from './writes.ts';

/** Gives the rows from the first one on, each time it is called. */
export type RowSource = () => AsyncIterable<PlacedRow>;

export interface Import {
  readonly table: Table;
  readonly rows: RowSource;
  readonly mostRows: number;
  /** A hash under which it is done once; without it, as often as it is asked for. */
  readonly key?: string;
}

/** The answer. */
export type Imported = { readonly table: string; readonly rows: number };

export const importedForms: AnswerForms<Imported> = {
  keep: (imported) => imported,
  restore: (kept: PlainValue) => kept as Imported,
};

/** Of Parquet, whose rows are held. */
export const mostUnfoldedBytes = 64 * 1024 * 1024;
/** Faults that are told; more would only be noise. */
const mostFaults = 100;
const rowsPerRound = 1000;
/** As JSON, with what the server adds to each: more may not fit into one record. */
const largeBytes = 10_000_000;
const addedBytes = 200;

type ParseRow = (input: PlainValue) => InputValues;

interface ValidRow {
  readonly line: number;
  readonly values: InputValues;
}

/** @throws AppError `invalid` with the faults of all rows, by line; `conflict` */
export async function importRows(app: App, context: RequestContext, job: Import): Promise<Done<Imported>> {
  const { table, rows, mostRows, key } = job;
  const { parseInput } = await import('../schema/validation.ts');
  const parse: ParseRow = (input) => parseInput(table, 'whole', input);
  const judged = await judgeRows(rows(), parse, mostRows);
  const at = nowOf(app);
  const insert = async (queries: Queries): Promise<Imported> => {
    for await (const round of roundsOf(rows(), parse)) await insertRound(app, queries, { table, round, at });
    return { table: table.name, rows: judged.rows };
  };
  const work = async (queries: Queries): Promise<Done<Imported>> =>
    key === undefined
      ? { value: await insert(queries), replayed: false }
      : once(queries, { key, fingerprint: key, at }, () => insert(queries), importedForms);
  const database = await context.database();
  return context.noted(await database.write(work, { large: judged.bytes > largeBytes }));
}

async function judgeRows(
  placed: AsyncIterable<PlacedRow>,
  parse: ParseRow,
  mostRows: number,
): Promise<{ readonly rows: number; readonly bytes: number }> {
  let [rows, bytes, wrong] = [0, 0, 0];
  const faults: FieldError[] = [];
  for await (const { line, input } of placed) {
    if (rows + wrong >= mostRows) throw tooMany(mostRows);
    try {
      bytes += Buffer.byteLength(JSON.stringify(parse(input))) + addedBytes;
      rows++;
    } catch (error) {
      if (!(error instanceof AppError) || error.kind !== 'invalid') throw error;
      wrong++;
      if (faults.length < mostFaults) faults.push(...placedFaults(line, error.fields ?? []));
    }
  }
  if (wrong > 0) throw wrongRows(wrong, faults);
  if (rows === 0) throw new AppError('invalid', 'There are no rows in the body.');
  return { rows, bytes };
}

async function* roundsOf(placed: AsyncIterable<PlacedRow>, parse: ParseRow): AsyncGenerator<readonly ValidRow[]> {
  let round: ValidRow[] = [];
  for await (const { line, input } of placed) {
    round.push({ line, values: parse(input) });
    if (round.length < rowsPerRound) continue;
    yield round;
    round = [];
  }
  if (round.length > 0) yield round;
}

async function insertRound(
  app: App,
  queries: Queries,
  { table, round, at }: { readonly table: Table; readonly round: readonly ValidRow[]; readonly at: string },
): Promise<void> {
  const rows = round.map(({ values }) => ({ id: newId(app.runtime), values }));
  await createRows(queries, table, { rows, at }).catch((error: unknown) => {
    throw placedError(error, round);
  });
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

export function tooMany(mostRows: number): AppError {
  const message = `An import may have ${mostRows} rows and, as Parquet, unfold to ${mostUnfoldedBytes / 1024 / 1024} MB at most.`;
  return new AppError('invalid', message, { hint: 'Split the file.' });
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
