/**
 * The two ends of a move, and what it is asked for. Types only.
 */
import type { Runtime } from '../../runtime.ts';
import type { Engine } from '../../sync/engine.ts';
import type { ConnectionPool } from '../postgres/pool.ts';
import type { OnMoveEvent } from './report.ts';

export interface DuckDbEnd {
  readonly kind: 'duckdb';
  /** For people: which store, and the name in it. */
  readonly location: string;
  readonly engine: Engine;
}

export interface PostgresEnd {
  readonly kind: 'postgres';
  /** For people: host, port and database. */
  readonly location: string;
  readonly pool: ConnectionPool;
}

export type MoveEnd = DuckDbEnd | PostgresEnd;

export interface MoveOptions<Source = MoveEnd, Target = MoveEnd> {
  readonly source: Source;
  readonly target: Target;
  /** Whether data of the target's own may be replaced. */
  readonly replace: boolean;
  /** Where a new state is made; the same for each move between these two. */
  readonly workFolder: string;
  /** After how many rows what was brought is kept for a move that goes on after this one. Default 50,000. */
  readonly commitRows?: number;
  readonly runtime: Runtime;
  readonly onEvent: OnMoveEvent;
}

/** A read of the newest state there is. */
export const newest = { maxStalenessMs: 0, atLeast: undefined } as const;
