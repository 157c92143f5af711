/**
 * The mirror: a DuckDB copy of a PostgreSQL database in a store, brought up to date. Each step is one commit: whoever is killed
 * in between leaves the state of the step before. Only an empty database becomes a mirror, only an untouched one is written.
 */
import { AppError, isAppError } from '../../errors.ts';
import type { Runtime } from '../../runtime.ts';
import { isRowChange } from '../../sync/record.ts';
import type { Engine } from '../../sync/engine.ts';
import type { ChangePage, Database } from '../database.ts';
import { newest } from '../move/ends.ts';
import { tablesOfDuckDb } from '../move/duckdb-inventory.ts';
import { inTransaction } from '../move/postgres-session.ts';
import { identityOf } from '../fallback/target.ts';
import type { ConnectionPool } from '../postgres/pool.ts';
import { copyAll, lookAtUnkept } from './copy-all.ts';
import { type MirrorNote, readNote } from './mirror-note.ts';
import { replayChanges } from './replay-changes.ts';
import { movedSequences, readSequences } from './unkept.ts';

export interface MirrorOptions {
  readonly postgres: {
    readonly database: Pick<Database, 'engine' | 'changes' | 'status' | 'read'>;
    readonly pool: ConnectionPool;
  };
  /** The address of the PostgreSQL database. */
  readonly source: string;
  readonly engine: Engine;
  readonly spillFolder: string;
  readonly runtime: Runtime;
}

export interface MirrorReport {
  /** `copied`: all rows anew. `replayed`: what was changed. `current`: nothing was. */
  readonly how: 'copied' | 'replayed' | 'current';
  /** Rows that were written or deleted. */
  readonly rows: number;
  /** Of the PostgreSQL database. */
  readonly version: number;
  readonly at: string;
}

/** Brings the mirror up to date. @throws AppError `conflict` when the store has a database that is no mirror of this one */
export async function refreshMirror(options: MirrorOptions): Promise<MirrorReport> {
  const { engine, postgres } = options;
  const sourceId = (await identityOf(postgres.database)) ?? '';
  const { value: note, version } = await engine.read((session) => readNote(session), newest);
  await requireMirror(options, note, sourceId, version);
  const report = (note && (await refreshByChanges(options, note))) ?? (await copyAll(options, sourceId));
  if (report.how !== 'current') await engine.sync();
  else await engine.maintain();
  return report;
}

/** Null when the changes do not reach back, or tell of more than rows, or of more than a commit holds. */
async function refreshByChanges(options: MirrorOptions, note: MirrorNote): Promise<MirrorReport | null> {
  const { engine, postgres, runtime, source } = options;
  const [unkept, catalog] = await lookAtUnkept(options);
  const { definitions, sums } = note.unkept;
  if (unkept.definitions !== definitions || JSON.stringify(unkept.sums) !== JSON.stringify(sums)) return null;
  const at = new Date(runtime.now()).toISOString();
  const pageAfter = async (after: number): Promise<ChangePage> =>
    (await postgres.database.changes({ after, limit: mostVersions })).value;
  let page = await pageAfter(note.version);
  const { head } = page;
  // A transaction that began before the last copy still runs: until it ends, the mirror stays as it is.
  if (head < note.leastHead) return { how: 'current', rows: 0, version: note.version, at: note.at };
  let [known, rows] = [note, 0];
  for (;;) {
    const sets = page.sets.filter(({ version }) => version <= head);
    if (known.version < page.oldest) return null;
    const last = sets.at(-1)?.version ?? head;
    const following = last < head ? await pageAfter(last) : null;
    const isLast = !following?.sets.some(({ version }) => version <= head);
    const now = isLast
      ? await inTransaction(postgres.pool, 'read', (reading) => readSequences(reading, catalog.defaultSchema))
      : known.unkept.sequences;
    const sequences = movedSequences(known.unkept, now);
    if (!sequences) return null;
    const to = { ...known, source, at, version: isLast ? head : last, unkept: { ...unkept, sequences: now } };
    const replayed = await replayChanges({ engine, catalog, from: known, to, sets, sequences });
    if (replayed === 'unfit') return null;
    // Somebody else refreshes it right now, and from the same changes.
    if (replayed === 'overtaken') return { how: 'current', rows, version: known.version, at: known.at };
    rows += replayed.rows;
    known = replayed.note;
    if (isLast) return { how: rows === 0 ? 'current' : 'replayed', rows, version: known.version, at };
    page = following!;
  }
}

/** Most transactions in one commit of the mirror. */
const mostVersions = 500;

async function requireMirror(
  { engine }: MirrorOptions,
  note: MirrorNote | null,
  sourceId: string,
  version: number,
): Promise<void> {
  if (!note) {
    const { value: tables } = await engine.read((session) => tablesOfDuckDb(session), newest);
    const filled = tables.filter(({ rows, duckdb }) => rows > 0 && duckdb.schema !== 'eider');
    if (filled.length > 0) throw independent(`it has rows of its own (${filled.map(({ title }) => title).join(', ')})`);
    return;
  }
  if (note.sourceId !== sourceId) throw independent('it is the mirror of another PostgreSQL database');
  if (note.ownVersion !== version && !(await isUntouched(engine, note.ownVersion))) {
    throw independent('it was written since the mirror last was');
  }
}

/** Whether migrations alone have written since. */
async function isUntouched(engine: Engine, since: number): Promise<boolean> {
  try {
    for (let after = since; ;) {
      const { records, oldest, head } = await engine.feed(after, 100, undefined);
      if (after < oldest) return false;
      const changes = records.flatMap((record) => record.changes);
      if (changes.some((change) => 'bulk' in change || (isRowChange(change) && change.schema !== 'eider')))
        return false;
      after = records.at(-1)?.version ?? head;
      if (after >= head) return true;
    }
  } catch (error) {
    if (isAppError(error, 'not-found', 'invalid')) return false;
    throw error;
  }
}

function independent(why: string): AppError {
  return new AppError('conflict', `The store behind PostgreSQL is not refreshed as its mirror: ${why}.`, {
    hint: 'Name another database file there, move its data with `npm run db -- move`, or remove it. Nothing of it was changed.',
  });
}
