/** Imports the rows of a file in one commit, or none of them. Errors name the line. */
import { momentOfMillis } from '../datetime.ts';
import type { Scope } from '../db/database.ts';
import { AppError, type FieldError, isAppError } from '../errors.ts';
import type { Judged } from '../imports/messages.ts';
import { roundsOf, type ValidRow } from '../imports/spool.ts';
import { type AnswerForms, once, type Once } from '../rows/idempotency.ts';
import { insertRows } from '../rows/insert.ts';
import { inTransaction } from '../db/together.ts';
import type { PlainValue } from '../values.ts';
import type { RequestContext } from './handle.ts';

import { type Named, relationNamed } from './relations.ts';
import { placedError } from './writes.ts';

export interface Import extends Named {
  /** Where its rows are, judged. */
  readonly spool: string;
  readonly judged: Judged;
  /** Makes the table. */
  readonly create: string | null;
  readonly onConflict: readonly string[];
  /** A hash under which it is done once; null: as often as it is asked for. */
  readonly key: string | null;
}

/** The answer. */
export type Imported = {
  readonly table: string;
  readonly rows: number;
  /** The statement that made the table. */
  readonly create?: string;
};

export const importedForms: AnswerForms<Imported> = {
  keep: (imported) => imported,
  restore: (kept: PlainValue) => kept as Imported,
};

/** More may not fit into one record. */
const largeBytes = 10_000_000;

/** @throws AppError `invalid`, `conflict` */
export async function importRows(context: RequestContext, job: Import): Promise<Once<Imported>> {
  const { judged, key } = job;
  let current: readonly ValidRow[] = [];
  const insert = (scope: Scope): Promise<Imported> => insertFile(scope, job, (round) => (current = round));
  const idempotency = key === null ? null : { key, fingerprint: key, at: momentOfMillis(context.runtime.now()) };
  const database = await context.database();
  try {
    const written = database.write<Once<Imported>>(
      async (queries, scope) =>
        idempotency
          ? once({ queries, engine: scope.catalog.engine }, idempotency, () => insert(scope), importedForms)
          : { value: await insert(scope), replayed: false },
      { large: judged.bytes > largeBytes },
    );
    return context.unwrap(await written);
  } catch (error) {
    if (!isAppError(error, 'invalid', 'conflict') || current.length === 0) throw error;
    throw await atLines(context, job, current, error);
  }
}

async function insertFile(
  scope: Scope,
  { table, spool, judged, create, onConflict }: Import,
  onRound: (round: readonly ValidRow[]) => void,
): Promise<Imported> {
  if (create !== null) await scope.run(create);
  const { relation } = relationNamed(scope.catalog, table);
  const conflict =
    create === null && onConflict.length > 0 ? ({ columns: onConflict, resolution: 'merge' } as const) : undefined;
  for await (const round of roundsOf(spool)) {
    onRound(round);
    const given = round.map(({ values }) => values);
    await insertRows(inTransaction(scope), relation, given, conflict);
  }
  return { table, rows: judged.rows, ...(create === null ? {} : { create }) };
}

/** The error with the lines of the rows that it is about, where these can be found out. */
async function atLines(
  context: RequestContext,
  job: Import,
  round: readonly ValidRow[],
  error: AppError,
): Promise<Error> {
  const rows = round.map(({ values }) => values);
  const found = await placedError(context, job.relation, rows, error, (place) => `line ${round[place]?.line}`);
  const placed = found instanceof AppError ? (found.fields ?? []) : [];
  const inRound = placed.flatMap(({ path, message }) => {
    const [, index = '', rest = ''] = /^(\d+)(\D.*|)$/s.exec(path) ?? [];
    const line = round[Number(index)]?.line;
    return index === '' || line === undefined ? [] : [{ path: `${line}${rest}`, message }];
  });
  const fields = inRound.length > 0 || error.sqlState !== '23505' ? inRound : await sameInFile(job, round, placed);
  const [first] = fields;
  if (!first) return error;
  const where = `line ${first.path.replace('/', ', ')} ${first.message}`;
  return new AppError(error.kind, `Nothing was imported: ${where}${fields.length > 1 ? '; …' : ''}.`, {
    cause: error,
    fields,
    ...(error.sqlState === undefined ? {} : { sqlState: error.sqlState }),
    ...(error.constraint === undefined ? {} : { constraint: error.constraint }),
  });
}

/** Rows of the round that have the same values as one before it in the file. `named`: the columns of the constraint. */
async function sameInFile(
  { spool }: Import,
  round: readonly ValidRow[],
  named: readonly FieldError[],
): Promise<FieldError[]> {
  const columns = named.map(({ path }) => path);
  const keyOf = ({ values }: ValidRow): string => JSON.stringify(columns.map((column) => values[column] ?? null));
  const lines = new Map(round.map((row) => [keyOf(row), row.line]));
  const [until] = round;
  for await (const earlier of roundsOf(spool)) {
    if (columns.length === 0 || !until || (earlier[0]?.line ?? 0) >= until.line) break;
    const same = earlier.find((row) => lines.has(keyOf(row)));
    if (!same) continue;
    const line = lines.get(keyOf(same));
    return columns.map((column) => ({ path: `${line}/${column}`, message: `is the same as in line ${same.line}` }));
  }
  return [];
}
