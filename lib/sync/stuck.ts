/**
 * Why a replica does not get to the head of the log: what an attempt came to, and the words for those that cannot be
 * mended here.
 */
import { AppError } from '../errors.ts';
import type { SyncContext } from './context.ts';
import { mapLocalError } from './local-disk.ts';
import type { Replica } from './replica.ts';

/**
 * `off-log`: the next record does not continue this replica's history. `left`: its own record is no longer there.
 * `broken`: the replica's file is damaged.
 */
export type Advance = 'at-head' | 'behind' | 'off-log' | 'left' | 'broken';

/** Why a replica that was rebuilt from the store several times does not reach the head. */
export function whyStuck({ layout }: SyncContext, { retired, position }: Replica, advance: Advance): unknown {
  if (advance === 'broken') return mapLocalError(retired);
  if (advance !== 'off-log') return outrun();
  const key = layout.recordKey(position.version + 1);
  return new AppError('corrupt', `The record ${key} does not continue the one before it.`, {
    hint: 'Restore this object, and those after it, from a backup of the store. Data up to the record before it is intact.',
  });
}

/** The log promises a good snapshot beyond its end, and there is none. */
export function recordsMissing({ layout }: SyncContext, { position }: Replica): AppError {
  return new AppError(
    'corrupt',
    `Records after version ${position.version} are missing, and the snapshots after it are damaged.`,
    { hint: `Restore the objects under ${layout.snapshotPrefix} from a backup of the store.` },
  );
}

function outrun(): AppError {
  return new AppError('unavailable', 'The log moves on faster than this instance can follow.', { retryAfterMs: 1000 });
}
