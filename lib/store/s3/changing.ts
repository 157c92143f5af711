/**
 * Copies and deletes.
 *
 * Owns: their limits. The worst that can happen: an object that could not be deleted is taken for deleted; so the
 * answer is read key by key.
 */
import { createHash } from 'node:crypto';
import { CopyObjectCommand, DeleteObjectsCommand, type _Error as KeyError } from '@aws-sdk/client-s3';
import { AppError } from '../../errors.ts';
import type { Described, Reading } from './reading.ts';
import { isRefusal, type Requests } from './requests.ts';
import { copyParts, type UploadSizes } from './upload.ts';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
const mostKeys = 1000;

export class Changing {
  readonly #requests: Requests;
  readonly #reading: Reading;
  readonly #bucket: string;
  readonly #sizes: UploadSizes;

  constructor(requests: Requests, reading: Reading, bucket: string, sizes: UploadSizes) {
    this.#requests = requests;
    this.#reading = reading;
    this.#bucket = bucket;
    this.#sizes = sizes;
  }

  async copy(source: Described, to: string, signal: AbortSignal | undefined): Promise<void> {
    const { info } = source;
    const Bucket = this.#bucket;
    const CopySource = `${Bucket}/${info.key}`;
    if (info.size > this.#sizes.largestCopyBytes) {
      const target = { bucket: Bucket, key: to, size: info.size, sizes: this.#sizes, signal };
      return copyParts(this.#requests, target, CopySource, () => this.#requireSame(source, signal));
    }
    const command = new CopyObjectCommand({ Bucket, Key: to, CopySource });
    const answer = await this.#requests.ask('CopyObject', command, { signal, expect: ['NoSuchKey'] });
    if (isRefusal(answer)) throw new AppError('not-found', `There is no object ${info.key} to copy.`);
  }

  /** Parts of two objects are none. Not every store has a condition for this. */
  async #requireSame({ info, etag }: Described, signal: AbortSignal | undefined): Promise<void> {
    if ((await this.#reading.describe(info.key, signal))?.etag === etag) return;
    throw new AppError('unavailable', `${info.key} changed while it was copied; nothing was changed.`);
  }

  async delete(keys: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    const distinct = [...new Set(keys)];
    for (let first = 0; first < distinct.length; first += mostKeys) {
      if (first > 0 && signal?.aborted) throw stoppedHalfway(signal);
      await this.#deleteSome(distinct.slice(first, first + mostKeys), signal);
    }
  }

  async #deleteSome(keys: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    const Delete = { Objects: keys.map((Key) => ({ Key })), Quiet: true };
    const command = new DeleteObjectsCommand({ Bucket: this.#bucket, Delete });
    addMd5(command);
    const { Errors = [] } = await this.#requests.send('DeleteObjects', command, signal);
    const failed = Errors.filter(({ Code }) => Code !== 'NoSuchKey');
    if (failed[0]) throw this.#keyError(failed[0], failed.length, keys.length);
  }

  #keyError({ Key, Code, Message }: KeyError, failed: number, asked: number): AppError {
    // The status that such a code has where it answers a whole request.
    const httpStatusCode = Code === 'AccessDenied' ? 403 : 500;
    const error = Object.assign(new Error(Message ?? 'no reason was given'), { Code, $metadata: { httpStatusCode } });
    const mapped = this.#requests.mapAnswered('DeleteObjects', error);
    const message = `${mapped.message} ${failed} of ${asked} objects were not deleted, among them ${Key}.`;
    return new AppError(mapped.kind, message, { cause: mapped.cause, ...(mapped.hint ? { hint: mapped.hint } : {}) });
  }
}

/** Older stores know no other checksum of this request, which must have one; AWS takes both. */
function addMd5(command: DeleteObjectsCommand): void {
  command.middlewareStack.add(
    (next) => (args) => {
      const { headers, body } = args.request as { headers: Record<string, string>; body: string | Uint8Array };
      headers['content-md5'] = createHash('md5').update(body).digest('base64');
      return next(args);
    },
    { step: 'build', priority: 'low', name: 'eiderMd5' },
  );
}

function stoppedHalfway(signal: AbortSignal): AppError {
  return new AppError('indeterminate', 'The operation was stopped; some objects may be gone, and some not.', {
    cause: signal.reason,
  });
}
