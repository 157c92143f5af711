/** Replaces the whole database with a DuckDB file while instances run. */
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Migration } from '../../catalog/migrations.ts';
import { AppError, isAppError } from '../../errors.ts';
import type { Runtime } from '../../runtime.ts';
import { createDirectoryStore } from '../../store/directory.ts';
import { errnoOf } from '../../store/errno.ts';
import type { Engine } from '../../sync/engine.ts';
import { claimSlot, type Slot } from '../../sync/slot.ts';
import { openMigratedEngine } from './duckdb-database.ts';

export interface RestoreOptions {
  /** Of the database whose state is replaced. */
  readonly engine: Engine;
  /** The DuckDB file to put back; it is only read. A write-ahead log beside it (`<file>.wal`) is taken in. */
  readonly file: string;
  /** A folder on the disk of the engine's slots, for copies of the file. */
  readonly workFolder: string;
  readonly migrations: readonly Migration[];
  readonly runtime: Runtime;
}

export interface Restored {
  readonly version: number;
  readonly replacedVersion: number;
}

/**
 * Commits the state that a first start would make of the file, migrations included, in the place of the present one:
 * running instances go on from it. What others commit meanwhile is replaced, too.
 *
 * @throws AppError before anything was changed when the file is absent, or cannot be adopted
 * @example await restoreDatabase({ engine, file: 'monday.db', workFolder: '/tmp/restore', migrations, runtime })
 */
export async function restoreDatabase(options: RestoreOptions): Promise<Restored> {
  const slot = await claimSlot(options.workFolder, options.runtime);
  const folder = join(slot.folder, 'adopted.part');
  try {
    await mkdir(folder);
    await adopt(options, slot, folder);
    const { version } = await options.engine.replaceState({
      path: slot.replicaPath,
      finish: () => Promise.resolve(),
    });
    return { version, replacedVersion: version - 1 };
  } finally {
    await rm(folder, { recursive: true, force: true });
    await rm(slot.replicaPath, { force: true });
    slot.release();
  }
}

/** Opens the file as the database of a private store in `folder`; its state is left at the slot's path. */
async function adopt({ file, migrations, runtime }: RestoreOptions, slot: Slot, folder: string): Promise<void> {
  await bring(file, join(folder, name));
  await bring(`${file}.wal`, join(folder, `${name}.wal`)).catch(ifThere);
  const store = createDirectoryStore({ root: folder, create: false, runtime });
  const slotRoot = join(folder, 'slots');
  const adopted = await openMigratedEngine({ store, name, slotRoot, runtime, migrations }).catch((error: unknown) => {
    throw isAppError(error) ? underItsName(error, file) : error;
  });
  try {
    await adopted.copyState(slot.replicaPath);
  } finally {
    await adopted.close();
  }
}

const name = 'restored.db';

/** What is wrong is the file that was given, rather than the copy of it. */
function underItsName(error: AppError, file: string): AppError {
  const { kind, hint, fields, sqlState } = error;
  return new AppError(
    kind,
    error.message.replace(name, () => file),
    {
      cause: error,
      ...(hint !== undefined && { hint }),
      ...(fields && { fields }),
      ...(sqlState !== undefined && { sqlState }),
    },
  );
}

async function bring(from: string, to: string): Promise<void> {
  await copyFile(from, to).catch((cause: unknown) => {
    const isAbsent = errnoOf(cause) === 'ENOENT';
    throw new AppError(isAbsent ? 'not-found' : 'invalid', `${from} cannot be read.`, { cause });
  });
}

function ifThere(error: unknown): void {
  if (!(error instanceof AppError) || error.kind !== 'not-found') throw error;
}
