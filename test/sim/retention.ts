/**
 * Rule 5, watched from outside: whenever an object goes, what the design asks for must be there. And what is left must be
 * enough, also when the newest snapshot turned out to be damaged.
 */
import { Violation } from './violation.ts';
import { hour } from './plan.ts';
import type { SimulatedStore, StoredObject } from './store.ts';

const retainMs = 24 * hour;
const keepSnapshotMs = 2 * hour;

export function watchRetention(store: SimulatedStore, object: StoredObject): void {
  const version = versionOf(object);
  if (version === null) return;
  const covering = snapshotsOf(store).filter((each) => each !== object && versionOf(each)! >= version);
  const settled = covering.filter((each) => store.clockMs - each.modifiedAt > keepSnapshotMs);
  if (settled.length < 2) refuse(object, `${settled.length} settled snapshots cover it`);
  if (object.key.endsWith('.json') && store.clockMs - object.modifiedAt <= retainMs)
    refuse(object, 'it is younger than a day');
}

function refuse({ key }: StoredObject, why: string): never {
  throw new Violation('retention drops nothing needed', `${key} was dropped, though ${why}`);
}

function snapshotsOf(store: SimulatedStore): StoredObject[] {
  return [...store.objects.values()].filter(({ key }) => key.endsWith('.duckdb'));
}

/** Of a record or a snapshot; null for any other object. */
export function versionOf({ key }: StoredObject): number | null {
  const match = /\.(?:log|snapshots)\/(\d{16})[.-]/.exec(key);
  return match ? Number(match[1]) : null;
}
