/**
 * What a test and its worker process say to each other: calls over the channel, and the journal, a file that the
 * worker writes line by line and synchronously, so that a kill at any moment leaves what it had tried and what had been
 * acknowledged to it.
 */
import type { ErrorKind } from '../../../lib/errors.ts';
import type { SyncReport } from '../../../lib/db/database.ts';
import type { OperationName } from '../../../lib/testing/counting.ts';
import type { Step, SyncSettings } from '../../../lib/sync/context.ts';
import type { LedgerState, Operation } from './ledger.ts';

/** Where a worker can be caught: a step of the engine, or just before or after an operation of the store. */
export type Place = Step | `${'before' | 'after'}:${OperationName}` | 'inside-read';

export interface Trap {
  readonly at: Place;
  /** At which passing of the place, from 1 on, counted from when the trap was set. */
  readonly passing: number;
  /** `kill`: SIGKILL. `freeze`: SIGSTOP, until someone sends SIGCONT. */
  readonly action: 'kill' | 'freeze';
  /** The trap that is set as soon as this one has caught it. */
  readonly next?: Trap;
}

export interface WorkerOptions {
  /** Folder of the store, unless `environment` names another. */
  readonly root: string;
  readonly name: string;
  /** Names the store as the environment of a function does; else it is the folder. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly slotRoot: string;
  /** Path of the journal. */
  readonly journal: string;
  readonly settings?: Partial<SyncSettings>;
  /** How long one operation of the store is tried again, in ms; short where an outage is to be answered soon. */
  readonly retryDeadlineMs?: number;
  readonly trap?: Trap;
  /** Notes every place that is passed in the journal. */
  readonly trace?: boolean;
  /** `app`: through the composition root, as a function does it, its answer to SIGTERM included. */
  readonly through?: 'engine' | 'app';
}

export type JournalLine =
  | { readonly t: 'pass'; readonly at: Place }
  | { readonly t: 'frozen'; readonly at: Place }
  | { readonly t: 'opened'; readonly ms: number }
  | { readonly t: 'try'; readonly operation: Operation }
  | { readonly t: 'ack'; readonly id: string; readonly version: number }
  | { readonly t: 'refused'; readonly id: string; readonly kind: Refusal; readonly message: string }
  | { readonly t: 'violation'; readonly message: string };

/** Why a write was refused: the kind of its AppError, `overdrawn`, or `defect` for whatever else was thrown. */
export type Refusal = ErrorKind | 'overdrawn' | 'defect';

export type WriteOutcome =
  | { readonly ok: true; readonly version: number }
  | { readonly ok: false; readonly kind: Refusal; readonly message: string };

export interface RunOptions {
  /** Concurrent clients. */
  readonly clients: number;
  readonly seed: number;
  /** Ends after so many operations a client, or at the call `stop`. */
  readonly operations?: number;
  /** Calls `maintain` after every write, as a function does behind its answer. */
  readonly maintain?: boolean;
}

export interface RunReport {
  readonly acknowledged: number;
  readonly refused: number;
  readonly ms: number;
  /** Of acknowledged writes. */
  readonly medianMs: number;
  readonly slowestMs: number;
}

export interface Seen {
  readonly version: number;
  readonly hash: string;
  readonly ledger: LedgerState;
}

/** The calls that a worker answers once it has opened the database. */
export interface Calls {
  write(operation: Operation): WriteOutcome;
  read(maxStalenessMs?: number): Seen;
  /** Runs clients until they have done their operations or are stopped. */
  run(options: RunOptions): RunReport;
  stop(): void;
  sync(): SyncReport;
  /** Warnings of the status. */
  warnings(): readonly string[];
  trap(trap: Trap): void;
  /** Moves both clocks of the worker forward. */
  advance(ms: number): void;
  operations(): Readonly<Record<OperationName, number>>;
  close(): void;
}

export type CallName = keyof Calls;

export interface CallMessage {
  readonly id: number;
  readonly name: CallName;
  readonly arguments: readonly unknown[];
}

export type ReplyMessage =
  | { readonly opened: true }
  | { readonly opened: false; readonly error: string }
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string };
