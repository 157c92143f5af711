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
  /**
   * Moves to another free slot when the lock file of this one is gone (someone cleaned the temporary folder): any process
   * may claim the slot then. To be called while no replica is open. No-op otherwise.
   */
  secure(): Promise<void>;
  release(): void;
}

/** A folder that this process holds by its lock file. */
interface Claim {
  readonly folder: string;
  readonly lock: Lock;
}

interface Lock {
  readonly path: string;
  readonly instance: DuckDBInstance;
  /** Of the file that is held; nobody else gets the number as long as it is. */
  readonly inode: number;
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
  let claim = await claimFree(root, runtime);
  return {
    get folder() {
      return claim.folder;
    },
    get replicaPath() {
      return replicaIn(claim.folder);
    },
    get spillPath() {
      return join(claim.folder, 'spill');
    },
    async secure() {
      if (await isInPlace(claim.lock)) return;
      // Before the old name is free again: another one of the same name may be somebody's by now.
      const next = await claimFree(root, runtime);
      release(claim);
      claim = next;
    },
    release: () => release(claim),
  };
}

async function isInPlace({ path, inode }: Lock): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found?.ino === inode;
}

const replicaIn = (folder: string): string => join(folder, 'replica.duckdb');

function release({ folder, lock }: Claim): void {
  lock.instance.closeSync();
  claimedHere.delete(folder);
}

async function claimFree(root: string, runtime: Runtime): Promise<Claim> {
  await makeFolder(root);
  // One spelling for one folder, as the set of what is claimed here compares names.
  const folder = await realpath(root);
  for (let number = 0; number < mostSlots; number++) {
    const claim = await tryClaim(join(folder, String(number)), runtime);
    if (claim) return claim;
  }
  throw new AppError('unavailable', `All ${mostSlots} replica slots under ${root} are taken.`, {
    hint: 'Fewer processes on one machine, or another temporary folder for some of them.',
  });
}

async function tryClaim(folder: string, runtime: Runtime): Promise<Claim | null> {
  if (claimedHere.has(folder)) return null;
  claimedHere.add(folder);
  let claim: Claim | null = null;
  try {
    await makeFolder(folder);
    const lock = await lockFolder(folder, runtime);
    claim = lock && (await tidySlot({ folder, lock }, runtime));
    return claim;
  } finally {
    if (!claim) claimedHere.delete(folder);
  }
}

async function tidySlot(claim: Claim, runtime: Runtime): Promise<Claim> {
  try {
    await removeLeftovers(claim.folder);
    const now = runtime.now() / 1000;
    await utimes(claim.folder, now, now);
    return claim;
  } catch (error) {
    claim.lock.instance.closeSync();
    throw slotFailure(claim.folder, error);
  }
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
async function lockFolder(folder: string, runtime: Runtime): Promise<Lock | null> {
  for (let attempt = 0; attempt < 10; attempt++) {
    const path = join(folder, `lock${attempt === 0 ? '' : `.${attempt}`}`);
    try {
      const instance = (await makeLock(path, runtime)) ?? (await openLock(path));
      return { path, instance, inode: (await stat(path)).ino };
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
export async function removeReplica({ replicaPath }: Pick<Slot, 'replicaPath'>): Promise<void> {
  for (const path of [replicaPath, `${replicaPath}.wal`, `${replicaPath}.wal.checkpoint`]) {
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
    const used = await stat(replicaIn(folder)).catch(() => null);
    const claimed = await stat(folder).catch(() => null);
    if (!used || !claimed || runtime.now() - Math.max(used.mtimeMs, claimed.mtimeMs) < idleMs) continue;
    const claim = await tryClaim(folder, runtime).catch(() => null);
    if (!claim) continue;
    await removeReplica({ replicaPath: replicaIn(folder) }).catch(() => undefined);
    release(claim);
  }
}
