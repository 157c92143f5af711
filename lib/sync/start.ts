/**
 * Start: choosing what a replica begins from (its slot's own file, a snapshot, an adopted database file, nothing) and
 * bringing it there.
 *
 * A resumed replica must find its own record in the log, a snapshot must have the hash and the position that its name
 * says, and a replica at version 0 must stand on the base that record 1 names.
 */
import { rename, rm, stat } from 'node:fs/promises';
import { AppError, isAppError } from '../errors.ts';
import type { ObjectInfo } from '../store/store.ts';
import { adoptDatabaseFile } from './adopt.ts';
import { requireConditionalCreates } from './conditions.ts';
import type { SyncContext } from './context.ts';
import { beginTail, continues, fetchRecord, type TailStart } from './log.ts';
import { adoptedSha256Of, baseId } from './record.ts';
import { Replica } from './replica.ts';
import { removeReplica, type Slot } from './slot.ts';
import { downloadObject, type Look, lookAtSnapshots, type SnapshotInfo } from './snapshot.ts';

export interface Started extends Look {
  readonly replica: Replica;
  /** Key of the snapshot that the replica was made from just now, null when it was made from something else. */
  readonly madeFrom: string | null;
  /** The records after the replica's version, already on their way; null when nobody asked for them yet. */
  readonly tail: TailStart | null;
}

type MadeReplica = Pick<Started, 'replica' | 'madeFrom'>;

/** Resumes from the slot's file if it is on the log, else starts from the newest good snapshot. `look`: begun already. */
export async function startReplica(
  context: SyncContext,
  slot: Slot,
  damaged: Set<string>,
  look: Promise<Look> = lookAtSnapshots(context),
): Promise<Started> {
  // Thrown where it is awaited, which may be later than it fails.
  look.catch(() => undefined);
  return (await resumeReplica(context, slot, look)) ?? (await rebuildReplica(context, slot, damaged, await look));
}

async function resumeReplica(context: SyncContext, slot: Slot, look: Promise<Look>): Promise<Started | null> {
  if (!(await fileExists(slot.replicaPath))) return null;
  const replica = await openQuietly(context, slot);
  if (!replica) return null;
  try {
    const tail = beginTail(context, replica.position.version);
    if (await isOnLog(context, replica, look)) return { replica, madeFrom: null, tail, ...(await look) };
  } catch (error) {
    await replica.close();
    throw error;
  }
  await replica.close();
  return null;
}

/** A slot's file that DuckDB cannot open (after a crash, or on a full disk) is no loss: the replica is rebuilt. */
async function openQuietly(context: SyncContext, slot: Slot): Promise<Replica | null> {
  try {
    return await Replica.open(slot, context.settings);
  } catch (error) {
    context.warn('The replica left in the slot could not be opened; starting from a snapshot.', error);
    return null;
  }
}

/**
 * Whether the log knows the replica's position. A damaged record there is thrown, and the replica kept, as it may be the
 * only one that has what the record held; unless a snapshot has it, too.
 */
async function isOnLog(context: SyncContext, { position }: Replica, look: Promise<Look>): Promise<boolean> {
  if (position.version === 0) return false;
  try {
    const [own, next] = await Promise.all([
      fetchRecord(context, position.version),
      fetchRecord(context, position.version + 1),
    ]);
    if (own) return own.record.id === position.recordId;
    return next !== null && continues(position, next.record);
  } catch (error) {
    if (!isAppError(error, 'corrupt')) throw error;
    if ((await look).snapshots.some(({ version }) => version >= position.version)) return false;
    throw error;
  }
}

/** Starts from the newest good snapshot, whatever the slot holds. `look`: a recent one, if there was one. */
export async function rebuildReplica(
  context: SyncContext,
  slot: Slot,
  damaged: Set<string>,
  look?: Look,
): Promise<Started> {
  await removeReplica(slot);
  const started =
    (await startFromSnapshot(context, slot, damaged, look ?? (await lookAtSnapshots(context)))) ??
    (await startWithoutSnapshot(context, slot, damaged).catch((error: unknown) => {
      // While another process creates the database, one request can be outdated before the next is answered. Only what
      // is still wrong at a second look is damaged.
      if (!isAppError(error, 'corrupt')) throw error;
      return startWithoutSnapshot(context, slot, damaged);
    }));
  await context.step('replica-opened');
  return started;
}

async function startWithoutSnapshot(context: SyncContext, slot: Slot, damaged: Set<string>): Promise<Started> {
  // Before the look: if the database file is there now and neither log nor snapshots are later, nobody published it.
  const databaseFile = await context.store.head(context.layout.databaseFile);
  const look = await lookAtSnapshots(context);
  const started = await startFromSnapshot(context, slot, damaged, look);
  if (started) return started;
  const { replica, madeFrom } = (await openBase(context, slot)) ?? rebuilt(await openNew(context, slot, databaseFile));
  return { replica, madeFrom, tail: null, ...look };
}

/** Neither log nor snapshots: a new database, which begins empty or with the file that somebody put there. */
async function openNew(context: SyncContext, slot: Slot, databaseFile: ObjectInfo | null): Promise<Replica> {
  await requireConditionalCreates(context);
  if (!databaseFile) return Replica.open(slot, context.settings);
  return adoptDatabaseFile(context, slot, databaseFile.size).catch(async (error: unknown) => {
    // Another process may have published over the file while it was read.
    if (!isAppError(error, 'invalid') || (await baseOfLog(context)) === null) throw error;
    throw new AppError('unavailable', 'Another process has adopted the database file.', {
      cause: error,
      retryAfterMs: 1000,
    });
  });
}

/** Null when no snapshot can be used. */
async function startFromSnapshot(
  context: SyncContext,
  slot: Slot,
  damaged: Set<string>,
  look: Look,
): Promise<Started | null> {
  for (const snapshot of look.snapshots) {
    if (damaged.has(snapshot.key) || !(await isOnBase(context, snapshot))) continue;
    await context.step('snapshot-chosen');
    try {
      const opening = openOne(context, slot, snapshot);
      const tail = beginTail(context, snapshot.version);
      const replica = await opening;
      if (replica) return { replica, madeFrom: snapshot.key, tail, ...look };
    } catch (error) {
      if (!isAppError(error, 'corrupt')) throw error;
      damaged.add(snapshot.key);
      context.warn(`The snapshot ${snapshot.key} is damaged; using the one before it.`, error);
    }
  }
  return null;
}

/**
 * Of two processes that adopted different files at once, one made record 1: the other one's snapshot is nobody's. Before
 * there is a record 1 the file itself is still the user's, who may have repaired it: it is adopted again.
 */
async function isOnBase(context: SyncContext, { version, sha256 }: SnapshotInfo): Promise<boolean> {
  if (version > 0) return true;
  const base = await baseOfLog(context);
  if (base === null) return (await context.store.head(context.layout.databaseFile)) === null;
  return base === baseId(sha256);
}

/** Null when the snapshot has gone since it was listed (a newer one replaced it). */
async function openOne(context: SyncContext, slot: Slot, snapshot: SnapshotInfo): Promise<Replica | null> {
  const part = `${slot.replicaPath}.part`;
  const got = await downloadObject(context, snapshot.key, snapshot.bytes, part);
  if (!got) return null;
  if (got.sha256 !== snapshot.sha256) {
    await rm(part, { force: true });
    throw new AppError('corrupt', `The bytes of ${snapshot.key} do not have the hash in its name.`);
  }
  await rename(part, slot.replicaPath);
  await context.step('snapshot-downloaded');
  const replica = await Replica.open(slot, context.settings, snapshot.version === 0 ? snapshot.sha256 : undefined);
  if (replica.position.version === snapshot.version) return replica;
  await replica.close();
  throw new AppError('corrupt', `${snapshot.key} holds version ${replica.position.version}.`);
}

/** What record 1 builds on; null when there is no record 1 (none yet, or dropped). */
async function baseOfLog(context: SyncContext): Promise<string | null> {
  return (await fetchRecord(context, 1))?.record.previous ?? null;
}

/**
 * Without a usable snapshot: a log can be replayed from its first record on the empty database, or on the adopted one, whose
 * snapshot it names: a list may not have it yet.
 */
async function openBase(context: SyncContext, slot: Slot): Promise<MadeReplica | null> {
  const base = await baseOfLog(context);
  if (base === null) {
    await refuseHeadlessLog(context);
    return null;
  }
  if (base !== baseId(null)) {
    const adopted = await openAdopted(context, slot, base);
    if (adopted) return adopted;
    throw new AppError('corrupt', 'The log builds on an adopted database whose snapshot is missing or damaged.', {
      hint: `Restore the objects under ${context.layout.snapshotPrefix} from a backup of the store.`,
    });
  }
  await removeReplica(slot);
  return rebuilt(await Replica.open(slot, context.settings));
}

function rebuilt(replica: Replica): MadeReplica {
  return { replica, madeFrom: null };
}

/** Null when the snapshot is not there, or damaged. */
async function openAdopted(context: SyncContext, slot: Slot, base: string): Promise<MadeReplica | null> {
  const sha256 = adoptedSha256Of(base);
  if (sha256 === null) return null;
  const key = context.layout.snapshotKey(0, sha256);
  const found = await context.store.head(key);
  if (!found) return null;
  const snapshot = { key, version: 0, sha256, bytes: found.size, modifiedAt: found.modifiedAt };
  const replica = await openOne(context, slot, snapshot).catch((error: unknown) => {
    if (!isAppError(error, 'corrupt')) throw error;
    return null;
  });
  return replica && { replica, madeFrom: key };
}

/** Records or snapshots without a usable beginning are a damaged database, never a new one. */
async function refuseHeadlessLog({ store, layout }: SyncContext): Promise<void> {
  const [log, snapshots] = await Promise.all([
    store.list(layout.logPrefix, { limit: 1 }),
    store.list(layout.snapshotPrefix, { limit: 1000 }),
  ]);
  const named = snapshots.objects.filter(({ key }) => (layout.snapshotName(key)?.version ?? 0) > 0);
  if (log.objects.length === 0 && named.length === 0) return;
  throw new AppError('corrupt', 'No snapshot of the database can be used, and its log no longer begins at record 1.', {
    hint: `Restore the objects under ${layout.snapshotPrefix} and ${layout.logPrefix} from a backup of the store.`,
  });
}

async function fileExists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
