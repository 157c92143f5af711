/**
 * A body too large for one request, in parts: nothing is visible until all are there and the upload is completed.
 *
 * Owns: which bytes make which part, and how many parts are in memory. The worst that can happen: a part that is shorter
 * than it should be, so each is held against its size. The API has no call that gives an upload up: the parts of a failed
 * one stay on Vercel's side, unseen, until Vercel drops them.
 * https://vercel.com/docs/vercel-blob/using-blob-sdk#multipart-uploads
 */
import { bodyChunks } from '../body.ts';
import { throwIfAborted } from '../signal.ts';
import type { ByteRange, CreateOutcome, StreamBody } from '../store.ts';
import type { BlobClient, Part, Upload } from './client.ts';

/** Parts on their way at once. undici copies what it sends, so each takes its size in memory twice. */
const width = 3;
/** As many as the storage underneath takes: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const mostParts = 10_000;

export interface PartsOptions {
  readonly partBytes: number;
  readonly signal: AbortSignal | undefined;
}

export async function createInParts(
  client: BlobClient,
  key: string,
  body: StreamBody,
  options: PartsOptions,
): Promise<CreateOutcome> {
  // A large body is not sent in vain.
  if (await client.head(key, options.signal)) return 'exists';
  const upload = await client.beginUpload(key, options.signal);
  if (!upload) return 'exists';
  const parts = await uploadParts(client, upload, body, options);
  return client.completeUpload(upload, parts, options.signal);
}

/** All of the body, or the part in `range`, in memory. @throws AppError `invalid` when it is not as long as it says. */
export async function gather(body: StreamBody, range: ByteRange, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const size = range.end - range.start;
  const bytes = new Uint8Array(size);
  let position = 0;
  const part: StreamBody = {
    size,
    open: ({ start, end }) => body.open({ start: range.start + start, end: range.start + end }),
  };
  for await (const chunk of bodyChunks(part)) {
    throwIfAborted(signal);
    bytes.set(chunk, position);
    position += chunk.byteLength;
  }
  return bytes;
}

async function uploadParts(
  client: BlobClient,
  upload: Upload,
  body: StreamBody,
  { partBytes, signal }: PartsOptions,
): Promise<Part[]> {
  const ranges = rangesOf(body.size, Math.max(partBytes, Math.ceil(body.size / mostParts)));
  const parts: Part[] = [];
  // The first failure stops the others, and all have ended before it is told: nobody needs the body any longer.
  const failing = new AbortController();
  const stop = signal ? AbortSignal.any([signal, failing.signal]) : failing.signal;
  const failures: unknown[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < ranges.length && !stop.aborted) {
      const index = next++;
      const bytes = await gather(body, ranges[index]!, stop);
      parts[index] = await client.uploadPart(upload, index + 1, bytes, stop);
    }
  };
  const worker = (): Promise<void> =>
    work().catch((error: unknown) => {
      failures.push(error);
      failing.abort();
    });
  await Promise.all(Array.from({ length: width }, worker));
  if (failures.length > 0) throw failures[0];
  throwIfAborted(signal);
  return parts;
}

function rangesOf(size: number, partBytes: number): ByteRange[] {
  return Array.from({ length: Math.ceil(size / partBytes) }, (_, index) => ({
    start: index * partBytes,
    end: Math.min((index + 1) * partBytes, size),
  }));
}
