/** What the methods answer with, and what they have in common. */
import type { Bucket, Conditions } from './bucket.ts';
import { requireNumber } from './requests.ts';

export interface ApiAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Null for none. */
  readonly body: Uint8Array | string | null;
}

export type Permission =
  'storage.objects.list' | 'storage.objects.get' | 'storage.objects.create' | 'storage.objects.delete';

/** What a test may change while the server runs. */
export interface Knobs {
  /** Bytes that one call of rewrite copies. */
  rewriteBytes: number;
  /** Objects that a page has at most, whatever was asked for; and every other page is empty when `emptyPages`. */
  pageObjects: number;
  emptyPages: boolean;
  /** So many of the next parts are kept only in part, their first 256 KiB. */
  shortParts: number;
}

/** What the rooms share. */
export interface ApiHost {
  readonly knobs: Knobs;
  readonly bucket: (name: string) => Bucket;
  /** @throws ApiRefusal when the account lacks it. */
  readonly require: (permission: Permission) => void;
  /** Where an upload goes on. */
  readonly origin: () => string;
  /** Whether a bucket forgets the bytes. */
  readonly isHollow: (bucket: Bucket) => boolean;
}

export function conditionsOf(query: URLSearchParams): Conditions {
  requireNumber(query, 'ifGenerationMatch', 0);
  requireNumber(query, 'ifGenerationNotMatch', 0);
  return {
    ifGenerationMatch: query.get('ifGenerationMatch'),
    ifGenerationNotMatch: query.get('ifGenerationNotMatch'),
  };
}

export function json(resource: unknown): ApiAnswer {
  return {
    status: 200,
    headers: { 'content-type': 'application/json; charset=UTF-8' },
    body: JSON.stringify(resource),
  };
}
