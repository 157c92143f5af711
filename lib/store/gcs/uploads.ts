/** Creates: small bodies in one request, large streams in parts, of which one is held in memory. */
import { AppError } from '../../errors.ts';
import { sendParts } from '../parts.ts';
import type { CreateOutcome, StreamBody } from '../store.ts';
import type { Call, Client } from './client.ts';
import { methods } from './methods.ts';
import { isWritten } from './objects.ts';
import { Refusal } from './refusal.ts';
import { Session } from './session.ts';
import type { Signal } from '../signal.ts';

/** Parts but the last have to be multiples of it: https://cloud.google.com/storage/docs/performing-resumable-uploads */
const partUnit = 256 * 1024;

export function requirePartBytes(partBytes: number): void {
  if (partBytes > 0 && partBytes % partUnit === 0) return;
  throw new AppError('invalid', `Parts of ${partBytes} bytes are not a multiple of 256 KiB.`);
}

/** https://cloud.google.com/storage/docs/uploading-objects#uploading-an-object (a single request, `uploadType=media`) */
export async function upload(client: Client, key: string, body: Uint8Array, signal: Signal): Promise<CreateOutcome> {
  const query = { uploadType: 'media', name: key, ifGenerationMatch: '0', fields: 'name,size' };
  const headers = { 'content-type': 'application/octet-stream' };
  const call: Call = { ...methods.insert, signal, path: client.uploadPath, query, headers, body, commits: true };
  const answer = await client.ask(call);
  if (answer instanceof Refusal) {
    if (answer.isConditionNotMet) return 'exists';
    throw client.explain(answer, call);
  }
  if (!isWritten(client.json(answer, call), key, body.byteLength)) throw client.notUnderstood(call);
  return 'created';
}

export interface UploadOptions {
  readonly partBytes: number;
  readonly signal: Signal;
}

/** The object appears with the last part; an upload that failed is cancelled. */
export async function uploadInParts(
  client: Client,
  key: string,
  body: StreamBody,
  { partBytes, signal }: UploadOptions,
): Promise<CreateOutcome> {
  const { size } = body;
  const session = await Session.start(client, { key, size, signal });
  if (!session) return 'exists';
  let outcome: CreateOutcome | null = null;
  try {
    await sendParts({ size, partBytes, parallel: 1, signal }, async (part) => {
      outcome ??= await session.send(await part.read(body));
    });
  } catch (error) {
    await session.cancel();
    throw error;
  }
  return outcome ?? 'exists';
}
