/**
 * The version of a row: what clients get as its entity tag and send back as a condition.
 *
 * It is a function of the row's values alone, so every instance and engine gives the same one.
 */
import { createHash } from 'node:crypto';
import type { Relation } from '../catalog/catalog.ts';
import { AppError } from '../errors.ts';
import type { Row } from '../values.ts';

/** Versions, or any version at all. */
export type Versions = '*' | readonly string[];

/** What must hold of the row before it is written. As JSON, it is part of a command. */
export type Precondition = {
  /** The row has one of these versions. */
  readonly match?: Versions;
  /** It has none of these. */
  readonly noneMatch?: Versions;
};

/** The row exists, but not in the version that the client expects. */
export class PreconditionFailed extends AppError {
  constructor(message: string) {
    super('conflict', message, { hint: 'Read the row again, then decide.' });
  }
}

/** Of the whole row: all columns, in any order. */
export function rowVersion(row: Row): string {
  const entries = Object.entries(row).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(entries)).digest('base64url').slice(0, 22);
}

export function hasPrecondition({ match, noneMatch }: Precondition = {}): boolean {
  return match !== undefined || noneMatch !== undefined;
}

/** @throws PreconditionFailed */
export function requirePrecondition(relation: Relation, row: Row, { match, noneMatch }: Precondition): void {
  const version = rowVersion(row);
  if (match !== undefined && !includes(match, version))
    throw new PreconditionFailed(`This row of ${relation.name} has changed: its version is not in If-Match.`);
  if (noneMatch !== undefined && includes(noneMatch, version))
    throw new PreconditionFailed(`This row of ${relation.name} exists in a version that If-None-Match excludes.`);
}

export function includes(versions: Versions, version: string): boolean {
  return versions === '*' || versions.includes(version);
}
