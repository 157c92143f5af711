/**
 * The methods of the JSON API that the driver calls: their names, what Google bills them as, and the right that each
 * needs. https://cloud.google.com/storage/pricing#operations-by-class, https://cloud.google.com/storage/docs/access-control/iam-json
 */
import type { RequestClass } from '../meter.ts';

export interface Method {
  /** As Google calls it, without `storage.`. */
  readonly name: string;
  readonly class: RequestClass;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Without `storage.`. */
  readonly permission: string;
}

export const methods = {
  get: { name: 'objects.get', class: 'read', method: 'GET', permission: 'objects.get' },
  list: { name: 'objects.list', class: 'write', method: 'GET', permission: 'objects.list' },
  insert: { name: 'objects.insert', class: 'write', method: 'POST', permission: 'objects.create' },
  /** A part of an upload, or a question about it: the upload is billed as one request, its start. */
  insertPart: { name: 'objects.insert', class: 'free', method: 'PUT', permission: 'objects.create' },
  cancelInsert: { name: 'objects.insert', class: 'free', method: 'DELETE', permission: 'objects.create' },
  rewrite: { name: 'objects.rewrite', class: 'write', method: 'POST', permission: 'objects.create' },
  delete: { name: 'objects.delete', class: 'free', method: 'DELETE', permission: 'objects.delete' },
} as const satisfies Readonly<Record<string, Method>>;
