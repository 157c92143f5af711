/**
 * Uploads that somebody began and never ended: their parts are invisible, and are billed.
 *
 * Owns: when to look, and what is old enough. The worst that can happen: an upload that is under way is removed; so
 * only those older than a day are, and only below a prefix that is the caller's own.
 */
import { AbortMultipartUploadCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import type { Runtime } from '../../runtime.ts';
import type { Requests } from './requests.ts';

const hourMs = 3_600_000;
const oldMs = 24 * hourMs;

export class Sweep {
  readonly #requests: Requests;
  readonly #bucket: string;
  readonly #runtime: Runtime;
  /** By folder. */
  readonly #sweptMs = new Map<string, number>();

  constructor(requests: Requests, bucket: string, runtime: Runtime) {
    this.#requests = requests;
    this.#bucket = bucket;
    this.#runtime = runtime;
  }

  /**
   * Removes what is old in the folder of `key`, at most once an hour; for whoever uploads in parts. Never fails: it needs
   * s3:ListBucketMultipartUploads, which a user may lack, and a lifecycle rule does as well. The whole bucket is not
   * swept: others may keep uploads in it.
   */
  async run(key: string, signal: AbortSignal | undefined): Promise<void> {
    const nowMs = this.#runtime.monotonicMs();
    const prefix = key.slice(0, key.lastIndexOf('/') + 1);
    if (prefix === '' || nowMs - (this.#sweptMs.get(prefix) ?? -Infinity) < hourMs) return;
    this.#sweptMs.set(prefix, nowMs);
    await this.#sweep(prefix, signal).catch(() => undefined);
  }

  async #sweep(Prefix: string, signal: AbortSignal | undefined): Promise<void> {
    const Bucket = this.#bucket;
    const list = new ListMultipartUploadsCommand({ Bucket, Prefix });
    const { Uploads = [] } = await this.#requests.send('ListMultipartUploads', list, signal);
    for (const { Key, UploadId, Initiated } of Uploads) {
      if (!Key?.startsWith(Prefix) || !Initiated || this.#runtime.now() - Initiated.getTime() < oldMs) continue;
      const abort = new AbortMultipartUploadCommand({ Bucket, Key, UploadId });
      await this.#requests.send('AbortMultipartUpload', abort, signal);
    }
  }
}
