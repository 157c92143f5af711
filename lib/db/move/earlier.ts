import { createHash } from 'node:crypto';
import type { Catalog } from '../../catalog/catalog.ts';
import { AppError } from '../../errors.ts';
import { isSameSum, type TableSum } from './checksum.ts';
import type { MovedSums } from './report.ts';

export const movedTable = 'eider.moved';

/** In the words of both engines. Made by each move: an earlier version had no `definitions`. */
export const makeMovedTable = `DROP TABLE IF EXISTS ${movedTable}; CREATE TABLE ${movedTable}
  (source text NOT NULL, source_version bigint NOT NULL, finished_at text NOT NULL, tables text NOT NULL, definitions text)`;

export interface Moved {
  readonly sums: MovedSums;
  /** The fingerprint of the source's definitions; null where an earlier version moved. */
  readonly definitions: string | null;
}

export interface TargetState {
  readonly sums: MovedSums;
  readonly moved: Moved | null;
}

export function fingerprintOf({ etag }: Catalog, definitions: object): string {
  const text = JSON.stringify([etag, definitions], (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}

/** Whether only a comparison can tell: a target that no move has filled, and that has no rows, is another one. */
export function mayBeThere({ sums, moved }: TargetState): boolean {
  return moved !== null || Object.values(sums).some(({ rows }) => rows > 0);
}

export function isThere({ sums, moved }: TargetState, source: Moved): boolean {
  return areSameSums(sums, source.sums) && (moved?.definitions ?? source.definitions) === source.definitions;
}

function areSameSums(a: MovedSums, b: MovedSums): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => isSameSum(a[name] ?? absent, b[name] ?? absent));
}

const absent: TableSum = { rows: -1, checksum: '' };

/** @throws AppError `conflict` when the target holds rows that no move put there. */
export function requireReplaceable({ sums, moved }: TargetState, location: string): void {
  const filled = Object.entries(sums).filter(([, { rows }]) => rows > 0);
  if (filled.length === 0 || (moved && areSameSums(sums, moved.sums))) return;
  const listed = filled.map(([name, { rows }]) => `${name} (${rows})`).join(', ');
  throw new AppError('conflict', `The target ${location} has data of its own: ${listed}.`, {
    hint: 'Nothing was written. Use --replace to replace it with the data of the source.',
  });
}

/** @throws AppError `corrupt` when rows are not what was read from the source. */
export function requireSameSums(read: MovedSums, written: MovedSums): void {
  const wrong = [...new Set([...Object.keys(read), ...Object.keys(written)])].filter(
    (name) => !isSameSum(read[name] ?? absent, written[name] ?? absent),
  );
  if (wrong.length === 0) return;
  throw new AppError(
    'corrupt',
    `The copy does not have the rows of the source: ${wrong.join(', ')}. Nothing was written.`,
    { hint: 'Repeat the move.' },
  );
}
