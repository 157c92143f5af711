/**
 * When a checkpoint is due: a pure function of sizes.
 *
 * A checkpoint uploads the whole database, so it must stay rare in proportion to what is written; a long tail of the
 * log makes every start slower, so it must not be put off for ever. Both are a ratio: the tail may grow to an eighth of
 * the database. Uploaded bytes then stay within some fifteen times the bytes of the log, whatever the database's size.
 */

export interface TailSize {
  /** Records since the newest snapshot. */
  readonly records: number;
  /** Their bytes. */
  readonly bytes: number;
}

/** The part of the database's size that the tail may reach. */
const tailShare = 1 / 8;
/** What a record costs at start beyond its bytes, in bytes: a request of its own. */
const recordOverheadBytes = 256;
/** A smaller tail is never worth an upload by itself. */
const leastTailBytes = 16 * 1024;

/** Whether to upload a new snapshot of a database of `databaseBytes`. */
export function isCheckpointDue(databaseBytes: number, tail: TailSize): boolean {
  if (tail.records === 0) return false;
  return tail.bytes + tail.records * recordOverheadBytes >= Math.max(leastTailBytes, databaseBytes * tailShare);
}

/** DuckDB's write-ahead log is folded into the file when it is this large: opening the replica again replays it. */
const leastWalBytes = 16 * 1024 * 1024;

/** Whether to fold the local write-ahead log, of `walBytes`, into a file of `fileBytes`. */
export function isFoldDue(fileBytes: number, walBytes: number): boolean {
  return walBytes >= Math.max(leastWalBytes, fileBytes / 4);
}
