/**
 * A body too large for one request, in parts: nothing is visible until all are there and the upload is completed.
 *
 * Owns: which bytes make which part, and how many parts are in memory. The worst that can happen: a part that is shorter
 * than it should be, so each is held against its size. The API has no call that gives an upload up: the parts of a failed
 * one stay on Vercel's side, unseen, until Vercel drops them.
 * https://vercel.com/docs/vercel-blob/using-blob-sdk#multipart-uploads
 */
import { sendParts } from '../parts.ts';
import type { CreateOutcome, StreamBody } from '../store.ts';
import type { BlobClient, Part, Upload } from './client.ts';

/** Parts on their way at once. undici copies what it sends, so each takes its size in memory twice. */
const width = 3;

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

function uploadParts(client: BlobClient, upload: Upload, body: StreamBody, options: PartsOptions): Promise<Part[]> {
  return sendParts({ ...options, size: body.size, parallel: width }, async (part) =>
    client.uploadPart(upload, part.number, await part.read(body), part.signal),
  );
}
