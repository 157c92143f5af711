/**
 * The rows of a file, all in one commit or none.
 *
 * Owns: how a file's faults are told: by line. What a row must be is the table's own validation. The file is read twice, and
 * never held: once to judge every row, once to write them. The worst that can happen: part of a file; so nothing is written
 * before every row was judged, and all in one transaction.
 */
import type { Relation } from '../catalog/catalog.ts';
import { momentOfMillis } from '../datetime.ts';
import type { Scope, Work } from '../db/database.ts';
import { AppError, type FieldError, isAppError } from '../errors.ts';
import { type AnswerForms, once, type Once } from '../rows/idempotency.ts';
import { mostFaults, parseInput, placed as placedPath } from '../rows/input.ts';
import { insertRows } from '../rows/insert.ts';
import type { PlainValue, Row } from '../values.ts';
import type { RequestContext } from './handle.ts';
import type { PlacedRow } from './import-rows.ts';
import { type Named, relationNamed } from './relations.ts';
import { placedError } from './writes.ts';

/** Gives the rows from the first one on, each time it is called. */
export type RowSource = () => AsyncIterable<PlacedRow>;

export interface Import extends Named {
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
const rowsPerRound = 1000;
/** As JSON, with what the server adds to each: more may not fit into one record. */
const largeBytes = 10_000_000;
const addedBytes = 200;

type ParseRow = (input: PlainValue) => Row;

interface ValidRow {
  readonly line: number;
  readonly values: Row;
}

/** @throws AppError `invalid` with the faults of all rows, by line; `conflict` */
export async function importRows(context: RequestContext, job: Import): Promise<Once<Imported>> {
  const { relation, table, rows, mostRows, key } = job;
  const parse: ParseRow = (input) => parseInput(relation, 'whole', withoutGenerated(relation, input));
  const judged = await judgeRows(rows(), parse, mostRows);
  let current: readonly ValidRow[] = [];
  const insert = async (scope: Scope): Promise<Imported> => {
    const { relation: now } = relationNamed(scope.catalog, table);
    for await (const round of roundsOf(rows(), parse)) {
      current = round;
      await insertRows(
        scope,
        now,
        round.map(({ values }) => values),
      );
    }
    return { table, rows: judged.rows };
  };
  const at = momentOfMillis(context.runtime.now());
  const work: Work<Once<Imported>> = async (queries, scope) =>
    key === undefined
      ? { value: await insert(scope), replayed: false }
      : once(queries, { key, fingerprint: key, at }, () => insert(scope), importedForms);
  const database = await context.database();
  try {
    return context.noted(await database.write(work, { large: judged.bytes > largeBytes }));
  } catch (error) {
    if (!isAppError(error, 'invalid', 'conflict') || current.length === 0) throw error;
    throw await atLines(context, relation, current, error);
  }
}

/** A file that was exported has what the database computes, too. */
function withoutGenerated({ columns }: Relation, input: PlainValue): PlainValue {
  const generated = columns.filter((column) => column.generated).map(({ name }) => name);
  if (generated.length === 0 || typeof input !== 'object' || input === null || Array.isArray(input)) return input;
  return Object.fromEntries(Object.entries(input).filter(([name]) => !generated.includes(name)));
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

function placedFaults(line: number, fields: readonly FieldError[]): FieldError[] {
  return fields.map(({ path, message }) => ({ path: placedPath(line, path), message }));
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

/** The error with the lines of the rows that it is about, where these can be found out. */
async function atLines(
  context: RequestContext,
  relation: Relation,
  round: readonly ValidRow[],
  error: AppError,
): Promise<Error> {
  const rows = round.map(({ values }) => values);
  const found = await placedError(context, relation, rows, error);
  if (found === error || !(found instanceof AppError)) return error;
  const fields = (found.fields ?? []).map(({ path, message }) => {
    const [index = '', ...rest] = path.split('/');
    return { path: [round[Number(index)]?.line ?? index, ...rest].join('/'), message };
  });
  const [first] = fields;
  const where = first ? `line ${first.path.replace('/', ', ')} ${first.message}` : error.message;
  return new AppError(error.kind, `Nothing was imported: ${where}${fields.length > 1 ? '; …' : ''}.`, {
    cause: error,
    fields,
    ...(error.sqlState === undefined ? {} : { sqlState: error.sqlState }),
    ...(error.constraint === undefined ? {} : { constraint: error.constraint }),
  });
}
