/**
 * What the store must hold when all is over: snapshots that are what their names say, and the newest of them published.
 */
import { createHash } from 'node:crypto';
import { readSnapshot } from './files.ts';
import { checkFinalState } from './invariants.ts';
import type { Version } from './log-model.ts';
import { Violation } from './violation.ts';
import { versionOf } from './retention.ts';
import { shorten, type SimulatedStore, type StoredObject } from './store.ts';

export interface End {
  readonly store: SimulatedStore;
  readonly versions: readonly Version[];
  readonly folder: string;
  readonly databaseName: string;
}

export async function checkEnd(end: End): Promise<void> {
  const snapshots = [...end.store.objects.values()].filter(({ key }) => key.endsWith('.duckdb'));
  const rows = new Set<number | null>();
  for (const snapshot of snapshots) await checkSnapshot(end, snapshot, rows);
  if (rows.size > 1)
    throw new Violation('same state at the same version', `snapshots have ${[...rows].join(' and ')} adopted rows`);
  const newest = snapshots.toSorted((a, b) => versionOf(a)! - versionOf(b)! || a.born - b.born).at(-1);
  const published = end.store.objects.get(end.databaseName);
  const isSame =
    newest &&
    published &&
    snapshots.some((each) => versionOf(each) === versionOf(newest) && sha256(each) === sha256(published));
  if (!isSame) throw new Violation('the published file is the newest snapshot', 'after a sync in peace it is another');
}

async function checkSnapshot(
  { versions, folder }: End,
  snapshot: StoredObject,
  adoptedRows: Set<number | null>,
): Promise<void> {
  if (snapshot.isRotten) return;
  requireNamedBytes(snapshot);
  const version = versionOf(snapshot)!;
  // Nobody's, where another file was adopted; and the base has no position of its own.
  if (version === 0) return;
  const found = await readSnapshot(folder, snapshot.bytes).catch((error: unknown) => {
    throw new Violation('snapshots are whole', `${shorten(snapshot.key)} cannot be read: ${String(error)}`);
  });
  if (found.version !== version)
    throw new Violation('snapshots are whole', `${shorten(snapshot.key)} stands at version ${found.version}`);
  checkFinalState(versions, shorten(snapshot.key), version, found.text);
  adoptedRows.add(found.legacyRows);
}

/** An object whose name carries a hash has bytes of that hash. */
export function requireNamedBytes(object: StoredObject): void {
  if (object.key.endsWith('.duckdb') && !object.key.includes(sha256(object)))
    throw new Violation('snapshots are whole', `${shorten(object.key)} has other bytes than its name says`);
}

function sha256({ bytes }: StoredObject): string {
  return createHash('sha256').update(bytes).digest('hex');
}
