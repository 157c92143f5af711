/**
 * Committing more than one record can hold: the new state is made in a file of its own, uploaded as one object, and
 * committed by a record that names it.
 */
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../errors.ts';
import type { SyncContext } from './context.ts';
import type { Definitions } from './definitions.ts';
import { momentNow } from './head.ts';
import type { ReplicaHost } from './host.ts';
import { appendRecord } from './append.ts';
import { nextRecord, positionOf } from './log.ts';
import { encodeRecord, type BulkChange, type LogRecord } from './record.ts';
import { Replica } from './replica.ts';
import { removeReplica, type Slot } from './slot.ts';
import { hashBody, uploadBody, verifiedBody, writeBody } from './snapshot.ts';
import type { Session } from './sql.ts';

const mostAttempts = 5;

export interface BulkCommitted<T> {
  readonly value: T;
  readonly version: number;
}

/** What changes the copy, in a transaction on it. `definitions`: of the tables as they are before. */
export type BulkWork<T> = (session: Session, definitions: Definitions) => Promise<T>;

/** A whole state to be put in the place of the present one. */
export interface Replacement<T> {
  /** A DuckDB file on the local disk; it becomes the replica, so it is gone afterwards. */
  readonly path: string;
  /** The version that it replaces: what others commit after it is not overwritten. Absent: whatever is there. */
  readonly onto?: number;
  /** Runs in a transaction on that file, at its end. */
  readonly finish: (session: Session) => Promise<T>;
}

/** What changes the replica by bulk: the instance's own parts. */
export interface BulkScope {
  readonly context: SyncContext;
  readonly slot: Slot;
  readonly host: ReplicaHost;
}

/**
 * Runs `work` in a transaction on a copy of the newest state and commits the whole result. `work` may run again when
 * another instance commits first. Needs room for a second copy of the database beside the replica.
 */
export function commitBulk<T>(scope: BulkScope, work: BulkWork<T>): Promise<BulkCommitted<T>> {
  return untilCommitted(scope, () => tryBulk(scope, work));
}

async function untilCommitted<T>(
  { host }: BulkScope,
  attempt: () => Promise<BulkCommitted<T> | null>,
): Promise<BulkCommitted<T>> {
  for (let count = 0; count < mostAttempts; count++) {
    const committed = await host.exclusive(async () => {
      await host.catchUp();
      return attempt();
    });
    if (committed) return committed;
  }
  throw new AppError(
    'unavailable',
    'Other instances kept committing while the bulk write was prepared; nothing was written.',
    {
      retryAfterMs: 10_000,
      hint: 'Repeat it when fewer writes are running.',
    },
  );
}

/** Null when another instance committed first. */
async function tryBulk<T>(scope: BulkScope, work: BulkWork<T>): Promise<BulkCommitted<T> | null> {
  const stage: Slot = { ...scope.slot, replicaPath: join(scope.slot.folder, 'bulk.part') };
  try {
    await copyReplica(scope.host.replica, stage.replicaPath);
    return await commitStage(scope, stage, work);
  } finally {
    await removeReplica(stage);
  }
}

/** Commits the file as the database's new state. `conflict` when the database is no longer at the version it replaces. */
export function commitReplacement<T>(scope: BulkScope, replacement: Replacement<T>): Promise<BulkCommitted<T>> {
  const { path, onto, finish } = replacement;
  const stage: Slot = { ...scope.slot, replicaPath: path };
  return untilCommitted(scope, () => {
    if (onto === undefined || scope.host.version === onto) return commitStage(scope, stage, finish);
    throw new AppError(
      'conflict',
      'The database was written while its replacement was prepared; nothing was replaced.',
      {
        hint: 'Stop all writers, then repeat.',
      },
    );
  });
}

/** Finishes, uploads and commits the file of `stage`. Null when another instance committed first. */
async function commitStage<T>(
  { context, slot, host }: BulkScope,
  stage: Slot,
  work: BulkWork<T>,
): Promise<BulkCommitted<T> | null> {
  // The record's id and version are part of the state that it names, so they are chosen before the state is made.
  const draft = nextRecord(context, host.replica.position, []);
  const value = await changeCopy(context, stage, draft, work);
  const record = await uploadCopy(context, stage, draft);
  const began = momentNow(context.runtime);
  const bytes = encodeRecord(record);
  const deadlineMs = context.runtime.monotonicMs() + context.settings.commitDeadlineMs;
  const outcome = await appendRecord(context, { record, bytes, deadlineMs, standing: () => host.standing() });
  if (outcome === 'left') throw await host.leaveLog();
  if (outcome === 'lost') return null;
  await host.requireOnLog(record.version);
  await adoptCopy(context, slot, stage, host);
  host.noteCommit(began, record.version, bytes.byteLength);
  return { value, version: record.version };
}

async function copyReplica(replica: Replica, path: string): Promise<void> {
  await replica.checkpoint();
  const { body, release } = replica.holdFile();
  try {
    await writeBody(body, path);
  } finally {
    release();
  }
}

async function changeCopy<T>(context: SyncContext, stage: Slot, draft: LogRecord, work: BulkWork<T>): Promise<T> {
  const copy = await Replica.open(stage, context.settings);
  try {
    await copy.begin();
    const value = await work(copy.writer, copy.definitions);
    await copy.commit(positionOf(draft), draft.changes);
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
