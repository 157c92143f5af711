/**
 * Replaying the log: which records are applied in one transaction, and in what order their changes run.
 *
 * Owns: cutting records into sets, and sets into runs of row images and single statements. Runs inside a transaction that
 * the caller opened. The worst that can happen: images applied across the DDL that gave them their columns.
 */
import { applyRowChanges } from './apply.ts';
import type { Catalog } from './catalog.ts';
import type { StoredRecord } from './log.ts';
import { isBarrier, isRowChange, type LogRecord, type RowChange } from './record.ts';
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
export async function replaySet(session: Session, catalog: Catalog, records: readonly LogRecord[]): Promise<number> {
  let images = 0;
  for (const run of runs(records)) {
    if (typeof run !== 'string') {
      images += await applyRowChanges(session, catalog, run);
      continue;
    }
    catalog.forget();
    await session.execute(run);
  }
  return images;
}

function countImages(record: LogRecord): number {
  let images = 0;
  for (const change of record.changes) {
    if ('put' in change) images += change.put.length;
    else if ('delete' in change) images += change.delete.length;
  }
  return images;
}

/** The changes of all records as runs of row changes, cut by single DDL statements. */
function* runs(records: readonly LogRecord[]): Generator<readonly RowChange[] | string> {
  let rows: RowChange[] = [];
  for (const change of records.flatMap((record) => record.changes)) {
    if (isRowChange(change)) {
      rows.push(change);
      continue;
    }
    if (rows.length > 0) yield rows;
    rows = [];
    if ('ddl' in change) yield change.ddl;
  }
  if (rows.length > 0) yield rows;
}
