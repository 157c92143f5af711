/**
 * The record: what one commit changed, as one immutable JSON object. Writing it as text, reading it back, refusing it
 * when it is damaged or of another format.
 */
import { AppError } from '../errors.ts';
import type { PlainValue, Row } from '../values.ts';
import { seal, unseal } from './sealed.ts';

/** The newest format. A record is written in the oldest that has all of its kinds of changes, and read in any. */
export const recordFormat = 2;

export interface PutChange {
  /** Absent for the schema `main`. */
  readonly schema?: string;
  readonly table: string;
  /** Whole rows as they are after the commit, column by column. */
  readonly put: readonly Row[];
  /** Every row's key was absent before this change, so that replay need not look for an older image. */
  readonly fresh?: true;
}

export interface DeleteChange {
  readonly schema?: string;
  readonly table: string;
  /** Primary keys, column by column. */
  readonly delete: readonly Row[];
}

/** Rows of a table without a key, added to it whatever it has. Format 2. */
export interface AddChange {
  readonly schema?: string;
  readonly table: string;
  readonly add: readonly Row[];
}

/** Rows of a table without a key, by all of their values: for each of these one that is the same goes. Format 2. */
export interface RemoveChange {
  readonly schema?: string;
  readonly table: string;
  readonly remove: readonly Row[];
}

/** The number that a sequence gives next. Format 2. */
export interface SequenceChange {
  readonly schema?: string;
  readonly sequence: string;
  readonly next: string;
}

/** One statement that changes the schema. */
export interface DdlChange {
  readonly ddl: string;
}

/** The whole state is in this object: a commit too large for row images. */
export interface BulkChange {
  readonly bulk: { readonly key: string; readonly sha256: string; readonly bytes: number };
}

export type RowChange = PutChange | DeleteChange | AddChange | RemoveChange;
/** What a request can change. */
export type CapturedChange = RowChange | DdlChange | SequenceChange;
export type Change = CapturedChange | BulkChange;

export interface LogRecord {
  readonly format: number;
  /** Database id. */
  readonly database: string;
  readonly version: number;
  /** This record's own id (UUID). */
  readonly id: string;
  /** The id of the record before; of the first record: what it builds on, see `baseId`. */
  readonly previous: string;
  /** When the writer made it, ISO 8601. For people and the change feed; no rule depends on it. */
  readonly time: string;
  /** Id of the process that made it. */
  readonly writer: string;
  readonly changes: readonly Change[];
}

/**
 * What version 0 is called where record 1 names its predecessor: the empty database, or the database file that was
 * adopted, by its hash. A replica whose base is another one refuses record 1 and starts again from the right base.
 */
export function baseId(adoptedSha256: string | null): string {
  return adoptedSha256 === null ? 'empty' : `${adoptedPrefix}${adoptedSha256}`;
}

const adoptedPrefix = 'sha256:';

/** The hash of the file that was adopted; null when the base is the empty database. */
export function adoptedSha256Of(base: string): string | null {
  return base.startsWith(adoptedPrefix) ? base.slice(adoptedPrefix.length) : null;
}

/** The record as the bytes of its object. */
export function encodeRecord(record: LogRecord): Uint8Array {
  return seal(record);
}

/**
 * Reads a record back. `corrupt` when its bytes are not what was written or it is another version's record; `outdated`
 * when its format is newer than this program.
 */
export function decodeRecord(bytes: Uint8Array, key: string, version: number): LogRecord {
  const record = unseal(bytes) as LogRecord | undefined;
  if (!record) throw corruptRecord(key, 'its checksum does not match');
  if (!isKnownFormat(record.format)) throw unknownFormat(key, record.format);
  if (record.version !== version) throw corruptRecord(key, `it says that it is record ${record.version}`);
  return record;
}

function isKnownFormat(format: unknown): boolean {
  return typeof format === 'number' && Number.isInteger(format) && format >= 1 && format <= recordFormat;
}

/** The format of a record with these changes. */
export function formatOf(changes: readonly Change[]): number {
  return changes.some((change) => 'add' in change || 'remove' in change || 'sequence' in change) ? 2 : 1;
}

export function isRowChange(change: Change): change is RowChange {
  return 'table' in change;
}

/** The rows of a change: images, or what names the rows that are gone. */
export function changedRows(change: Change): readonly Row[] {
  if ('put' in change) return change.put;
  if ('delete' in change) return change.delete;
  if ('add' in change) return change.add;
  return 'remove' in change ? change.remove : [];
}

/** The same change of other rows. */
export function withRows(change: RowChange, rows: readonly Row[]): RowChange {
  if ('put' in change) return { ...change, put: rows };
  if ('delete' in change) return { ...change, delete: rows };
  return 'add' in change ? { ...change, add: rows } : { ...change, remove: rows };
}

/** Whether applying the record needs more than row images and sequences. */
export function isBarrier(record: LogRecord): boolean {
  return record.changes.some((change) => 'ddl' in change || 'bulk' in change);
}

/** The name of a row by its key, equal exactly when the keys are. */
export function keyText(values: readonly PlainValue[]): string {
  const [only] = values;
  return values.length === 1 && typeof only === 'string' ? only : JSON.stringify(values);
}

function corruptRecord(key: string, why: string): AppError {
  return new AppError('corrupt', `The record ${key} is damaged: ${why}.`, {
    hint: 'Restore this object from a backup of the store. Data up to the record before it, and every snapshot, are intact.',
  });
}

function unknownFormat(key: string, format: unknown): AppError {
  return new AppError(
    'outdated',
    `The record ${key} has format ${String(format)}; this version reads formats up to ${recordFormat}.`,
    {
      hint: 'A newer version of Eider wrote it: deploy that version everywhere.',
    },
  );
}
