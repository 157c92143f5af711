/**
 * What every part of the engine shares: the store and its layout, time and chance, limits, and the steps at which a
 * test may stop the world. Types and defaults only.
 */
import type { Runtime } from '../runtime.ts';
import type { Store } from '../store/store.ts';
import type { Layout } from './layout.ts';
import type { Session } from './sql.ts';
import type { Transfers } from './transfers.ts';

/** Limits and times of the engine. The defaults are what the protocol's safety argument in docs/architecture.md assumes. */
export interface SyncSettings {
  /** A record is dropped only when it is older than this, in ms (24 h). */
  readonly retainMs: number;
  /** A replica that was last proved to be at the head longer ago looks for a newer snapshot first, in ms (1 h). */
  readonly proofMs: number;
  /**
   * A snapshot counts for retention, and one that newer ones replace is kept, for this long, in ms (2 h). Longer than
   * `proofMs` by the time that an upload may take: stores date an object by its end or, like S3, by its beginning.
   */
  readonly keepSnapshotMs: number;
  /** How long a write may try to commit, in ms, over lost races and store failures. */
  readonly commitDeadlineMs: number;
  /** How long of that, in ms, while the store cannot be reached: less where something else can take the write. */
  readonly awayMs: number;
  /** How much longer, in ms, when the store throttles: a write that can wait does not fail for that. */
  readonly throttledMs: number;
  /** Most requests in one commit. */
  readonly maxBatch: number;
  /** Most bytes in one record. */
  readonly maxRecordBytes: number;
  /** Most objects fetched at once. */
  readonly parallelReads: number;
  /** Downloads larger than this are split into ranges of this many bytes. */
  readonly downloadPartBytes: number;
  /** DuckDB's memory limit in bytes; absent: DuckDB's own default. */
  readonly memoryLimitBytes?: number;
  /** A read that runs longer than this is stopped, in ms. */
  readonly readDeadlineMs: number;
  /** Most read transactions at once; more wait. */
  readonly maxReaders: number;
}

const hour = 3_600_000;

export const defaultSettings: SyncSettings = {
  retainMs: 24 * hour,
  proofMs: hour,
  keepSnapshotMs: 2 * hour,
  commitDeadlineMs: 20_000,
  awayMs: 20_000,
  throttledMs: 60_000,
  maxBatch: 256,
  maxRecordBytes: 16 * 1024 * 1024,
  parallelReads: 64,
  downloadPartBytes: 8 * 1024 * 1024,
  readDeadlineMs: 30_000,
  maxReaders: 16,
};

/** The points between which a crash could matter, in the order in which they are passed. */
export type Step =
  | 'slot-claimed'
  | 'snapshot-chosen'
  | 'snapshot-downloaded'
  | 'replica-opened'
  | 'adopted-uploaded'
  | 'tail-applying'
  | 'tail-applied'
  | 'batch-run'
  | 'record-creating'
  | 'record-created'
  | 'replica-committed'
  | 'checkpoint-local'
  | 'snapshot-uploading'
  | 'snapshot-uploaded'
  | 'published'
  | 'records-dropping'
  | 'records-dropped'
  | 'snapshots-dropped'
  | 'replica-closing';

/** Prepares the copy of an adopted database file for the first snapshot. If it fails, the file is unchanged. */
export type PrepareAdopted = (session: Session) => Promise<void>;

export interface SyncContext {
  readonly store: Store;
  readonly layout: Layout;
  readonly runtime: Runtime;
  readonly settings: SyncSettings;
  /** Id of this process in records. */
  readonly writer: string;
  /** Called at each step; what it throws is thrown there. */
  readonly step: (step: Step) => void | Promise<void>;
  readonly prepareAdopted: PrepareAdopted;
  readonly transfers: Transfers;
  /** Records a problem that did not stop the operation; db-status shows it. */
  readonly warn: (message: string, cause?: unknown) => void;
}
