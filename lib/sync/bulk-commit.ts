/**
 * Committing more than one record can hold: the new state is made in a copy of the replica, uploaded as one object, and
 * committed by a record that names it.
 *
 * Owns: the copy, from its making to its becoming the replica. The worst that can happen: a copy that lost the race for
 * its version and is used all the same; so it becomes the replica only once its record is created.
 */
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../errors.ts';
import type { SyncContext } from './context.ts';
import { momentNow } from './head.ts';
import type { ReplicaHost } from './host.ts';
import { appendRecord, nextRecord, positionOf } from './log.ts';
import { encodeRecord, type BulkChange, type LogRecord } from './record.ts';
import { Replica } from './replica.ts';
import { removeReplica, type Slot } from './slot.ts';
import { hashBody, uploadBody, verifiedBody } from './snapshot.ts';
import type { Session } from './sql.ts';

const mostAttempts = 5;

export interface BulkCommitted<T> {
  readonly value: T;
  readonly version: number;
}

/**
 * Runs `work` in a transaction on a copy of the newest state and commits the whole result. `work` may run again when
 * another instance commits first. Needs room for a second copy of the database beside the replica.
 */
export async function commitBulk<T>(
  context: SyncContext,
  slot: Slot,
  host: ReplicaHost,
  work: (session: Session) => Promise<T>,
): Promise<BulkCommitted<T>> {
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const committed = await host.exclusive(() => tryBulk(context, slot, host, work));
    if (committed) return committed;
  }
  throw new AppError(
    'unavailable',
    'Other instances kept committing while the bulk write was prepared; nothing was written.',
    {
      retryAfterMs: 10_000,
      hint: 'Repeat it when there are fewer writes.',
    },
  );
}

/** Null when another instance committed first. */
async function tryBulk<T>(
  context: SyncContext,
  slot: Slot,
  host: ReplicaHost,
  work: (session: Session) => Promise<T>,
): Promise<BulkCommitted<T> | null> {
  await host.catchUp();
  const stage: Slot = { ...slot, replicaPath: join(slot.folder, 'bulk.part') };
  try {
    await copyReplica(host.replica, stage.replicaPath);
    // The record's id and version are part of the state that it names, so they are chosen before the state is made.
    const draft = nextRecord(context, host.replica.position, []);
    const value = await changeCopy(context, stage, draft, work);
    const record = await uploadCopy(context, stage, draft);
    const began = momentNow(context.runtime);
    const bytes = encodeRecord(record);
    const deadlineMs = context.runtime.monotonicMs() + context.settings.commitDeadlineMs;
    if ((await appendRecord(context, { record, bytes, deadlineMs })) === 'lost') return null;
    await host.requireOnLog(record.version);
    await adoptCopy(context, slot, stage, host);
    host.noteCommit(began, bytes.byteLength);
    return { value, version: record.version };
  } finally {
    await removeReplica(stage);
  }
}

async function copyReplica(replica: Replica, path: string): Promise<void> {
  await replica.checkpoint();
  const { body, release } = replica.holdFile();
  const file = await open(path, 'w', 0o600);
  try {
    for await (const chunk of body.open({ start: 0, end: body.size })) await file.writeFile(chunk);
  } finally {
    release();
    await file.close();
  }
}

async function changeCopy<T>(
  context: SyncContext,
  stage: Slot,
  draft: LogRecord,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const copy = await Replica.open(stage, context.settings);
  try {
    await copy.begin();
    const value = await work(copy.writer);
    await copy.commit(positionOf(draft));
    await copy.checkpoint();
    return value;
  } finally {
    await copy.close();
  }
}

async function uploadCopy(context: SyncContext, stage: Slot, draft: LogRecord): Promise<LogRecord> {
  const copy = await Replica.open(stage, context.settings);
  const { body, release } = copy.holdFile();
  try {
    const sha256 = await hashBody(body);
    const key = context.layout.bulkKey(draft.id, sha256);
    await uploadBody(context, key, verifiedBody(body, sha256));
    const change: BulkChange = { bulk: { key, sha256, bytes: body.size } };
    return { ...draft, changes: [change] };
  } finally {
    release();
    await copy.close();
  }
}

/** The copy is the state of the record that was created: it takes the replica's place. */
async function adoptCopy(context: SyncContext, slot: Slot, stage: Slot, host: ReplicaHost): Promise<void> {
  await host.replaceReplica(async () => {
    await removeReplica(slot);
    await rename(stage.replicaPath, slot.replicaPath);
    await rm(`${stage.replicaPath}.wal`, { force: true });
    return Replica.open(slot, context.settings);
  });
}
