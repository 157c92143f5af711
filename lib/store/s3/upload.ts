/**
 * Multipart uploads and copies. Parts of an unfinished one are invisible but billed:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
 */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { AppError } from '../../errors.ts';
import type { Runtime } from '../../runtime.ts';
import { type Part, sendParts } from '../parts.ts';
import type { ObjectInfo, StreamBody } from '../store.ts';
import { isRefusal, type S3Refusal, type Requests } from './requests.ts';
import type { Signal } from '../signal.ts';

/** A request that copies more would be silent for longer than a connection may be. */
const copyPartBytes = 256 * 1024 * 1024;
const hourMs = 3_600_000;
const staleMs = 24 * hourMs;

export interface UploadSizes {
  readonly partBytes: number;
  readonly parallelParts: number;
  readonly largestCopyBytes: number;
}

interface S3Upload {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string;
}

interface PartsRequest {
  readonly key: string;
  readonly size: number;
  readonly partBytes: number;
  readonly signal: Signal;
  readonly send: (upload: S3Upload, part: Part) => Promise<string | undefined>;
  readonly IfNoneMatch?: '*';
  readonly check?: () => Promise<void>;
}

export class S3Uploads {
  readonly #requests: Requests;
  readonly #sizes: UploadSizes;
  readonly #runtime: Runtime;
  readonly #sweptMs = new Map<string, number>();

  constructor(requests: Requests, sizes: UploadSizes, runtime: Runtime) {
    this.#requests = requests;
    this.#sizes = sizes;
    this.#runtime = runtime;
  }

  async create(key: string, body: StreamBody, signal: Signal): Promise<S3Refusal | null> {
    const send = async (upload: S3Upload, part: Part): Promise<string | undefined> => {
      const command = new UploadPartCommand({ ...upload, PartNumber: part.number, Body: await part.read(body) });
      return (await this.#requests.send('UploadPart', command, part.signal)).ETag;
    };
    const { partBytes } = this.#sizes;
    return this.#inParts({ key, size: body.size, partBytes, signal, send, IfNoneMatch: '*' });
  }

  async copy(source: ObjectInfo, key: string, signal: Signal, check: () => Promise<void>): Promise<void> {
    const CopySource = `${this.#requests.bucket}/${source.key}`;
    const send = async (upload: S3Upload, part: Part): Promise<string | undefined> => {
      const CopySourceRange = `bytes=${part.range.start}-${part.range.end - 1}`;
      const command = new UploadPartCopyCommand({ ...upload, PartNumber: part.number, CopySource, CopySourceRange });
      return (await this.#requests.send('UploadPartCopy', command, part.signal)).CopyPartResult?.ETag;
    };
    const partBytes = Math.min(this.#sizes.largestCopyBytes, copyPartBytes);
    await this.#inParts({ key, size: source.size, partBytes, signal, send, check });
  }

  async #inParts(request: PartsRequest): Promise<S3Refusal | null> {
    const { size, partBytes, signal, send, IfNoneMatch, check } = request;
    const upload = await this.#begin(request);
    let isComplete = false;
    try {
      const parallel = this.#sizes.parallelParts;
      const Parts = await sendParts({ size, partBytes, parallel, signal }, async (part) => ({
        ETag: await send(upload, part),
        PartNumber: part.number,
      }));
      await check?.();
      const complete = new CompleteMultipartUploadCommand({ ...upload, IfNoneMatch, MultipartUpload: { Parts } });
      const expect = IfNoneMatch ? ['PreconditionFailed', 'ConditionalRequestConflict', 'NoSuchUpload'] : [];
      const answer = await this.#requests.ask('CompleteMultipartUpload', complete, { signal, expect });
      isComplete = !isRefusal(answer);
      return isRefusal(answer) ? answer : null;
    } finally {
      // Best effort, and not stopped by the caller: the error that led here says more, and what stays is swept.
      if (!isComplete) await this.#abort(upload, undefined).catch(() => undefined);
    }
  }

  async #begin({ key: Key, signal }: PartsRequest): Promise<S3Upload> {
    const Bucket = this.#requests.bucket;
    const command = new CreateMultipartUploadCommand({ Bucket, Key });
    const { UploadId } = await this.#requests.send('CreateMultipartUpload', command, signal);
    if (UploadId !== undefined) return { Bucket, Key, UploadId };
    throw new AppError('unavailable', `The store began an upload of ${Key} but returned no upload id.`);
  }

  async #abort(upload: S3Upload, signal: Signal): Promise<void> {
    await this.#requests.send('AbortMultipartUpload', new AbortMultipartUploadCommand(upload), signal);
  }

  /**
   * Removes stale uploads in the folder of `key`, at most once an hour. Never fails: it needs
   * s3:ListBucketMultipartUploads, which a user may lack, and a lifecycle rule does as well. The whole bucket is not
   * swept: others may keep uploads in it.
   */
  async sweep(key: string, signal: Signal): Promise<void> {
    const nowMs = this.#runtime.monotonicMs();
    const prefix = key.slice(0, key.lastIndexOf('/') + 1);
    if (prefix === '' || nowMs - (this.#sweptMs.get(prefix) ?? -Infinity) < hourMs) return;
    this.#sweptMs.set(prefix, nowMs);
    await this.#sweepFolder(prefix, signal).catch(() => undefined);
  }

  async #sweepFolder(Prefix: string, signal: Signal): Promise<void> {
    const Bucket = this.#requests.bucket;
    const list = new ListMultipartUploadsCommand({ Bucket, Prefix });
    const { Uploads: found = [] } = await this.#requests.send('ListMultipartUploads', list, signal);
    for (const { Key, UploadId, Initiated } of found) {
      if (!Key?.startsWith(Prefix) || !UploadId || !Initiated) continue;
      if (this.#runtime.now() - Initiated.getTime() >= staleMs) await this.#abort({ Bucket, Key, UploadId }, signal);
    }
  }
}
