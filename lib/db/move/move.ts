import { rm } from 'node:fs/promises';
import { AppError } from '../../errors.ts';
import { claimSlot, removeReplica, type Slot } from '../../sync/slot.ts';
import { catalogOfDuckDb, definitionsOfDuckDb, tablesOfDuckDb } from './duckdb-inventory.ts';
import { moveIntoPostgres } from './duckdb-to-postgres.ts';
import { fingerprintOf, isThere, requireReplaceable } from './earlier.ts';
import { commitNewState, lookAtDuckDb, sumAllOnDuckDb } from './into-duckdb.ts';
import { moveOutOfPostgres } from './postgres-to-duckdb.ts';
import {
  type DuckDbBackend,
  type MoveOptions,
  type MoveReport,
  newest,
  type OnMoveEvent,
  type PostgresBackend,
} from './report.ts';

export async function moveDatabase(options: MoveOptions): Promise<MoveReport> {
  const slot = await claimSlot(options.workFolder, options.runtime);
  try {
    return await moveWithin(options, slot);
  } finally {
    await rm(slot.spillPath, { recursive: true, force: true });
    slot.release();
  }
}

function moveWithin(options: MoveOptions, slot: Slot): Promise<MoveReport> {
  const { source, target } = options;
  if (source.kind === 'duckdb') {
    return target.kind === 'duckdb'
      ? moveFile({ ...options, source, target }, slot)
      : moveIntoPostgres({ ...options, source, target }, slot);
  }
  if (target.kind === 'duckdb') return moveOutOfPostgres({ ...options, source, target }, slot);
  return refusePostgresTwice(target);
}

function refusePostgresTwice({ location }: PostgresBackend): Promise<never> {
  const message = `A move from PostgreSQL to PostgreSQL (${location}) is not supported.`;
  return Promise.reject(new AppError('invalid', message, { hint: 'Use pg_dump and pg_restore.' }));
}

/** From DuckDB to DuckDB: the whole file, unchanged. */
async function moveFile(options: MoveOptions<DuckDbBackend, DuckDbBackend>, slot: Slot): Promise<MoveReport> {
  const { source, target, replace, runtime, onEvent } = options;
  const found = await lookAtDuckDb(target.engine, onEvent);
  const read = await readSource(source, onEvent);
  if (isThere(found, read.moved)) return report(source, read, 'there-already', found.version);
  if (!replace) requireReplaceable(found, target.location);
  await removeReplica(slot);
  try {
    onEvent({ step: 'copy', table: null, rows: 0, totalRows: 0 });
    // The state that was read: nothing in this process has caught up with the source since.
    await source.engine.copyState(slot.replicaPath);
    const state = { path: slot.replicaPath, onto: found.version, source: source.location, sourceVersion: read.version };
    const version = await commitNewState(target.engine, { ...state, moved: read.moved }, runtime, onEvent);
    return await report(source, read, 'moved', version);
  } finally {
    await removeReplica(slot);
  }
}

async function readSource(source: DuckDbBackend, onEvent: OnMoveEvent) {
  const { value: moved, version } = await source.engine.read(
    async (session) => ({
      sums: await sumAllOnDuckDb(session, await tablesOfDuckDb(session), 'read', onEvent),
      definitions: fingerprintOf(await catalogOfDuckDb(session), await definitionsOfDuckDb(session, 'main')),
    }),
    newest,
  );
  return { moved, version };
}

async function report(
  source: DuckDbBackend,
  { moved, version: sourceVersion }: Awaited<ReturnType<typeof readSource>>,
  outcome: MoveReport['outcome'],
  targetVersion: number,
): Promise<MoveReport> {
  const { version: now } = await source.engine.read(() => Promise.resolve(), newest);
  const sourceMovedOn = now !== sourceVersion;
  return { outcome, tables: moved.sums, sourceVersion, targetVersion, sourceMovedOn, leftBehind: [] };
}
