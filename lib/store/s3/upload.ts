/**
 * Objects made of parts: large bodies, and copies of large objects. Nothing is visible until the last request.
 *
 * Owns: cutting into parts, sending a few at once, and giving up whole. Holds as many parts in memory as it sends at
 * once. https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
 * The worst that can happen: parts that are billed and that nobody sees; so a failed upload is aborted once none of its
 * parts is still under way, and what a dead process left is swept (sweep.ts).
 */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompletedPart,
  CreateMultipartUploadCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { AppError } from '../../errors.ts';
import { type Part, sendParts } from '../parts.ts';
import type { StreamBody } from '../store.ts';
import { isRefusal, type Refusal, type Requests } from './requests.ts';

/** A request that copies more would be silent for longer than a connection may be. */
const copyPartBytes = 256 * 1024 * 1024;

export interface UploadSizes {
  readonly partBytes: number;
  readonly parallelParts: number;
  readonly largestCopyBytes: number;
}

interface UploadTarget {
  readonly bucket: string;
  readonly key: string;
  readonly size: number;
  readonly sizes: UploadSizes;
  readonly signal: AbortSignal | undefined;
}

/** Sends one part and answers its ETag. */
type SendPart = (upload: UploadId, part: Part) => Promise<string | undefined>;

interface UploadId {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string;
}

/** Creates the object when its key is absent; `refused` when it is not, or was being written by another. */
export async function uploadParts(requests: Requests, target: UploadTarget, body: StreamBody): Promise<Refusal | null> {
  const send: SendPart = async (upload, part) => {
    const command = new UploadPartCommand({ ...upload, PartNumber: part.number, Body: await part.read(body) });
    return (await requests.send('UploadPart', command, part.signal)).ETag;
  };
  return inParts(requests, target, target.sizes.partBytes, send, { IfNoneMatch: '*' });
}

/** Copies an object that is too large for one request, over whatever has the key. `check` runs before the last one. */
export async function copyParts(
  requests: Requests,
  target: UploadTarget,
  CopySource: string,
  check: () => Promise<void>,
): Promise<void> {
  const send: SendPart = async (upload, { number, range: { start, end }, signal }) => {
    const CopySourceRange = `bytes=${start}-${end - 1}`;
    const command = new UploadPartCopyCommand({ ...upload, PartNumber: number, CopySource, CopySourceRange });
    return (await requests.send('UploadPartCopy', command, signal)).CopyPartResult?.ETag;
  };
  await inParts(requests, target, Math.min(target.sizes.largestCopyBytes, copyPartBytes), send, { check });
}

interface Completion {
  readonly IfNoneMatch?: '*';
  readonly check?: () => Promise<void>;
}

async function inParts(
  requests: Requests,
  target: UploadTarget,
  partBytes: number,
  send: SendPart,
  { check, ...condition }: Completion,
): Promise<Refusal | null> {
  const { bucket: Bucket, key: Key, signal } = target;
  const upload = { Bucket, Key, UploadId: await begin(requests, target) };
  let isComplete = false;
  try {
    const MultipartUpload = { Parts: await sendAll(target, partBytes, upload, send) };
    await check?.();
    const complete = new CompleteMultipartUploadCommand({ ...upload, ...condition, MultipartUpload });
    const expect = condition.IfNoneMatch ? ['PreconditionFailed', 'ConditionalRequestConflict', 'NoSuchUpload'] : [];
    const answer = await requests.ask('CompleteMultipartUpload', complete, { signal, expect });
    isComplete = !isRefusal(answer);
    return isRefusal(answer) ? answer : null;
  } finally {
    // Whoever is stopped or refused still takes his parts with him.
    if (!isComplete) await abandon(requests, upload);
  }
}

async function begin(requests: Requests, { bucket, key, signal }: UploadTarget): Promise<string> {
  const command = new CreateMultipartUploadCommand({ Bucket: bucket, Key: key });
  const { UploadId } = await requests.send('CreateMultipartUpload', command, signal);
  if (UploadId !== undefined) return UploadId;
  throw new AppError('unavailable', `The store began to upload ${key}, but did not name the upload.`);
}

/** Best effort: the error that led here says more than one of this, and what stays is swept. */
async function abandon(requests: Requests, upload: UploadId): Promise<void> {
  await requests
    .send('AbortMultipartUpload', new AbortMultipartUploadCommand(upload), undefined)
    .catch(() => undefined);
}

async function sendAll(
  { size, sizes, signal }: UploadTarget,
  partBytes: number,
  upload: UploadId,
  send: SendPart,
): Promise<CompletedPart[]> {
  return sendParts({ size, partBytes, parallel: sizes.parallelParts, signal }, async (part) => ({
    ETag: await send(upload, part),
    PartNumber: part.number,
  }));
}
