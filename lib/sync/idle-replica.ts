/**
 * The replica that an earlier process left on this machine, opened without the store: what a start can show of a database
 * whose store is away.
 */
import type { Runtime } from '../runtime.ts';
import { defaultSettings, type SyncSettings } from './context.ts';
import type { LocalState } from './overlay.ts';
import { noteProvedAt, provedAtMs } from './freshness.ts';
import { Replica } from './replica.ts';
import { claimLeftSlot, type Slot } from './slot.ts';

export interface IdleReplica extends LocalState {
  /** Closes the replica and gives the slot back. */
  close(): Promise<void>;
}

export interface IdleReplicaOptions {
  readonly slotRoot: string;
  readonly runtime: Runtime;
  readonly settings?: Partial<SyncSettings>;
}

/** Null when no process left a replica that can be used. */
export async function openIdleReplica({
  slotRoot,
  runtime,
  settings,
}: IdleReplicaOptions): Promise<IdleReplica | null> {
  const slot = await claimLeftSlot(slotRoot, runtime);
  if (!slot) return null;
  const provedMs = await provedAtMs(slot);
  const replica = await openQuietly(slot, { ...defaultSettings, ...settings });
  if (!replica) return null;
  // Closing the replica removes its write-ahead log, and the date of that with it.
  if (provedMs !== null) await noteProvedAt(slot, provedMs);
  return {
    position: replica.position,
    get ageMs() {
      return provedMs === null ? null : Math.max(0, runtime.now() - provedMs);
    },
    read: (work, signal) => replica.read(work, { signal }),
    openOverlay: () => replica.openOverlay(),
    close: async () => {
      await replica.close();
      slot.release();
    },
  };
}

/** A file that cannot be opened is no loss: the replica is rebuilt from the store. */
async function openQuietly(slot: Slot, settings: SyncSettings): Promise<Replica | null> {
  const replica = await Replica.open(slot, settings).catch(() => null);
  if (replica && replica.position.version > 0) return replica;
  await replica?.close();
  slot.release();
  return null;
}
