/**
 * A file beside a replica, dated when the replica was last proved to be at the head of its log: for a process that finds
 * it while the store is unavailable.
 */
import { stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Runtime } from '../runtime.ts';

/** Where a replica is. */
interface FreshnessPlace {
  readonly folder: string;
  readonly replicaPath: string;
}

/** How often, at most, a running process renews the file, in ms. */
const renewMs = 10_000;

export const proofIn = (folder: string): string => join(folder, 'proved');

/** In ms since 1970; null when unknown. */
export async function provedAtMs({ folder, replicaPath }: FreshnessPlace): Promise<number | null> {
  const paths = [proofIn(folder), `${replicaPath}.wal`];
  const [note, wal] = await Promise.all(paths.map((path) => stat(path).catch(() => null)));
  // Only commits and records, which are applied on the way to the head, are written to the write-ahead log.
  const newest = Math.max(note?.mtimeMs ?? 0, wal?.mtimeMs ?? 0);
  return newest === 0 ? null : newest;
}

/** Never fails: without the file the time is unknown. */
export async function noteProvedAt({ folder }: FreshnessPlace, atMs: number): Promise<void> {
  const path = proofIn(folder);
  await writeFile(path, '', { flag: 'a', mode: 0o600 }).catch(() => undefined);
  await utimes(path, atMs / 1000, atMs / 1000).catch(() => undefined);
}

export class FreshnessFile {
  readonly #runtime: Runtime;
  #writtenMs = -Infinity;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Records a proof of this age, unless one was recorded a moment ago. */
  async renew(place: FreshnessPlace, ageMs: number): Promise<void> {
    if (Math.abs(this.#runtime.now() - this.#writtenMs) >= renewMs) await this.write(place, ageMs);
  }

  async write(place: FreshnessPlace, ageMs: number): Promise<void> {
    if (!Number.isFinite(ageMs)) return;
    this.#writtenMs = this.#runtime.now();
    await noteProvedAt(place, this.#writtenMs - ageMs);
  }

  /** The replica that it was about has gone. */
  forget(): void {
    this.#writtenMs = -Infinity;
  }
}
