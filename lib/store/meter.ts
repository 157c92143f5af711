/** What a driver reports of each request that it sends: how the provider bills it, and its bytes. */
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

/** Requests by class, and bytes. */
export interface UsageCounts extends Readonly<Record<RequestClass, number>> {
  readonly bytesUp: number;
  readonly bytesDown: number;
}
