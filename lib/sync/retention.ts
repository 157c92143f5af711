/**
 * Retention: what the store no longer needs, as a pure function of what it lists, and dropping it.
 *
 * A record goes only when two snapshots at or after it are themselves old enough for every replica to have heard of
 * them, and all ages are taken on the store's own clock, from the objects it dates.
 */
import type { ObjectInfo } from '../store/store.ts';
import type { SyncContext, SyncSettings } from './context.ts';
import type { Layout } from './layout.ts';
import type { SnapshotInfo } from './snapshot.ts';

export interface Droppable {
  readonly records: readonly string[];
  readonly snapshots: readonly string[];
  readonly bulks: readonly string[];
}

export interface Listed {
  /** Newest first. */
  readonly snapshots: readonly SnapshotInfo[];
  /** Oldest first; only the beginning need be there. */
  readonly records: readonly ObjectInfo[];
  readonly bulks: readonly ObjectInfo[];
}

/**
 * What may be dropped at `nowMs` on the store's clock:
 *
 * - record n, older than `retainMs`, when two snapshots of version ≥ n are older than `keepSnapshotMs`;
 * - a snapshot when two newer ones are older than `keepSnapshotMs`;
 * - a bulk state when every record that could name it is gone.
 */
export function findDroppable(listed: Listed, layout: Layout, settings: SyncSettings, nowMs: number): Droppable {
  const settled = listed.snapshots.filter(({ modifiedAt }) => nowMs - modifiedAt.getTime() > settings.keepSnapshotMs);
  const covered = settled[1]?.version ?? 0;
  const isOld = (object: ObjectInfo): boolean => nowMs - object.modifiedAt.getTime() > settings.retainMs;
  const isDroppable = (object: ObjectInfo): boolean =>
    (layout.recordVersion(object.key) ?? Infinity) <= covered && isOld(object);
  const firstKept = listed.records.findIndex((object) => !isDroppable(object));
  const records = firstKept === -1 ? listed.records : listed.records.slice(0, firstKept);
  // A bulk record is created after its object, within a commit's time; a day of grace is ample.
  const oldestKeptMs = firstKept === -1 ? nowMs : (listed.records[firstKept]?.modifiedAt.getTime() ?? nowMs);
  const bulks = listed.bulks.filter(
    (object) => isOld(object) && object.modifiedAt.getTime() < oldestKeptMs - settings.retainMs,
  );
  return {
    records: records.map(({ key }) => key),
    snapshots: settled.slice(2).map(({ key }) => key),
    bulks: bulks.map(({ key }) => key),
  };
}

export interface Dropped {
  readonly records: number;
  readonly snapshots: number;
}

/**
 * Drops one round (up to 1,000 records) of what is no longer needed. `snapshots`: as they were listed a moment ago; one that
 * was dropped since has two newer ones that are settled. `nowMs`: a recent time on the store's clock.
 */
export async function dropUnneeded(
  context: SyncContext,
  snapshots: readonly SnapshotInfo[],
  nowMs: number,
): Promise<Dropped> {
  const { store, layout, settings } = context;
  const [records, bulks] = await Promise.all([store.list(layout.logPrefix), store.list(layout.bulkPrefix)]);
  // Both clocks must agree: the store's, and ours in case the store's date was wrong once.
  const now = Math.min(nowMs, context.runtime.now());
  const droppable = findDroppable({ snapshots, records: records.objects, bulks: bulks.objects }, layout, settings, now);
  await context.step('records-dropping');
  // Oldest first and apart from the rest: a crash in the middle leaves no hole, only a later beginning.
  if (droppable.records.length > 0) await store.delete(droppable.records);
  await context.step('records-dropped');
  const others = [...droppable.snapshots, ...droppable.bulks];
  if (others.length > 0) await store.delete(others);
  await context.step('snapshots-dropped');
  return { records: droppable.records.length, snapshots: droppable.snapshots.length };
}
