/**
 * Changes that PostgreSQL kept, as a commit of the mirror. The note changes in the same commit, and is compared in it: so
 * no change is made twice, or on another state than it follows.
 */
import { type Catalog, findRelation } from '../../catalog/catalog.ts';
import { AppError, isAppError } from '../../errors.ts';
import { applyRowChanges } from '../../sync/apply.ts';
import type { WriteTransaction } from '../../sync/batch.ts';
import type { Engine } from '../../sync/engine.ts';
import { changedRows, type RowChange, type SequenceChange } from '../../sync/record.ts';
import type { ChangeSet, TableChange } from '../database.ts';
import { namesOf } from '../move/tables.ts';
import { type MirrorNote, noteRow, readNote, versionToCome } from './mirror-note.ts';

export interface Replay {
  readonly engine: Engine;
  /** Of PostgreSQL. */
  readonly catalog: Catalog;
  readonly from: MirrorNote;
  readonly to: MirrorNote;
  readonly sets: readonly ChangeSet[];
  /** Where sequences are that moved. */
  readonly sequences: readonly SequenceChange[];
}

export interface Replayed {
  readonly rows: number;
  readonly note: MirrorNote;
}

/** `overtaken`: somebody else has refreshed the mirror meanwhile. `unfit`: no commit of the mirror does what one there did. */
export async function replayChanges(replay: Replay): Promise<Replayed | 'overtaken' | 'unfit'> {
  const { engine, sets, to } = replay;
  const changes = sets.flatMap((set) => set.changes.map((change) => rowChangeOf(change, replay.catalog)));
  if (!changes.every((change) => change !== null)) return 'unfit';
  try {
    const { value: note } = await engine.write((transaction) => replayOnce(replay, transaction, changes));
    return note ? { rows: changes.reduce((sum, change) => sum + changedRows(change).length, 0), note } : 'overtaken';
  } catch (error) {
    // One commit holds so many bytes: what is left is done in halves.
    if (!isAppError(error, 'invalid')) throw error;
    if (sets.length < 2) return 'unfit';
    const middle = Math.floor(sets.length / 2);
    const between = { ...to, version: sets[middle - 1]!.version };
    const first = await replayChanges({ ...replay, to: between, sets: sets.slice(0, middle) });
    if (typeof first === 'string') return first;
    const second = await replayChanges({ ...replay, from: first.note, sets: sets.slice(middle), sequences: [] });
    return typeof second === 'string' ? second : { rows: first.rows + second.rows, note: second.note };
  }
}

/** Null for more than rows. */
function rowChangeOf(change: TableChange, catalog: Catalog): RowChange | null {
  if (change.kind !== 'put' && change.kind !== 'delete') return null;
  const relation = findRelation(catalog, change.table);
  if (!relation) return null;
  const { schema, name: table } = namesOf(relation, 'postgres', catalog.defaultSchema).duckdb;
  const target = { ...(schema === 'main' ? {} : { schema }), table };
  const hasKey = relation.key.length > 0;
  if (change.kind === 'put') return hasKey ? { ...target, put: change.rows } : { ...target, add: change.rows };
  return hasKey ? { ...target, delete: change.keys } : { ...target, remove: change.keys };
}

async function replayOnce(
  { engine, from, to, sequences }: Replay,
  transaction: WriteTransaction,
  changes: readonly RowChange[],
): Promise<MirrorNote | null> {
  const { session } = transaction;
  const present = await readNote(session);
  if (present?.version !== from.version || present.at !== from.at) return null;
  const note = { ...to, ownVersion: await versionToCome(session) };
  for (const change of changes) await requireSameKey(engine, change);
  const all: RowChange[] = [...changes, { schema: 'eider', table: 'mirror', put: [noteRow(note)] }];
  try {
    await applyRowChanges(session, engine.shapes, all);
  } catch (error) {
    transaction.spoil(error);
    throw error;
  }
  for (const sequence of sequences) await engine.shapes.sequences.move(sequence);
  for (const change of [...all, ...sequences]) transaction.capture(change);
  return (await readNote(session)) ?? note;
}

/** A key of PostgreSQL may be none for the mirror: of a float, say. */
async function requireSameKey({ shapes }: Engine, change: RowChange): Promise<void> {
  const { schema = 'main', table } = change;
  const shape = await shapes.find({ schema, table });
  const hasKey = 'put' in change || 'delete' in change;
  if (!shape || shape.key.length > 0 !== hasKey)
    throw new AppError('invalid', `The mirror cannot tell the rows of ${table} apart by their key.`);
}
