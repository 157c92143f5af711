/** A file that was put over the published one, as if that restored a backup: Eider never reads it, so it has to warn. */
import type { ObjectInfo } from '../store/store.ts';
import type { SyncContext } from './context.ts';
import { listSnapshots, type SnapshotInfo } from './snapshot.ts';

/**
 * A small file is compared whole, of a large one four parts: DuckDB's headers at its beginning change with every checkpoint.
 * https://duckdb.org/docs/stable/internals/storage
 */
const partBytes = 256 * 1024;
const partsCompared = 4;

/** Whether the file at the database's name is a copy of no snapshot. `known`: the one that it most likely is. */
export async function hasForeignFile(context: SyncContext, known: SnapshotInfo | null): Promise<boolean> {
  const { store, layout } = context;
  const file = await store.head(layout.databaseFile);
  if (!file || (known && (await isCopyOf(context, file, known)))) return false;
  const snapshots = await listSnapshots(context);
  // What was adopted is there until the first checkpoint.
  if (snapshots.length === 0 || snapshots.some(({ version }) => version === 0)) return false;
  for (const snapshot of snapshots) if (await isCopyOf(context, file, snapshot)) return false;
  return true;
}

async function isCopyOf({ store }: SyncContext, file: ObjectInfo, snapshot: SnapshotInfo): Promise<boolean> {
  if (file.size !== snapshot.bytes) return false;
  const step = Math.max(partBytes, (file.size - partBytes) / (partsCompared - 1));
  for (let start = 0; start < file.size; start += step) {
    const range = { start: Math.floor(start), end: Math.floor(start) + partBytes };
    const [ours, theirs] = await Promise.all([file.key, snapshot.key].map((key) => store.get(key, { range })));
    if (!ours || !theirs || Buffer.compare(ours, theirs) !== 0) return false;
  }
  return true;
}
