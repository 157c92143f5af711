import type { Runtime } from '../../runtime.ts';
import type { Engine } from '../../sync/engine.ts';
import type { ConnectionPool } from '../postgres/pool.ts';
import { RowSum, type TableSum } from './checksum.ts';
import type { MovedTable, PlainRow } from './tables.ts';

export interface MovedSums {
  readonly [table: string]: TableSum;
}

export interface MoveReport {
  /** `moved`: the target was written. `there-already`: it held the same rows, and was left as it is. */
  readonly outcome: 'moved' | 'there-already';
  readonly tables: MovedSums;
  readonly sourceVersion: number;
  readonly targetVersion: number;
  /** Whether the source was written after that: the target is whole, and older. */
  readonly sourceMovedOn: boolean;
  /** What of the source is no row of a table and did not come along. */
  readonly leftBehind: readonly string[];
}

export type MoveStep = 'read' | 'copy' | 'verify' | 'commit' | 'compare';

export interface MoveEvent {
  readonly step: MoveStep;
  readonly table: string | null;
  readonly rows: number;
  readonly totalRows: number;
  /** This step goes on where an earlier move was cut off. */
  readonly resumed?: true;
}

export type OnMoveEvent = (event: MoveEvent) => void;

export function progress(
  { title, rows: totalRows }: MovedTable,
  step: MoveStep,
  onEvent: OnMoveEvent,
  begun = 0,
): (rows: number) => void {
  let done = begun;
  return (rows) => {
    done += rows;
    onEvent({ step, table: title, rows: done, totalRows, ...(begun > 0 && { resumed: true }) });
  };
}

export interface DuckDbBackend {
  readonly kind: 'duckdb';
  readonly location: string;
  readonly engine: Engine;
}

export interface PostgresBackend {
  readonly kind: 'postgres';
  readonly location: string;
  readonly pool: ConnectionPool;
}

export type MoveBackend = DuckDbBackend | PostgresBackend;

export interface MoveOptions<Source = MoveBackend, Target = MoveBackend> {
  readonly source: Source;
  readonly target: Target;
  /** Whether data of the target's own may be replaced. */
  readonly replace: boolean;
  readonly workFolder: string;
  /** After how many rows what was brought is kept for a move that goes on after this one. Default 50,000. */
  readonly commitRows?: number;
  readonly runtime: Runtime;
  readonly onEvent: OnMoveEvent;
}

export const newest = { maxStalenessMs: 0, atLeast: undefined } as const;

/** The sums of the tables' rows, which `read` gives in any order. */
export async function sumAll(
  tables: readonly MovedTable[],
  read: (table: MovedTable) => AsyncIterable<readonly PlainRow[]>,
  step: MoveStep,
  onEvent: OnMoveEvent,
): Promise<MovedSums> {
  const sums: Record<string, TableSum> = {};
  for (const table of tables) {
    const sum = new RowSum(table);
    const onRows = progress(table, step, onEvent);
    for await (const rows of read(table)) {
      for (const row of rows) sum.add(row);
      onRows(rows.length);
    }
    sums[table.title] = sum.sum;
  }
  return sums;
}
