/**
 * Replica slots: folders `<root>/<n>/` of which each live process owns one. A process that comes after another in the
 * same slot finds its replica and may resume from it.
 *
 * Owns: who has which slot, and cleaning the slots of processes that died. The lock of a slot is an empty DuckDB file
 * held open: the operating system gives it back when the process ends, however it ends. The worst that can happen: two
 * processes in one slot, so a lock file is never deleted or replaced once it is there.
 */
import { DuckDBInstance } from '@duckdb/node-api';
import { link, mkdir, readdir, realpath, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';

export interface Slot {
  readonly folder: string;
  /** Where the replica lies, if the slot has one. */
  readonly replicaPath: string;
  /** DuckDB's own place for what does not fit into memory. */
  readonly spillPath: string;
  release(): void;
}

const claimedKey = Symbol.for('eider.claimed-slots');

/**
 * The lock that POSIX gives belongs to the process, not to the opener: within one process this set decides, also between
 * two copies of this module.
 */
const shared = globalThis as { [claimedKey]?: Set<string> };
const claimedHere = (shared[claimedKey] ??= new Set<string>());

/** A replica that nobody has used for this long is removed by whoever starts next (10 minutes). */
const idleMs = 600_000;
const mostSlots = 1000;

/** Claims the first free slot under `root`, making it when needed. `unavailable` when the folder cannot be used. */
export async function claimSlot(root: string, runtime: Runtime): Promise<Slot> {
  await makeFolder(root);
  // One spelling for one folder, as the set of what is claimed here compares names.
  const folder = await realpath(root);
  for (let number = 0; number < mostSlots; number++) {
    const slot = await tryClaim(join(folder, String(number)), runtime);
    if (slot) return slot;
  }
  throw new AppError('unavailable', `All ${mostSlots} replica slots under ${root} are taken.`, {
    hint: 'Fewer processes on one machine, or another temporary folder for some of them.',
  });
}

async function tryClaim(folder: string, runtime: Runtime): Promise<Slot | null> {
  if (claimedHere.has(folder)) return null;
  claimedHere.add(folder);
  let slot: Slot | null = null;
  try {
    await makeFolder(folder);
    const lock = await lockFolder(folder, runtime);
    slot = lock && (await tidySlot(folder, lock, runtime));
    return slot;
  } finally {
    if (!slot) claimedHere.delete(folder);
  }
}

async function tidySlot(folder: string, lock: DuckDBInstance, runtime: Runtime): Promise<Slot> {
  try {
    await removeLeftovers(folder);
    const now = runtime.now() / 1000;
    await utimes(folder, now, now);
    return slotIn(folder, lock);
  } catch (error) {
    lock.closeSync();
    throw slotFailure(folder, error);
  }
}

function slotIn(folder: string, lock: DuckDBInstance): Slot {
  return {
    folder,
    replicaPath: join(folder, 'replica.duckdb'),
    spillPath: join(folder, 'spill'),
    release: () => {
      lock.closeSync();
      claimedHere.delete(folder);
    },
  };
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new AppError('unavailable', `The replica folder ${folder} cannot be made.`, {
      cause,
      hint: 'Set TMPDIR to a folder that this process may write to.',
    });
  }
}

/**
 * Holds the slot's lock file, null when another process does. A disk that failed may have left one that is no DuckDB
 * file; it stays as it is, and everyone goes on to the next name.
 */
async function lockFolder(folder: string, runtime: Runtime): Promise<DuckDBInstance | null> {
  for (let attempt = 0; attempt < 10; attempt++) {
    const path = join(folder, `lock${attempt === 0 ? '' : `.${attempt}`}`);
    try {
      return (await makeLock(path, runtime)) ?? (await openLock(path));
    } catch (error) {
      const text = String(error);
      if (text.includes('Could not set lock')) return null;
      if (!damagedTexts.some((damaged) => text.includes(damaged))) throw slotFailure(folder, error);
    }
  }
  return null;
}

/** What DuckDB says of a file that is no database, is cut short, or has a wrong checksum. */
const damagedTexts = ['not a valid DuckDB', 'Could not read enough bytes', 'Corrupt database file'];

function openLock(path: string): Promise<DuckDBInstance> {
  return DuckDBInstance.create(path, { threads: '1' });
}

/**
 * Makes the lock file, null when it is there already. It appears whole and held: DuckDB makes it under a name of its
 * own, and `link` gives it the real one. Made in place, it would be empty and not yet locked for a moment; a rival that
 * opened it then would take it for a damaged one, hold the next name, and share the slot.
 */
async function makeLock(path: string, runtime: Runtime): Promise<DuckDBInstance | null> {
  if (await isThere(path)) return null;
  const draft = `${path}.${runtime.uuid()}.part`;
  const lock = await openLock(draft);
  try {
    await link(draft, path);
    return lock;
  } catch (error) {
    lock.closeSync();
    // Another process made it first, and may even have cleaned our draft away.
    if (await isThere(path)) return null;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function slotFailure(folder: string, cause: unknown): AppError {
  return new AppError('unavailable', `The replica slot ${folder} cannot be used.`, {
    cause,
    hint: 'Check that the temporary folder has room and may be written to.',
  });
}

/** Removes what a process that died in this slot left besides its replica. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name === 'spill' || name.endsWith('.part')) await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** Removes a replica and its write-ahead log from a slot. */
export async function removeReplica(slot: Slot): Promise<void> {
  for (const path of [slot.replicaPath, `${slot.replicaPath}.wal`, `${slot.replicaPath}.wal.checkpoint`]) {
    await rm(path, { force: true });
  }
}

/**
 * Frees the room that slots of dead processes hold: removes the replicas of free slots that nobody has used for ten
 * minutes. Their lock files stay (12 kB each). Never fails.
 */
export async function sweepSlots(root: string, runtime: Runtime): Promise<void> {
  const present = await realpath(root).catch(() => root);
  for (const name of await readdir(present).catch(() => [])) {
    const folder = join(present, name);
    const used = await stat(join(folder, 'replica.duckdb')).catch(() => null);
    const claimed = await stat(folder).catch(() => null);
    if (!used || !claimed || runtime.now() - Math.max(used.mtimeMs, claimed.mtimeMs) < idleMs) continue;
    const slot = await tryClaim(folder, runtime).catch(() => null);
    if (!slot) continue;
    await removeReplica(slot).catch(() => undefined);
    slot.release();
  }
}
