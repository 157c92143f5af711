/**
 * Bulk records: a commit too large for row images. The new state is one object; the record that names it is the commit
 * point, and every replica continues from that object.
 */
import { rename } from 'node:fs/promises';
import { AppError } from '../errors.ts';
import type { SyncContext } from './context.ts';
import { positionOf } from './log.ts';
import type { LogRecord } from './record.ts';
import { Replica } from './replica.ts';
import { removeReplica, type Slot } from './slot.ts';
import { downloadObject } from './snapshot.ts';

/** Makes the slot's replica from the state that a bulk record names, at that record's position. */
export async function applyBulk(context: SyncContext, slot: Slot, record: LogRecord): Promise<Replica> {
  const change = record.changes.find((each) => 'bulk' in each);
  if (!change || !('bulk' in change)) throw new AppError('corrupt', `Record ${record.version} is not a bulk record.`);
  const { key, sha256, bytes } = change.bulk;
  await removeReplica(slot);
  const part = `${slot.replicaPath}.part`;
  const got = await downloadObject(context, key, bytes, part);
  if (got?.sha256 !== sha256) {
    throw new AppError('corrupt', `The state that record ${record.version} names, ${key}, is missing or damaged.`, {
      hint: 'Restore this object from a backup of the store.',
    });
  }
  await rename(part, slot.replicaPath);
  const replica = await Replica.open(slot, context.settings);
  await replica.begin();
  await replica.commit(positionOf(record), record.changes);
  return replica;
}
