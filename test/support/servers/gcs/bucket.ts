/** One bucket: objects with generations, and conditions that are decided in the same turn as the change. */
import { createHash } from 'node:crypto';
import { crc32c } from './checksums.ts';
import { refuse } from './refusals.ts';

export interface StoredObject {
  readonly name: string;
  readonly size: number;
  /** Null in a bucket that keeps no bytes. */
  readonly bytes: Uint8Array | null;
  readonly generation: number;
  readonly contentType: string;
  readonly md5: string;
  readonly crc32c: string;
  readonly timeCreated: Date;
}

export interface Conditions {
  readonly ifGenerationMatch: string | null;
  readonly ifGenerationNotMatch: string | null;
}

export interface Content {
  readonly size: number;
  readonly bytes: Uint8Array | null;
  readonly contentType: string;
}

let generations = 1_700_000_000_000_000;

export class Bucket {
  readonly name: string;
  readonly #objects = new Map<string, StoredObject>();
  readonly #mutatedAt = new Map<string, number>();
  /** Refuses more than one change of an object a second, as Google does. */
  limitsMutations = false;

  constructor(name: string) {
    this.name = name;
  }

  get size(): number {
    return this.#objects.size;
  }

  find(name: string): StoredObject | null {
    return this.#objects.get(name) ?? null;
  }

  /** In the order of bytes. */
  names(): string[] {
    return [...this.#objects.keys()].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }

  /** The commit of every write. `mayOverwrite` is asked when there is an object already. */
  put(name: string, content: Content, conditions: Conditions, mayOverwrite: () => void): StoredObject {
    const there = this.find(name);
    requireConditions(there, conditions);
    if (there) mayOverwrite();
    this.#countMutation(name);
    const bytes = content.bytes && new Uint8Array(content.bytes);
    const stored: StoredObject = {
      ...content,
      name,
      bytes,
      generation: ++generations,
      md5: createHash('md5')
        .update(bytes ?? '')
        .digest('base64'),
      crc32c: crc32c(bytes ?? new Uint8Array(0)),
      timeCreated: new Date(),
    };
    this.#objects.set(name, stored);
    return stored;
  }

  remove(name: string, conditions: Conditions): void {
    const there = this.find(name);
    if (!there) throw refuse.noObject(this.name, name);
    requireConditions(there, conditions);
    this.#countMutation(name);
    this.#objects.delete(name);
  }

  #countMutation(name: string): void {
    const now = performance.now();
    const before = this.#mutatedAt.get(name) ?? -Infinity;
    if (this.limitsMutations && now - before < 1000) throw refuse.tooOften(this.name, name);
    this.#mutatedAt.set(name, now);
  }
}

/** An absent object has generation 0: https://cloud.google.com/storage/docs/request-preconditions */
export function requireConditions(
  there: StoredObject | null,
  { ifGenerationMatch, ifGenerationNotMatch }: Conditions,
): void {
  const generation = String(there?.generation ?? 0);
  const isMet =
    (ifGenerationMatch === null || ifGenerationMatch === generation) &&
    (ifGenerationNotMatch === null || ifGenerationNotMatch !== generation);
  if (!isMet) throw refuse.conditionNotMet();
}

/** https://cloud.google.com/storage/docs/json_api/v1/objects#resource */
export function resourceOf(bucket: Bucket, object: StoredObject): Record<string, unknown> {
  const time = object.timeCreated.toISOString();
  return {
    kind: 'storage#object',
    id: `${bucket.name}/${object.name}/${object.generation}`,
    name: object.name,
    bucket: bucket.name,
    generation: String(object.generation),
    metageneration: '1',
    contentType: object.contentType,
    storageClass: 'STANDARD',
    size: String(object.size),
    md5Hash: object.md5,
    crc32c: object.crc32c,
    etag: Buffer.from(String(object.generation)).toString('base64'),
    timeCreated: time,
    updated: time,
    timeStorageClassUpdated: time,
    timeFinalized: time,
  };
}
