/**
 * Moving from PostgreSQL to DuckDB. The file of the new state stays when a move is cut off.
 */
import { mkdir } from 'node:fs/promises';
import { isAppError } from '../../errors.ts';
import { removeReplica, type Slot } from '../../sync/slot.ts';
import type { Session } from '../../sync/sql.ts';
import { isThere, mayBeThere, type Moved, requireReplaceable } from './earlier.ts';
import { beginFile, fillFile, isPartOf } from './from-postgres.ts';
import { commitNewState, type DuckDbState, lookAtDuckDb } from './into-duckdb.ts';
import { defineOnDuckDb } from './onto-duckdb.ts';
import { tablesOfPostgres } from './postgres-inventory.ts';
import { type PostgresState, stateOfPostgres, sumAllOnPostgres, wasWrittenSince } from './postgres-rows.ts';
import { inTransaction, type PostgresSession } from './postgres-session.ts';
import type { DuckDbEnd, MovedSums, MoveOptions, MoveReport, PostgresEnd } from './report.ts';
import { withScratch } from './duckdb-rows.ts';
import type { MovedTable } from './tables.ts';

type Options = MoveOptions<PostgresEnd, DuckDbEnd>;

/** What one transaction found at the source. */
interface Found {
  readonly state: PostgresState;
  readonly tables: readonly MovedTable[];
  readonly leftBehind: readonly string[];
  readonly moved: Moved;
  /** The target has all of it already. */
  readonly isThere: boolean;
  readonly resumed: boolean;
}

export async function moveOutOfPostgres(options: Options, slot: Slot): Promise<MoveReport> {
  await mkdir(slot.spillPath, { recursive: true });
  try {
    return await moveOnce(options, slot);
  } catch (error) {
    // Gone on with, and the source has changed since: made anew.
    if (!(error instanceof StaleFile)) throw error;
    await removeReplica(slot);
    return moveOnce(options, slot);
  }
}

class StaleFile extends Error {}

async function moveOnce(options: Options, slot: Slot): Promise<MoveReport> {
  const { source, target, runtime, onEvent } = options;
  const before = await lookAtDuckDb(target.engine, onEvent);
  const found = await inTransaction(source.pool, 'read', (postgres) =>
    withScratch({ spillFolder: slot.spillPath }, (scratch) => readSource(options, { postgres, scratch, slot, before })),
  );
  const sourceVersion = found.state.version;
  let { version } = before;
  if (!found.isThere) {
    const state = { path: slot.replicaPath, onto: before.version, source: source.location, sourceVersion };
    version = await commitNewState(target.engine, { ...state, moved: found.moved }, runtime, onEvent).catch(
      (error: unknown) => {
        throw found.resumed && isAppError(error, 'corrupt') ? new StaleFile() : error;
      },
    );
    await removeReplica(slot);
  }
  return {
    outcome: found.isThere ? 'there-already' : 'moved',
    tables: found.moved.sums,
    sourceVersion,
    targetVersion: version,
    sourceMovedOn: await hasMovedOn(source, found),
    leftBehind: found.leftBehind,
  };
}

interface Reading {
  readonly postgres: PostgresSession;
  readonly scratch: Session;
  readonly slot: Slot;
  readonly before: DuckDbState;
}

/** Reads everything in one transaction: compares with the target, or makes the file. */
async function readSource(options: Options, { postgres, scratch, slot, before }: Reading): Promise<Found> {
  const { target, replace, commitRows = 50_000, onEvent } = options;
  const state = await stateOfPostgres(postgres);
  const inventory = await tablesOfPostgres(postgres, scratch);
  const { tables } = inventory;
  const definitions = await defineOnDuckDb(postgres, scratch, inventory);
  const moved = (sums: MovedSums): Moved => ({ sums, definitions: definitions.fingerprint });
  const found = { state, tables, leftBehind: definitions.leftBehind };
  const job = JSON.stringify([state.id, options.source.location, target.location, before.version, definitions.ddl]);
  const filling = { postgres, tables, definitions, job, commitRows, onEvent };
  const spill = { path: slot.replicaPath, spillFolder: slot.spillPath };
  const isBegun = await withScratch(spill, (file) => isPartOf(file, job)).catch(() => false);
  if (!isBegun) {
    if (mayBeThere(before)) {
      const source = moved(await sumAllOnPostgres(postgres, tables, 'read', onEvent));
      if (isThere(before, source)) return { ...found, moved: source, isThere: true, resumed: false };
    }
    if (!replace) requireReplaceable(before, target.location);
    await removeReplica(slot);
    await target.engine.copyState(slot.replicaPath);
    await withScratch(spill, (file) => beginFile(file, filling));
  }
  const { sums, resumed } = await withScratch(spill, (file) => fillFile(file, filling));
  return { ...found, moved: moved(sums), isThere: false, resumed };
}

function hasMovedOn(source: PostgresEnd, { state, tables, moved: { sums } }: Found): Promise<boolean> {
  return inTransaction(source.pool, 'read', (postgres) => wasWrittenSince(postgres, state, tables, sums));
}
