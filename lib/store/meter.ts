/**
 * What a driver tells of each request that it sends: what the provider bills it as, and how many bytes went each way.
 * Types only; who counts is the caller's matter.
 */

/**
 * The classes that all three clouds bill by: `write` (S3: PUT, COPY, POST, LIST; GCS: class A; Blob: advanced), `read`
 * (S3: GET, HEAD; GCS: class B; Blob: simple), `free` (S3, GCS and Blob: DELETE; S3: aborting an upload).
 */
export type RequestClass = 'write' | 'read' | 'free';

export interface SentRequest {
  /** As the provider calls it: `PutObject`, `storage.objects.get`, `put`. */
  readonly name: string;
  readonly class: RequestClass;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** Called once for each request that left this process, repeated ones included, when its outcome is known. */
export type Meter = (request: SentRequest) => void;
