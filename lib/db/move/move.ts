/**
 * Moving all data of one backend to another.
 *
 * Owns: the order of things: look at both, read one state of the source, make the target's beside what it has, compare,
 * commit at once, look whether the source has moved on. The worst that can happen: a target that looks whole and is not;
 * so what the target serves changes in one commit, after its rows were compared with the source's.
 */
import { rm } from 'node:fs/promises';
import type { Runtime } from '../../runtime.ts';
import type { Engine } from '../../sync/engine.ts';
import { claimSlot, removeReplica, type Slot } from '../../sync/slot.ts';
import { areSameSums, requireReplaceable } from './earlier.ts';
import { commitNewState, lookAtDuckDb, sumAll } from './into-duckdb.ts';
import type { MoveReport, MovedSums, OnMoveEvent } from './report.ts';

export interface DuckDbEnd {
  readonly kind: 'duckdb';
  /** For people: which store, and the name in it. */
  readonly location: string;
  readonly engine: Engine;
}

export type MoveEnd = DuckDbEnd;

export interface MoveOptions {
  readonly source: MoveEnd;
  readonly target: MoveEnd;
  /** Whether data of the target's own may be replaced. */
  readonly replace: boolean;
  /** Where the new state is made; the same for each move between these two. */
  readonly workFolder: string;
  readonly runtime: Runtime;
  readonly onEvent: OnMoveEvent;
}

/** Moves, or finds that there is nothing to move. May be repeated at any time. @throws AppError */
export async function moveDatabase(options: MoveOptions): Promise<MoveReport> {
  const slot = await claimSlot(options.workFolder, options.runtime);
  try {
    return await moveFile(options, slot);
  } finally {
    slot.release();
  }
}

/** From DuckDB to DuckDB: the file as it is, whatever is in it. */
async function moveFile({ source, target, replace, runtime, onEvent }: MoveOptions, slot: Slot): Promise<MoveReport> {
  const found = await lookAtDuckDb(target.engine, onEvent);
  const read = await readSums(source, onEvent);
  const leftBehind: string[] = [];
  if (areSameSums(found.sums, read.sums)) return report('there-already', found.version);
  if (!replace) requireReplaceable(found, target.location);
  await removeReplica(slot);
  try {
    onEvent({ step: 'copy', table: null, rows: 0, totalRows: 0 });
    // The state that was read: nothing in this process has caught up with the source since.
    await source.engine.copyState(slot.replicaPath);
    const state = { path: slot.replicaPath, onto: found.version, source: source.location, sourceVersion: read.version };
    const version = await commitNewState(target.engine, { ...state, sums: read.sums }, runtime, onEvent);
    return await report('moved', version);
  } finally {
    await removeReplica(slot);
    await rm(slot.spillPath, { recursive: true, force: true });
  }

  async function report(outcome: MoveReport['outcome'], targetVersion: number): Promise<MoveReport> {
    const { version: now } = await source.engine.read(() => Promise.resolve(), newest);
    const sourceVersion = read.version;
    return {
      outcome,
      tables: read.sums,
      sourceVersion,
      targetVersion,
      sourceMovedOn: now !== sourceVersion,
      leftBehind,
    };
  }
}

const newest = { maxStalenessMs: 0, atLeast: undefined };

async function readSums(source: DuckDbEnd, onEvent: OnMoveEvent): Promise<{ sums: MovedSums; version: number }> {
  const { value, version } = await source.engine.read((session) => sumAll(session, 'read', onEvent), newest);
  return { sums: value, version };
}
