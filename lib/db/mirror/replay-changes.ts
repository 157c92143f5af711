/**
 * Changes that PostgreSQL kept, as a commit of the mirror.
 *
 * Owns: that commit, which moves the note along with the rows. The worst that can happen: the same changes replayed on
 * another state than they follow; so the note is compared within the commit.
 */
import { isAppError } from '../../errors.ts';
import { applyRowChanges } from '../../sync/apply.ts';
import type { WriteTransaction } from '../../sync/batch.ts';
import type { Engine } from '../../sync/engine.ts';
import { changedRows, type RowChange } from '../../sync/record.ts';
import type { ChangeSet } from '../database.ts';
import { type MirrorNote, noteRow, readNote, versionToCome } from './mirror-note.ts';

export interface Replayed {
  readonly rows: number;
  readonly note: MirrorNote;
}

/** `overtaken`: somebody else has refreshed the mirror meanwhile. `too-large`: no commit holds one transaction's changes. */
export async function replayChanges(
  engine: Engine,
  from: MirrorNote,
  to: MirrorNote,
  sets: readonly ChangeSet[],
): Promise<Replayed | 'overtaken' | 'too-large'> {
  const changes = sets.flatMap(rowChanges);
  const rows = changes.reduce((sum, change) => sum + changedRows(change).length, 0);
  try {
    const { value: note } = await engine.write((transaction) => replayOnce(engine, transaction, { from, to, changes }));
    return note ? { rows, note } : 'overtaken';
  } catch (error) {
    // One commit holds so many bytes: what is left is done in halves.
    if (!isAppError(error, 'invalid')) throw error;
    if (sets.length < 2) return 'too-large';
    const middle = Math.floor(sets.length / 2);
    const between = { ...to, version: sets[middle - 1]!.version };
    const first = await replayChanges(engine, from, between, sets.slice(0, middle));
    if (typeof first === 'string') return first;
    const second = await replayChanges(engine, first.note, to, sets.slice(middle));
    return typeof second === 'string' ? second : { rows: first.rows + second.rows, note: second.note };
  }
}

interface Replay {
  readonly from: MirrorNote;
  readonly to: MirrorNote;
  readonly changes: readonly RowChange[];
}

async function replayOnce(
  engine: Engine,
  transaction: WriteTransaction,
  { from, to, changes }: Replay,
): Promise<MirrorNote | null> {
  const { session } = transaction;
  const present = await readNote(session);
  if (present?.version !== from.version || present.at !== from.at) return null;
  const note = { ...to, ownVersion: await versionToCome(session) };
  const noted: RowChange = { schema: 'eider', table: 'mirror', put: [noteRow(note)] };
  const all = [...changes, noted];
  try {
    await applyRowChanges(session, engine.shapes, all);
  } catch (error) {
    transaction.spoil(error);
    throw error;
  }
  for (const change of all) transaction.capture(change);
  return (await readNote(session)) ?? note;
}

function rowChanges({ changes }: ChangeSet): RowChange[] {
  return changes.flatMap((change): RowChange[] => {
    if (change.kind === 'put') return [{ table: change.table, put: change.rows }];
    return change.kind === 'delete' ? [{ table: change.table, delete: change.keys }] : [];
  });
}
