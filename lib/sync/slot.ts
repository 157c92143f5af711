/**
 * Replica slots: folders `<root>/<n>/` of which each live process owns one. A process that comes after another in the
 * same slot finds its replica and may resume from it.
 *
 * The lock of a slot is an empty file that SQLite holds: the operating system gives it back when the process ends,
 * however it ends.
 */
import { mkdir, readdir, realpath, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AppError } from '../errors.ts';
import { makeOwnFolder, requireOwnFolder } from '../folders.ts';
import type { Runtime } from '../runtime.ts';
import { proofIn, provedAtMs } from './freshness.ts';

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
  readonly database: DatabaseSync;
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
  return slotOf(await claimFree(root, runtime), () => claimFree(root, runtime));
}

function slotOf(first: Claim, claimNext: () => Promise<Claim>): Slot {
  let claim = first;
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
      // Before the old name is released: another process may already hold a file of that name.
      const next = await claimNext();
      release(claim);
      claim = next;
    },
    release: () => release(claim),
  };
}

/**
 * Claims a free slot under `root` that a process left a replica in, without making any. The one used last comes first.
 * Null when there is none.
 */
export async function claimLeftSlot(root: string, runtime: Runtime): Promise<Slot | null> {
  const isOwn = await requireOwnFolder(root).then(
    () => true,
    () => false,
  );
  if (!isOwn) return null;
  const folder = await realpath(root);
  const left: { readonly path: string; readonly usedMs: number }[] = [];
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    const replica = await stat(replicaIn(path)).catch(() => null);
    if (replica)
      left.push({
        path,
        usedMs: (await provedAtMs({ folder: path, replicaPath: replicaIn(path) })) ?? replica.mtimeMs,
      });
  }
  for (const { path } of left.toSorted((a, b) => b.usedMs - a.usedMs)) {
    const claim = await tryClaim(path, runtime).catch(() => null);
    if (claim) return slotOf(claim, () => Promise.resolve(claim));
  }
  return null;
}

async function isInPlace({ path, inode }: Lock): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found?.ino === inode;
}

const replicaIn = (folder: string): string => join(folder, 'replica.duckdb');

function release({ folder, lock }: Claim): void {
  lock.database.close();
  claimedHere.delete(folder);
}

async function claimFree(root: string, runtime: Runtime): Promise<Claim> {
  await makeFolder(root, makeOwnFolder);
  // One spelling for one folder, as the set of what is claimed here compares names.
  const folder = await realpath(root);
  for (let number = 0; number < mostSlots; number++) {
    const claim = await tryClaim(join(folder, String(number)), runtime);
    if (claim) return claim;
  }
  throw new AppError('unavailable', `All ${mostSlots} replica slots under ${root} are in use.`, {
    hint: 'Run fewer processes on one machine, or give some of them another temporary folder.',
  });
}

async function tryClaim(folder: string, runtime: Runtime): Promise<Claim | null> {
  if (claimedHere.has(folder)) return null;
  claimedHere.add(folder);
  let claim: Claim | null = null;
  try {
    await makeFolder(folder, makePlain);
    const lock = await lockFolder(folder, runtime);
    claim = lock && (await tidySlot({ folder, lock }, runtime));
    return claim;
  } finally {
    if (!claim) claimedHere.delete(folder);
  }
}

async function tidySlot(claim: Claim, runtime: Runtime): Promise<Claim> {
  try {
    await removeTemporaryFiles(claim.folder);
    const now = runtime.now() / 1000;
    await utimes(claim.folder, now, now);
    return claim;
  } catch (error) {
    claim.lock.database.close();
    throw slotFailure(claim.folder, error);
  }
}

async function makeFolder(folder: string, make: (path: string) => Promise<unknown>): Promise<void> {
  try {
    await make(folder);
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError('unavailable', `The replica folder ${folder} cannot be created.`, {
      cause,
      hint: 'Set TMPDIR to a folder that this process may write to.',
    });
  }
}

const makePlain = (path: string): Promise<unknown> => mkdir(path, { recursive: true, mode: 0o700 });

/**
 * Holds the slot's lock file, null when another process does. Something else may lie where it should be; that stays as
 * it is, and all processes go on to the next name.
 */
async function lockFolder(folder: string, runtime: Runtime): Promise<Lock | null> {
  for (let attempt = 0; attempt < 10; attempt++) {
    const path = join(folder, `lock${attempt === 0 ? '' : `.${attempt}`}`);
    try {
      const database = lockFile(path) ?? (await lockFileLater(path, runtime));
      return database && { path, database, inode: (await stat(path)).ino };
    } catch (error) {
      if (codeOf(error) !== codes.notDatabase) throw slotFailure(folder, error);
    }
  }
  return null;
}

/** Of two processes that ask in the same moment SQLite may refuse both; after a moment of chance one gets it. */
async function lockFileLater(path: string, runtime: Runtime): Promise<DatabaseSync | null> {
  await runtime.sleep(1 + runtime.random() * 4);
  return lockFile(path);
}

/**
 * A transaction that writes nothing, not even a journal (the disk may be full), and holds the file until it is closed:
 * SQLite takes the lock of the system for it. Null when another process has it.
 */
function lockFile(path: string): DatabaseSync | null {
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    if (codeOf(error) === codes.busy) return null;
    throw error;
  }
}

/** https://sqlite.org/rescode.html */
const codes = { busy: 5, notDatabase: 26 };

function codeOf(error: unknown): number | null {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : null;
}

function slotFailure(folder: string, cause: unknown): AppError {
  return new AppError('unavailable', `The replica slot ${folder} cannot be used.`, {
    cause,
    hint: 'Check that the temporary folder has room and may be written to.',
  });
}

/** Removes what a process that died in this slot left besides its replica. */
async function removeTemporaryFiles(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name === 'spill' || name.endsWith('.part')) await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** Removes a replica and its write-ahead log from a slot. */
export async function removeReplica({ replicaPath }: Pick<Slot, 'replicaPath'>): Promise<void> {
  const proof = proofIn(dirname(replicaPath));
  for (const path of [proof, replicaPath, `${replicaPath}.wal`, `${replicaPath}.wal.checkpoint`]) {
    await rm(path, { force: true });
  }
}

/**
 * Frees the room that slots of dead processes hold: removes the replicas of free slots that nobody has used for ten
 * minutes. Their lock files stay (they are empty). Never fails.
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
