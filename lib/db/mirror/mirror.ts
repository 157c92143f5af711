/**
 * A DuckDB copy of a PostgreSQL database, brought up to date in whole commits. Only an empty database becomes a
 * mirror, only an untouched one is written.
 */
import type { Catalog } from '../../catalog/catalog.ts';
import { AppError, isAppError } from '../../errors.ts';
import type { Runtime } from '../../runtime.ts';
import type { Engine } from '../../sync/engine.ts';
import { isRowChange } from '../../sync/record.ts';
import type { Session } from '../../sync/sql.ts';
import type { ChangePage, Database } from '../database.ts';
import { identityOf } from '../fallback/link.ts';
import { RowSum, type TableSum } from '../move/checksum.ts';
import { tablesOfDuckDb } from '../move/duckdb-inventory.ts';
import { withScratch } from '../move/into-duckdb.ts';
import { fillTable, makeEmpty } from '../move/postgres-to-duckdb.ts';
import { defineOnDuckDb } from '../move/onto-duckdb.ts';
import { tablesOfPostgres } from '../move/postgres-inventory.ts';
import { keptTables, stateOfPostgres, sumAllOnPostgres } from '../move/postgres-rows.ts';
import { inTransaction } from '../move/postgres-session.ts';
import { newest } from '../move/report.ts';
import type { ConnectionPool } from '../postgres/pool.ts';
import {
  type MirrorState,
  movedSequences,
  readMirrorState,
  readSequences,
  readUntracked,
  replayChanges,
  type Untracked,
  versionToCome,
  writeMirrorState,
} from './mirror-state.ts';

interface MirrorOptions {
  readonly postgres: {
    readonly database: Pick<Database, 'engine' | 'changes' | 'status' | 'read'>;
    readonly pool: ConnectionPool;
  };
  readonly source: string;
  readonly engine: Engine;
  readonly spillFolder: string;
  readonly runtime: Runtime;
}

export interface MirrorReport {
  /** `copied`: all rows. `replayed`: what was changed. `current`: nothing was. */
  readonly how: 'copied' | 'replayed' | 'current';
  readonly rows: number;
  readonly version: number;
  readonly at: string;
}

/** Brings the mirror up to date. @throws AppError `conflict` when the store has a database that is no mirror of this one */
export async function refreshMirror(options: MirrorOptions): Promise<MirrorReport> {
  const { engine, postgres } = options;
  const sourceId = (await identityOf(postgres.database)) ?? '';
  const { value: note, version } = await engine.read((session) => readMirrorState(session), newest);
  await requireMirror(options, note, sourceId, version);
  const report = (note && (await refreshByChanges(options, note))) ?? (await copyAll(options, sourceId));
  if (report.how !== 'current') await engine.sync();
  else await engine.maintain();
  return report;
}

/** Null when the feed does not reach back, or has changes other than rows, or more than one commit holds. */
async function refreshByChanges(options: MirrorOptions, note: MirrorState): Promise<MirrorReport | null> {
  const { engine, postgres, runtime, source } = options;
  const [untracked, catalog] = await readUntrackedNow(options);
  const { definitions, sums } = note.untracked;
  if (untracked.definitions !== definitions || JSON.stringify(untracked.sums) !== JSON.stringify(sums)) return null;
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
      : known.untracked.sequences;
    const sequences = movedSequences(known.untracked, now);
    if (!sequences) return null;
    const to = { ...known, source, at, version: isLast ? head : last, untracked: { ...untracked, sequences: now } };
    const replayed = await replayChanges({ engine, catalog, from: known, to, sets, sequences });
    if (replayed === 'unfit') return null;
    // Another process is refreshing it now, from the same changes.
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
  note: MirrorState | null,
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
    hint: 'Nothing was changed. Name another database file there, move its data with `npm run db -- move`, or remove it.',
  });
}

const isMirrored = (_: string, { schema }: { readonly schema: string }): boolean => schema !== 'eider';

/** Copies everything. Two at once are harmless: the one that is later begins again on top of the other. */
async function copyAll(options: MirrorOptions, sourceId: string): Promise<MirrorReport> {
  const { value } = await options.engine.writeBulk((session) => copyOnce(options, session, sourceId));
  return value;
}

function copyOnce(options: MirrorOptions, session: Session, sourceId: string): Promise<MirrorReport> {
  const { postgres, source, runtime, spillFolder } = options;
  return inTransaction(postgres.pool, 'read', (reading) =>
    withScratch({ spillFolder }, async (scratch) => {
      const at = new Date(runtime.now()).toISOString();
      const { version: leastHead, settled: version } = await stateOfPostgres(reading);
      const inventory = await tablesOfPostgres(reading, scratch, isMirrored);
      await makeEmpty(session, reading, inventory.tables, await defineOnDuckDb(reading, scratch, inventory));
      const kept = await keptTables(reading);
      const sums: Record<string, TableSum> = {};
      let rows = 0;
      for (const table of inventory.tables) {
        const sum = new RowSum(table);
        await fillTable(session, reading, { table, sum, onRows: () => undefined });
        rows += sum.sum.rows;
        if (!kept.has(table.title)) sums[table.title] = sum.sum;
      }
      const untracked = await readUntracked(reading, inventory.catalog, sums);
      const ownVersion = await versionToCome(session);
      await writeMirrorState(session, { source, sourceId, version, leastHead, at, ownVersion, untracked });
      return { how: 'copied', rows, version: leastHead, at };
    }),
  );
}

function readUntrackedNow({ postgres, spillFolder }: MirrorOptions): Promise<[Untracked, Catalog]> {
  return inTransaction(postgres.pool, 'read', (reading) =>
    withScratch({ spillFolder }, async (scratch) => {
      const kept = await keptTables(reading);
      const isUntracked: typeof isMirrored = (title, name) => isMirrored(title, name) && !kept.has(title);
      const { tables, catalog } = await tablesOfPostgres(reading, scratch, isUntracked);
      const sums = await sumAllOnPostgres(reading, tables, 'read', () => undefined);
      return [await readUntracked(reading, catalog, sums), catalog];
    }),
  );
}
