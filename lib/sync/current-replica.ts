/** The replica that this process works on now, and its replacement. */
import { onPath } from '../store/errno.ts';
import type { SyncContext } from './context.ts';
import { breaksReplica } from './local-disk.ts';
import type { Replica } from './replica.ts';
import type { Slot } from './slot.ts';
import { rebuildReplica, startReplica, type Started } from './start.ts';
import type { Look } from './snapshot.ts';

export class CurrentReplica {
  readonly slot: Slot;
  readonly #context: SyncContext;
  /** Keys of snapshots that cannot be used. */
  readonly #damaged: Set<string>;
  /** Snapshots whose replicas broke. */
  readonly #suspects = new Set<string>();
  #madeFrom: string | null;
  #replica: Replica;
  /** Resolves to the replica; pending while it is being replaced. */
  #ready: Promise<Replica>;

  private constructor(context: SyncContext, slot: Slot, damaged: Set<string>, { replica, madeFrom }: Started) {
    this.#context = context;
    this.slot = slot;
    this.#damaged = damaged;
    this.#madeFrom = madeFrom;
    this.#replica = replica;
    this.#ready = Promise.resolve(replica);
  }

  /** Starts the replica in `slot`. `look`: one at the snapshots that has begun already. */
  static async start(
    context: SyncContext,
    slot: Slot,
    look?: Promise<Look>,
  ): Promise<{ current: CurrentReplica; started: Started }> {
    const damaged = new Set<string>();
    const started = await onPath(slot.folder, () => startReplica(context, slot, damaged, look));
    return { current: new CurrentReplica(context, slot, damaged, started), started };
  }

  /** The replica, also while it is being replaced: only for the holder of the host's turn. */
  get replica(): Replica {
    return this.#replica;
  }

  /** Key of the snapshot that the replica was made from, null when it was made from something else. */
  get madeFrom(): string | null {
    return this.#madeFrom;
  }

  /** The replica for reading: waits while it is being replaced. */
  ready(): Promise<Replica> {
    return this.#ready;
  }

  isDamaged(snapshotKey: string): boolean {
    return this.#damaged.has(snapshotKey);
  }

  /** Rebuilds the replica from the newest good snapshot; calls `note` before readers see it. */
  async restart(note: (started: Started) => void): Promise<void> {
    this.#suspectSnapshot();
    await this.replace(async () => {
      const started = await rebuildReplica(this.#context, this.slot, this.#damaged);
      this.#replica = started.replica;
      this.#madeFrom = started.madeFrom;
      note(started);
      return started.replica;
    });
  }

  /**
   * A replica may break by the disk that it is on. When that happens twice to what was made from one snapshot, DuckDB
   * cannot read the snapshot, though its hash fits: what was uploaded was damaged before.
   */
  #suspectSnapshot(): void {
    if (this.#madeFrom === null || !breaksReplica(this.#replica.retired)) return;
    if (this.#suspects.has(this.#madeFrom)) {
      this.#damaged.add(this.#madeFrom);
      this.#context.warn(`DuckDB cannot read all of the snapshot ${this.#madeFrom}; using the one before it.`);
    }
    this.#suspects.add(this.#madeFrom);
  }

  /** Closes the replica once its readers have ended, and lets `make` provide the next; readers wait meanwhile. */
  async replace(make: () => Promise<Replica>): Promise<void> {
    let settle!: { resolve: (replica: Replica) => void; reject: (reason: unknown) => void };
    this.#ready = new Promise((resolve, reject) => (settle = { resolve, reject }));
    this.#ready.catch(() => undefined);
    try {
      await this.#replica.close();
      await this.slot.secure();
      this.#replica = await onPath(this.slot.folder, make);
      settle.resolve(this.#replica);
    } catch (error) {
      settle.reject(error);
      throw error;
    }
  }
}
