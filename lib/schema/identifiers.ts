/**
 * The ids of rows: UUIDs of version 7, so that new rows lie together in an index and ids sort by time of creation.
 *
 * Owns: their form. The worst that can happen: two equal ids; 74 of the bits are random, and the primary key would
 * refuse the second.
 */
import type { Runtime } from '../runtime.ts';

const uuidPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A fresh id (RFC 9562, version 7): the first 48 bits are the time in ms, the rest is that of a random UUID. */
export function newId(runtime: Pick<Runtime, 'now' | 'uuid'>): string {
  const time = Math.floor(runtime.now()).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${runtime.uuid().slice(15)}`;
}

/** The UUID in lower case, or null when `text` is none. Any version: rows may come from elsewhere. */
export function parseUuid(text: string): string | null {
  const lower = text.toLowerCase();
  return uuidPattern.test(lower) ? lower : null;
}
