/** Where things lie in the store: the names of records, snapshots, bulk states and uploads beside the database file. */

const versionDigits = 16;

/** A snapshot as its key tells it. */
export interface SnapshotName {
  readonly key: string;
  readonly version: number;
  /** SHA-256 of the object's bytes, lower-case hex. */
  readonly sha256: string;
}

export interface Layout {
  /** The database file that the user named. */
  readonly databaseFile: string;
  readonly logPrefix: string;
  readonly snapshotPrefix: string;
  readonly bulkPrefix: string;
  readonly pendingPrefix: string;
  readonly uploadPrefix: string;
  recordKey(version: number): string;
  /** The version of a record's key; null for any other key. */
  recordVersion(key: string): number | null;
  snapshotKey(version: number, sha256: string): string;
  snapshotName(key: string): SnapshotName | null;
  bulkKey(id: string, sha256: string): string;
  /** A pending write; ids sort by time. */
  pendingKey(id: string): string;
  /** The id of a pending write's key; null for any other key. */
  pendingId(key: string): string | null;
  /** Part 0 of an upload says what it is for, those from 1 on are the file. */
  uploadKey(upload: string, part: number): string;
  /** Where all parts of an upload lie. */
  uploadFolder(upload: string): string;
  /** The number of a part's key; null for any other key. */
  uploadPart(key: string): number | null;
  /** An object made only to see how the store behaves, and deleted at once. */
  probeKey(id: string): string;
}

/** The layout beside the database file `name` (a store key, such as `books.db`). */
export function layoutOf(name: string): Layout {
  const logPrefix = `${name}.log/`;
  const snapshotPrefix = `${name}.snapshots/`;
  const bulkPrefix = `${name}.bulk/`;
  const pendingPrefix = `${name}.pending/`;
  const uploadPrefix = `${name}.uploads/`;
  return {
    databaseFile: name,
    logPrefix,
    snapshotPrefix,
    bulkPrefix,
    pendingPrefix,
    uploadPrefix,
    recordKey: (version) => `${logPrefix}${padVersion(version)}.json`,
    recordVersion: (key) => {
      const match = key.startsWith(logPrefix) ? /^(\d{16})\.json$/.exec(key.slice(logPrefix.length)) : null;
      return match ? Number(match[1]) : null;
    },
    snapshotKey: (version, sha256) => `${snapshotPrefix}${padVersion(version)}-${sha256}.duckdb`,
    snapshotName: (key) => {
      const rest = key.startsWith(snapshotPrefix) ? key.slice(snapshotPrefix.length) : '';
      const match = /^(\d{16})-([0-9a-f]{64})\.duckdb$/.exec(rest);
      return match ? { key, version: Number(match[1]), sha256: match[2] ?? '' } : null;
    },
    bulkKey: (id, sha256) => `${bulkPrefix}${id}-${sha256}.duckdb`,
    pendingKey: (id) => `${pendingPrefix}${id}.json`,
    pendingId: (key) => {
      const rest = key.startsWith(pendingPrefix) ? key.slice(pendingPrefix.length) : '';
      return /^(\d{15}-[0-9a-f-]{36})\.json$/.exec(rest)?.[1] ?? null;
    },
    uploadKey: (upload, part) => `${uploadPrefix}${upload}/${String(part).padStart(4, '0')}.part`,
    uploadFolder: (upload) => `${uploadPrefix}${upload}/`,
    uploadPart: (key) => {
      const rest = key.startsWith(uploadPrefix) ? key.slice(uploadPrefix.length) : '';
      const match = /^[0-9a-f-]{36}\/(\d{4})\.part$/.exec(rest);
      return match ? Number(match[1]) : null;
    },
    probeKey: (id) => `${snapshotPrefix}probe-${id}`,
  };
}

/** Fixed width, so that byte order of keys is order of versions. */
function padVersion(version: number): string {
  return String(version).padStart(versionDigits, '0');
}
