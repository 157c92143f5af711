/** Rule 9: a log that was emptied, or put back from a backup, under a warm instance is noticed before a commit on it. */
import { AppError, isAppError } from '../errors.ts';
import type { SyncContext } from './context.ts';
import { fetchRecord } from './log.ts';
import type { Position } from './position.ts';
import type { SnapshotInfo } from './snapshot.ts';

/**
 * Where a replica stands towards the log in the store. `followed`: its own record is there. `behind`: snapshots have taken
 * the place of its record. `left`: the log is another one than it has been following.
 */
export type Standing = 'followed' | 'behind' | 'left';

interface KnownRecord {
  readonly position: Position;
  /** Key of the snapshot that the replica was made from, if any. */
  readonly madeFrom: string | null;
  readonly look: () => Promise<readonly SnapshotInfo[]>;
}

export async function standingOf(context: SyncContext, { position, madeFrom, look }: KnownRecord): Promise<Standing> {
  const { version, recordId } = position;
  if (version === 0) return 'followed';
  const isThere = await isRecordAt(context, version, recordId);
  if (isThere !== null) return isThere ? 'followed' : 'left';
  // Dropped because snapshots have what it held: the replica was made of one of them, or had better be.
  const covering = (await look()).filter((snapshot) => snapshot.version >= version);
  if (covering.some(({ key }) => key === madeFrom)) return 'followed';
  return covering.length === 0 ? 'left' : 'behind';
}

/** What the encoding of a record begins with. */
const recordHead = /^\{"format":\d+,"database":"[^"]*","version":\d+,"id":"([^"]+)"/;

/**
 * Whether the record of `version` is the one with this id, by its first bytes; null when the store says that there is none.
 * Other bytes are only believed once the whole record was checked: a damaged record cannot be recognised here.
 */
async function isRecordAt(context: SyncContext, version: number, id: string): Promise<boolean | null> {
  const head = await context.store.get(context.layout.recordKey(version), { range: { start: 0, end: 256 } });
  if (!head) return null;
  if (recordHead.exec(Buffer.from(head).toString('latin1'))?.[1] === id) return true;
  try {
    const stored = await fetchRecord(context, version);
    return stored && stored.record.id === id;
  } catch (error) {
    if (isAppError(error, 'corrupt')) return true;
    throw error;
  }
}

/** @throws AppError `corrupt` when there is nothing in the store to begin from: then the replica may be the last copy */
export async function requireState({ store, layout }: SyncContext, { version }: Position): Promise<void> {
  const [log, snapshots, file] = await Promise.all([
    store.list(layout.logPrefix, { limit: 1 }),
    store.list(layout.snapshotPrefix, { limit: 1 }),
    store.head(layout.databaseFile),
  ]);
  if (log.objects.length + snapshots.objects.length > 0 || file) return;
  const message = `The database has gone from the store: ${layout.recordKey(version)} and all else of it.`;
  throw new AppError('corrupt', message, {
    hint: 'Put a backup back there. For a new, empty database, start the process again.',
  });
}

export function logReplaced(): AppError {
  return new AppError('unavailable', 'Another state of the database was put into the store; nothing was written.', {
    retryAfterMs: 1000,
    hint: 'This instance goes on from that state now. Read it, then repeat the request if it still makes sense.',
  });
}
