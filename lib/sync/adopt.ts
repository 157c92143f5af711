/** Adoption: a database file that was there before Eider becomes the first snapshot. */
import { closeSync, fstatSync, openSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { AppError } from '../errors.ts';
import type { SyncContext } from './context.ts';
import { openInstance } from './instance.ts';
import { isDiskFull, mapLocalError } from './local-disk.ts';
import { readState, stateColumns } from './position.ts';
import { Replica } from './replica.ts';
import type { Slot } from './slot.ts';
import { downloadObject, fileBody, uploadSnapshot } from './snapshot.ts';
import { Session } from './sql.ts';

/** Makes the replica from the database file of `bytes` and uploads it as the snapshot of version 0. */
export async function adoptDatabaseFile(context: SyncContext, slot: Slot, bytes: number): Promise<Replica> {
  const { databaseFile } = context.layout;
  await requireDatabaseHeader(context);
  if (!(await bring(context, databaseFile, bytes, slot.replicaPath))) {
    throw new AppError('unavailable', `The database file ${databaseFile} was removed while it was adopted.`);
  }
  const wal = await context.store.head(`${databaseFile}.wal`);
  if (wal) await bring(context, wal.key, wal.size, `${slot.replicaPath}.wal`);
  await foldWal(context, slot);
  const sha256 = await uploadAdopted(context, slot);
  await context.step('adopted-uploaded');
  return Replica.open(slot, context.settings, sha256);
}

/** https://duckdb.org/docs/stable/internals/storage */
const convert =
  "With the DuckDB that wrote it: ATTACH 'new.db' (STORAGE_VERSION 'v1.5.0'); COPY FROM DATABASE old TO new; then put new.db in its place.";

/** Before a file that is none, and may be of any size, is fetched: https://duckdb.org/docs/stable/internals/storage */
async function requireDatabaseHeader({ store, layout }: SyncContext): Promise<void> {
  const header = await store.get(layout.databaseFile, { range: { start: 8, end: 12 } });
  if (!header || Buffer.from(header).toString('latin1') !== 'DUCK') throw noDatabase(layout.databaseFile);
}

function noDatabase(databaseFile: string, cause?: unknown): AppError {
  const reason = cause instanceof Error ? String(cause.cause) : '';
  const versions = /version number (\d+), but .* between (\d+ and \d+)/.exec(reason);
  if (versions) {
    const message = `${databaseFile} has DuckDB's storage version ${versions[1]}; versions ${versions[2]} can be read here.`;
    return new AppError('invalid', message, { cause, hint: convert });
  }
  return new AppError('invalid', `${databaseFile} is no database file that this DuckDB can open.`, {
    cause,
    hint: 'Name another file, or move this one away. The file was not changed.',
  });
}

async function bring(context: SyncContext, key: string, bytes: number, path: string): Promise<boolean> {
  const got = await downloadObject(context, key, bytes, `${path}.part`);
  if (!got) return false;
  if (got.bytes !== bytes) throw new AppError('unavailable', `${key} changed while it was adopted.`);
  await rename(`${path}.part`, path);
  return true;
}

/** Opens the file once: shows that it is a database, makes one whole file of it and its write-ahead log, and prepares that. */
async function foldWal(context: SyncContext, slot: Slot): Promise<void> {
  try {
    const instance = await openInstance(slot, context.settings);
    const session = new Session(await instance.connect());
    try {
      await requireOwnState(session);
      await session.execute('CHECKPOINT');
      await context.prepareAdopted(session);
      await session.execute('CHECKPOINT');
    } finally {
      session.close();
      instance.closeSync();
    }
  } catch (cause) {
    if (cause instanceof AppError && cause.kind === 'invalid') throw cause;
    if (isDiskFull(cause)) throw mapLocalError(cause);
    throw noDatabase(context.layout.databaseFile, cause);
  }
}

async function uploadAdopted(context: SyncContext, slot: Slot): Promise<string> {
  const fd = openSync(slot.replicaPath, 'r');
  try {
    return (await uploadSnapshot(context, 0, fileBody(fd, fstatSync(fd).size))).sha256;
  } finally {
    closeSync(fd);
  }
}

/** An adopted file may have been published by Eider once; a table of the user's own by that name is not replaced. */
async function requireOwnState(session: Session): Promise<void> {
  const state = await readState(session);
  if (!state || stateColumns.includes(state.columns)) return;
  throw new AppError('invalid', 'The database file already has a table eider.state, a name that Eider needs.', {
    hint: 'Rename the table or its schema. The file was not changed.',
  });
}
