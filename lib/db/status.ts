/** What a backend says of itself, and of what `sync` did. */
import { AppError } from '../errors.ts';
import type { UsageReport } from '../store/usage.ts';
import type { EngineName, PlainValue } from '../values.ts';

export interface CheckpointStatus {
  /** Version of the newest snapshot that this process knows of; null when there is none yet. */
  readonly version: number | null;
  /** ISO 8601; null when unknown. */
  readonly at: string | null;
  /** Size of that snapshot. */
  readonly bytes: number | null;
  /** Records committed after it. */
  readonly recordsSince: number;
}

/** A large object on its way to or from the store. */
export interface TransferStatus {
  readonly direction: 'upload' | 'download';
  readonly key: string;
  readonly bytes: number;
  readonly totalBytes: number;
}

/** A pending write for another database, found where this database's are kept. */
export interface StrandedWrite {
  readonly id: string;
  /** ISO 8601; like what follows, null where the write cannot be read. */
  readonly acceptedAt: string | null;
  /** The backend that keeps it. */
  readonly keptIn: string;
  /** A hash of the place of the database that it was meant for. */
  readonly address: string | null;
  /** What that database says of itself; null also where it had never been reached. */
  readonly database: string | null;
  readonly reason: string;
  readonly command: PlainValue | null;
}

export interface StrandedWrites {
  list(): Promise<readonly StrandedWrite[]>;
  /** Removes those of the ids that are stranded, for good; answers which. */
  dismiss(ids: readonly string[]): Promise<readonly string[]>;
}

/** What serves while the chosen backend is away. */
export interface OutageStatus {
  /** ISO 8601. */
  readonly since: string;
  /** For operators. */
  readonly reason: string;
  readonly nextLookInSeconds: number;
  /** The backend whose data answer. */
  readonly servedBy: string;
  readonly source: string;
  /** Null when unknown. */
  readonly ageSeconds: number | null;
  /** What becomes of writes. */
  readonly writes: string;
  /** What can be lost; null when nothing that was acknowledged can. */
  readonly atRisk: string | null;
}

export interface DatabaseStatus {
  readonly engine: EngineName;
  readonly location: string;
  readonly databaseId: string | null;
  readonly version: number;
  /** Null on an engine that has none: PostgreSQL keeps its data itself. */
  readonly checkpoint: CheckpointStatus | null;
  readonly pendingWrites: number;
  /** Present while the chosen backend is away. */
  readonly outage?: OutageStatus;
  readonly transfers: readonly TransferStatus[];
  /** Requests to the store since this process began; null when they are not billed. */
  readonly usage: UsageReport | null;
  /** Trouble that did not stop the last operation (a failed checkpoint, say); newest last, without secrets. */
  readonly warnings: readonly string[];
  /** The copy behind PostgreSQL; absent where there is none to be. */
  readonly mirror?: MirrorStatus;
}

/** A DuckDB copy of a PostgreSQL database. */
export interface MirrorStatus {
  /** The backend that has it. */
  readonly backend: string;
  /** Of the PostgreSQL database, at the last refresh; null before the first. */
  readonly version: number | null;
  /** When that was its state, ISO 8601. */
  readonly at: string | null;
  readonly ageSeconds: number | null;
  /** Why the last refresh failed; null when it did not. */
  readonly trouble: string | null;
}

/** How the mirror was refreshed: all rows copied, changes replayed, or nothing to do. */
export type MirrorOutcome =
  | {
      readonly how: 'copied' | 'replayed' | 'current';
      readonly rows: number;
      readonly version: number;
      readonly at: string;
    }
  | { readonly how: 'failed'; readonly reason: string };

/** What `sync` did. */
export interface SyncReport {
  /** Version before and after catching up. */
  readonly from: number;
  readonly version: number;
  readonly recordsApplied: number;
  /** Null on an engine that has none. */
  readonly checkpoint: { readonly version: number; readonly bytes: number; readonly uploaded: boolean } | null;
  /** Published copy of the snapshot, if this call wrote it. */
  readonly published: boolean;
  readonly dropped: { readonly records: number; readonly snapshots: number };
  /** Pending writes that were run, and those that no longer fitted. */
  readonly pendingDrained: number;
  readonly pendingRejected?: number;
  /** On PostgreSQL, with a DuckDB backend behind it. */
  readonly mirror?: MirrorOutcome;
  readonly durationMs: number;
}

/** Why a process that never reached its database is closed; and what waits for it, where that can be read. */
export class ClosedError extends AppError {
  readonly waiting: () => Promise<WaitingWrites>;

  constructor(reason: AppError, waiting: () => Promise<WaitingWrites>) {
    const { message, cause, hint, retryAfterMs } = reason;
    super(reason.kind, message, {
      ...(cause === undefined ? {} : { cause }),
      ...(hint === undefined ? {} : { hint }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
    this.waiting = waiting;
  }
}

export interface WaitingWrites {
  readonly pendingWrites: number;
  readonly strandedWrites: readonly StrandedWrite[];
}
