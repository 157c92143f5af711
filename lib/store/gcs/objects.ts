/**
 * Objects in answers of the JSON API, which are checked: a page of something else must not be read as an empty bucket.
 * https://cloud.google.com/storage/docs/json_api/v1/objects#resource
 */
import type { ObjectInfo } from '../store.ts';
import { field, textOf } from './json.ts';

export interface ObjectPage {
  readonly objects: readonly ObjectInfo[];
  readonly nextPageToken: string | null;
}

/** Null for what is no object. The time is that of the bytes: `updated` follows changes of the metadata, too. */
export function infoOf(resource: unknown): ObjectInfo | null {
  const key = textOf(field(resource, 'name'));
  const size = Number(field(resource, 'size') ?? Number.NaN);
  const modifiedAt = new Date(String(field(resource, 'timeCreated')));
  if (key === null || !Number.isSafeInteger(size) || Number.isNaN(modifiedAt.getTime())) return null;
  return { key, size, modifiedAt };
}

/** Null for what is no page of objects. A page without objects has no `items`. */
export function pageOf(resource: unknown): ObjectPage | null {
  const items = field(resource, 'items') ?? [];
  if (field(resource, 'kind') !== 'storage#objects' || !Array.isArray(items)) return null;
  const objects = items.map((item) => infoOf(item)).filter((info) => info !== null);
  if (objects.length < items.length) return null;
  return { objects, nextPageToken: textOf(field(resource, 'nextPageToken')) || null };
}

/** Whether a resource is the object that was written. */
export function isWritten(resource: unknown, key: string, size: number): boolean {
  return field(resource, 'name') === key && Number(field(resource, 'size')) === size;
}
