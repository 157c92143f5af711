/** How much has been committed since the newest snapshot: what the checkpoint policy goes by, and db-status shows. */
import type { SnapshotInfo } from './snapshot.ts';

/** What has been committed since the newest snapshot that this process knows of. */
export interface Tail {
  readonly snapshot: SnapshotInfo | null;
  readonly records: number;
  /** Bytes of those records; estimated for the ones that another process applied to this replica. */
  readonly bytes: number;
}

/** What a record of one small change weighs, for records whose bytes were not seen. */
const estimatedRecordBytes = 800;

export class TailCount {
  #snapshot: SnapshotInfo | null = null;
  #bytes = 0;

  /** The tail of a replica at `version`. */
  at(version: number): Tail {
    return { snapshot: this.#snapshot, records: version - (this.#snapshot?.version ?? 0), bytes: this.#bytes };
  }

  /** Records the newest snapshot at or below the replica's `version`. */
  noteSnapshot(snapshot: SnapshotInfo, version: number): void {
    if (this.#snapshot && this.#snapshot.version >= snapshot.version) return;
    this.#snapshot = snapshot;
    this.#bytes = (version - snapshot.version) * estimatedRecordBytes;
  }

  /** Adds records that the replica applied. */
  add(bytes: number): void {
    this.#bytes += bytes;
  }

  /** The replica begins again from some snapshot, which is recorded later. */
  forgetSnapshot(): void {
    this.#snapshot = null;
  }
}
