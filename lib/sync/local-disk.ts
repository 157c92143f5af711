/** Maps errors of the local replica's files to kinds. */
import { existsSync, statfsSync } from 'node:fs';
import { AppError } from '../errors.ts';

const noRoom = /No space left on device|Disk quota exceeded|ENOSPC|EDQUOT/;
/** Also within others: 'TransactionContext Error: Failed to commit: Could not write file …'. */
const ofFiles =
  /^(?:Error: )?(?:IO|FATAL) Error|Corrupt database file|Could not (?:read|write|open|sync|truncate|remove|move) /;
/** DuckDB has given the database up, or its file holds something else than was written. */
const ofBrokenFile = /^(?:Error: )?FATAL Error|Corrupt database file|Could not read /;

export function isDiskFull(error: unknown): boolean {
  return error instanceof Error && noRoom.test(error.message);
}

/** The error to throw for one of the replica's files; anything else passes through. */
export function mapLocalError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof AppError) return error;
  if (isDiskFull(error)) return diskFull(error);
  if (!ofFiles.test(error.message)) return error;
  return new AppError('unavailable', 'The local replica cannot be written or read.', {
    cause: error,
    hint: 'Check that the temporary folder has room, and that nothing else removes or changes its files.',
  });
}

/** Whether the replica must, and can, be rebuilt after this error. */
export function breaksReplica(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) if (ofBrokenFile.test(each.message)) return true;
  return false;
}

/**
 * Free bytes without which no COMMIT is begun. DuckDB 1.5 breaks on a COMMIT that fails after it changed an indexed row
 * (duckdb/duckdb#25933): far more than its write-ahead log grows by in a usual commit.
 */
const roomToCommitBytes = 2_000_000;

/**
 * Throws `unavailable` when the disk of the file at `path` has too little room for DuckDB to fail there safely. A file that
 * was removed is another matter, which the next checkpoint reports.
 */
export function requireRoomToCommit(path: string): void {
  if (!existsSync(path)) return;
  const free = freeBytes(path);
  if (free < roomToCommitBytes) throw diskFull(`${free} bytes are free.`);
}

/** Free on the disk of `path`. Asked at once: of a local disk that takes microseconds, less than a turn of the thread pool. */
export function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

function diskFull(cause: unknown): AppError {
  return new AppError('unavailable', 'The disk of the local replica is full.', {
    cause,
    hint: 'Free some room in the temporary folder, or set TMPDIR to another one.',
  });
}
