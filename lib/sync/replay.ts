/** Replaying the log: which records are applied in one transaction, and in what order their changes run. */
import { applyRowChanges } from './apply.ts';
import type { Shapes } from './shapes.ts';
import type { StoredRecord } from './log.ts';
import { changedRows, isBarrier, isRowChange, type LogRecord, type RowChange, type SequenceChange } from './record.ts';
import { replayable } from './replayable.ts';
import type { Session } from './sql.ts';

/** Most row images to apply in one transaction: what a crash makes to be done again, and memory, stay bounded. */
const setImages = 50_000;

/** The records as sets of which each is one transaction; a record with DDL ends its set. */
export function* sets(records: readonly StoredRecord[]): Generator<readonly LogRecord[]> {
  let set: LogRecord[] = [];
  let images = 0;
  for (const { record } of records) {
    const barrier = isBarrier(record);
    if (set.length > 0 && (barrier || images >= setImages)) {
      yield set;
      set = [];
      images = 0;
    }
    set.push(record);
    images += countImages(record);
    if (!barrier) continue;
    yield set;
    set = [];
    images = 0;
  }
  if (set.length > 0) yield set;
}

/** Applies the changes of a set within the open transaction. Answers how many row images there were. */
export async function replaySet(session: Session, shapes: Shapes, records: readonly LogRecord[]): Promise<number> {
  let images = 0;
  for (const run of runs(records)) {
    images += await applyRowChanges(session, shapes, run.rows);
    for (const change of run.sequences.values()) await shapes.sequences.move(change);
    if (run.ddl === null) continue;
    shapes.forget();
    await session.execute(replayable(run.ddl));
  }
  return images;
}

function countImages(record: LogRecord): number {
  return record.changes.reduce((count, change) => count + changedRows(change).length, 0);
}

/** Changes of rows, where sequences are after them, and the statement of DDL that follows. */
interface ReplayRun {
  readonly rows: RowChange[];
  readonly sequences: Map<string, SequenceChange>;
  readonly ddl: string | null;
}

/** The changes of all records, cut by single DDL statements. */
function* runs(records: readonly LogRecord[]): Generator<ReplayRun> {
  let rows: RowChange[] = [];
  let sequences = new Map<string, SequenceChange>();
  for (const change of records.flatMap((record) => record.changes)) {
    if (isRowChange(change)) rows.push(change);
    else if ('sequence' in change) sequences.set(JSON.stringify([change.schema, change.sequence]), change);
    else if ('ddl' in change) {
      yield { rows, sequences, ddl: change.ddl };
      rows = [];
      sequences = new Map();
    }
  }
  yield { rows, sequences, ddl: null };
}
