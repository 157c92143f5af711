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
} from '#packages/aws-s3';
import { AppError } from '../../errors.ts';
import { bodyChunks } from '../body.ts';
import { throwIfAborted } from '../signal.ts';
import type { ByteRange, StreamBody } from '../store.ts';
import { isRefusal, type Refusal, type Requests } from './requests.ts';

/** Of one object: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const mostParts = 10_000;

const copyPartBytes = 1024 ** 3;

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
type SendPart = (
  part: { readonly UploadId: string; readonly PartNumber: number },
  range: ByteRange,
  signal: AbortSignal,
) => Promise<string | undefined>;

/** Creates the object when its key is absent; `refused` when it is not, or was being written by another. */
export async function uploadParts(requests: Requests, target: UploadTarget, body: StreamBody): Promise<Refusal | null> {
  const { bucket: Bucket, key: Key } = target;
  const send: SendPart = async (part, range, signal) => {
    const bytes = await readPart(body, range, signal);
    const command = new UploadPartCommand({ Bucket, Key, ...part, Body: bytes });
    return (await requests.send('UploadPart', command, signal)).ETag;
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
  const { bucket: Bucket, key: Key } = target;
  const send: SendPart = async (part, { start, end }, signal) => {
    const CopySourceRange = `bytes=${start}-${end - 1}`;
    const command = new UploadPartCopyCommand({ Bucket, Key, ...part, CopySource, CopySourceRange });
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
    const MultipartUpload = { Parts: await sendAll(target, partBytes, upload.UploadId, send) };
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
async function abandon(requests: Requests, upload: { Bucket: string; Key: string; UploadId: string }): Promise<void> {
  await requests
    .send('AbortMultipartUpload', new AbortMultipartUploadCommand(upload), undefined)
    .catch(() => undefined);
}

/** Sends all parts, a few at once. The first failure stops the others, and is thrown once they have ended. */
async function sendAll(
  target: UploadTarget,
  partBytes: number,
  UploadId: string,
  send: SendPart,
): Promise<CompletedPart[]> {
  const ranges = partRanges(target.size, partBytes);
  const parts: CompletedPart[] = [];
  const failing = new AbortController();
  const signal = target.signal ? AbortSignal.any([target.signal, failing.signal]) : failing.signal;
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < ranges.length; index = next++) {
      throwIfAborted(signal);
      const ETag = await send({ UploadId, PartNumber: index + 1 }, ranges[index]!, signal);
      parts[index] = { ETag, PartNumber: index + 1 };
    }
  };
  const failures: unknown[] = [];
  const fail = (error: unknown): void => {
    failures.push(error);
    failing.abort(error);
  };
  await Promise.all(Array.from({ length: target.sizes.parallelParts }, () => work().catch(fail)));
  if (failures.length > 0) throw failures[0];
  return parts;
}

function partRanges(size: number, partBytes: number): readonly ByteRange[] {
  const bytes = Math.max(partBytes, Math.ceil(size / mostParts));
  return Array.from({ length: Math.ceil(size / bytes) }, (_, index) => ({
    start: index * bytes,
    end: Math.min(size, (index + 1) * bytes),
  }));
}

/** One part of the body, in memory: the SDK repeats what it sends. @throws AppError `invalid` when it is not as long. */
export async function readPart(body: StreamBody, range: ByteRange, signal?: AbortSignal): Promise<Uint8Array> {
  const size = range.end - range.start;
  const bytes = new Uint8Array(size);
  let position = 0;
  for await (const chunk of bodyChunks({ size, open: () => body.open(range) })) {
    throwIfAborted(signal);
    bytes.set(chunk, position);
    position += chunk.byteLength;
  }
  return bytes;
}
