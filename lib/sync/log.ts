/** The log: the next record, reading records, following the tail. */
import { isAppError } from '../errors.ts';
import type { SyncContext } from './context.ts';
import { momentNow, type Moment } from './head.ts';
import type { Position } from './position.ts';
import { decodeRecord, formatOf, type Change, type LogRecord } from './record.ts';

/** A record as it was read, with the size of its object in bytes. */
export interface StoredRecord {
  readonly record: LogRecord;
  readonly bytes: number;
}

/** The record of `changes` on top of `position`, as this process would write it now. */
export function nextRecord(context: SyncContext, position: Position, changes: readonly Change[]): LogRecord {
  const { runtime, writer } = context;
  return {
    format: formatOf(changes),
    database: position.databaseId ?? runtime.uuid(),
    version: position.version + 1,
    id: runtime.uuid(),
    previous: position.recordId,
    time: new Date(runtime.now()).toISOString(),
    writer,
    changes,
  };
}

/** One record, or null when the store says that there is none. A damaged one is read a second time before it is believed. */
export async function fetchRecord(context: SyncContext, version: number): Promise<StoredRecord | null> {
  const key = context.layout.recordKey(version);
  const bytes = await context.store.get(key);
  if (!bytes) return null;
  try {
    return { record: decodeRecord(bytes, key, version), bytes: bytes.byteLength };
  } catch (error) {
    if (!isAppError(error, 'corrupt')) throw error;
    const again = await context.store.get(key);
    return again ? { record: decodeRecord(again, key, version), bytes: again.byteLength } : null;
  }
}

/** Whether `record` continues the history that ends at `position`. */
export function continues(position: Position, record: LogRecord): boolean {
  return (
    record.version === position.version + 1 &&
    record.previous === position.recordId &&
    (position.databaseId === null || record.database === position.databaseId)
  );
}

/** How many of the records, from the first on, continue the history one after another. */
export function countChained(from: Position, records: readonly StoredRecord[]): number {
  let position = from;
  for (const [index, { record }] of records.entries()) {
    if (!continues(position, record)) return index;
    position = positionOf(record);
  }
  return records.length;
}

export function positionOf(record: LogRecord): Position {
  return { databaseId: record.database, version: record.version, recordId: record.id };
}

/** Most bytes of one window's records; while they are applied, the next window is fetched. */
const windowBytes = 32 * 1024 * 1024;

/** Part of the tail, oldest first, each record following the one before by number. */
export interface TailWindow {
  readonly records: readonly StoredRecord[];
  /** When the reads of this window began. */
  readonly began: Moment;
  /** Whether the store said that the record after the last one is absent. */
  readonly last: boolean;
}

/** A start is behind by all that came after the snapshot, an instance that runs by a record or a few. */
const atStart = { size: 4, growth: 4 };
const whileRunning = { size: 2, growth: 2 };

/** The beginning of the tail after `version`, on its way: asked for before the replica is there that it is for. */
export interface TailStart {
  readonly version: number;
  readonly window: Promise<TailWindow>;
}

export function beginTail(context: SyncContext, version: number): TailStart {
  return { version, window: fetchAhead(context, version + 1, atStart.size) };
}

/**
 * The records after `version`, in windows that grow up to 1,024, each fetched in parallel: few round trips when
 * far behind, few vain reads when near. Ends when the store says that the next record is absent; what lies beyond an
 * absent record is not looked at, as the one that is absent may come yet. `begun`, if it is for this version, is the
 * first window.
 */
export async function* followTail(
  context: SyncContext,
  version: number,
  begun: TailStart | null = null,
): AsyncGenerator<TailWindow> {
  const isBegun = begun?.version === version;
  const first = isBegun ? atStart : whileRunning;
  let next = version + 1;
  let { size } = first;
  let fetching = isBegun ? begun.window : fetchTailWindow(context, next, size);
  for (;;) {
    const window = await fetching;
    if (!window.last) {
      next += size;
      const largest = Math.max(...window.records.map(({ bytes }) => bytes));
      size = Math.max(first.size, Math.min(size * first.growth, 1024, Math.floor(windowBytes / largest)));
      fetching = fetchAhead(context, next, size);
    }
    yield window;
    if (window.last) return;
  }
}

/** A window that is on its way while something else is done. */
function fetchAhead(context: SyncContext, first: number, size: number): Promise<TailWindow> {
  const window = fetchTailWindow(context, first, size);
  // A failure is thrown where the window is used; until then, or if it never is, it must not count as unhandled.
  window.catch(() => undefined);
  return window;
}

async function fetchTailWindow(context: SyncContext, first: number, size: number): Promise<TailWindow> {
  const began = momentNow(context.runtime);
  const found = await fetchWindow(context, first, size);
  const absent = found.indexOf(null);
  const records = (absent === -1 ? found : found.slice(0, absent)) as StoredRecord[];
  return { records, began, last: absent !== -1 };
}

/** Fetches `size` records from `first` on, at most `parallelReads` at once; null for each that is absent. */
async function fetchWindow(context: SyncContext, first: number, size: number): Promise<(StoredRecord | null)[]> {
  const records: (StoredRecord | null)[] = Array.from({ length: size }, () => null);
  let next = 0;
  let end = size;
  const worker = async (): Promise<void> => {
    while (next < end) {
      const index = next++;
      const record = await fetchRecord(context, first + index);
      records[index] = record;
      // Beyond an absent record nothing is needed.
      if (!record) end = Math.min(end, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(size, context.settings.parallelReads) }, worker));
  return records;
}
