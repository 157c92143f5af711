/** Resumable uploads: https://cloud.google.com/storage/docs/performing-resumable-uploads */
import { AppError, isAppError } from '../../errors.ts';
import { sendParts } from '../parts.ts';
import type { Signal } from '../signal.ts';
import type { CreateOutcome, StreamBody } from '../store.ts';
import { type GcsCall, type Client, methods } from './client.ts';
import { isWritten, GcsRefusal } from './errors.ts';
import type { WireAnswer } from './wire.ts';

const mostFailures = 3;

const cancelIdleMs = 3000;

interface UploadTarget {
  readonly key: string;
  readonly size: number;
  readonly signal: Signal;
}

type UploadProgress = { readonly outcome: CreateOutcome } | { readonly persisted: number };

class UploadSession {
  readonly #client: Client;
  readonly #target: UploadTarget;
  readonly #url: URL;
  #persisted = 0;
  /** The failure of a last part that may have taken effect. */
  #unsure: AppError | null = null;

  private constructor(client: Client, target: UploadTarget, url: URL) {
    this.#client = client;
    this.#target = target;
    this.#url = url;
  }

  /** Null when the key is taken already; as a rule that shows only at the end. */
  static async start(client: Client, target: UploadTarget): Promise<UploadSession | null> {
    const { key, size, signal } = target;
    const query = { uploadType: 'resumable', name: key, ifGenerationMatch: '0' };
    const headers = { 'x-upload-content-type': 'application/octet-stream', 'x-upload-content-length': String(size) };
    const call: GcsCall = { ...methods.insert, signal, path: client.uploadPath, query, headers };
    const answer = await client.ask(call);
    if (answer instanceof GcsRefusal && answer.isConditionNotMet) return null;
    if (answer instanceof GcsRefusal) throw client.explain(answer, call);
    const location = answer.header('location');
    if (location === null || !URL.canParse(location)) throw client.notUnderstood(call);
    return new UploadSession(client, target, new URL(location));
  }

  /** Sends the next part. Null when more must come; the object appears with the last one, unless its key was taken. */
  async send(part: Uint8Array): Promise<CreateOutcome | null> {
    const isLast = this.#persisted + part.byteLength === this.#target.size;
    try {
      const outcome = await this.#put(part, isLast);
      if (outcome === 'exists' || isLast === (outcome === 'created')) return outcome;
    } catch (error) {
      // A later attempt that certainly failed says nothing about the attempt before.
      throw isAppError(error, 'unavailable') && this.#unsure ? this.#unsure : error;
    }
    throw this.#client.notUnderstood(this.#call(isLast));
  }

  /** Best effort: an upload that is left alone is forgotten after a week, and never visible. */
  async cancel(): Promise<void> {
    const call: GcsCall = { ...methods.cancelInsert, path: this.#url, idleMs: cancelIdleMs };
    try {
      // Google answers 499.
      await this.#client.ask(call);
    } catch (error) {
      if (!isAppError(error)) throw error;
    }
  }

  async #put(part: Uint8Array, isLast: boolean): Promise<CreateOutcome | null> {
    const start = this.#persisted;
    const end = start + part.byteLength;
    for (let failures = 0; this.#persisted < end;) {
      const before = this.#persisted;
      const progress = await this.#step(part.subarray(before - start), isLast);
      if ('outcome' in progress) return progress.outcome;
      if (progress.persisted < start || progress.persisted > end) {
        throw new AppError('unavailable', 'The store lost track of an upload, so it was cancelled.');
      }
      this.#persisted = progress.persisted;
      failures = this.#persisted > before ? 0 : failures + 1;
      if (failures === mostFailures)
        throw new AppError('unavailable', 'An upload made no progress, so it was cancelled.');
    }
    return null;
  }

  /** Sends `bytes`; when no answer says whether they arrived, asks. */
  async #step(bytes: Uint8Array, isLast: boolean): Promise<UploadProgress> {
    const [first, last] = [this.#persisted, this.#persisted + bytes.byteLength - 1];
    const call = { ...this.#call(isLast, `bytes ${first}-${last}/${this.#target.size}`), body: bytes };
    try {
      return this.#progress(await this.#client.ask(call), call);
    } catch (error) {
      if (isAppError(error, 'indeterminate')) this.#unsure = error;
      const progress = this.#isWorthAsking(error) ? await this.#inquire() : null;
      if (progress) return progress;
      throw error;
    }
  }

  #isWorthAsking(error: unknown): boolean {
    return (
      isAppError(error, 'unavailable', 'indeterminate') &&
      error.retryAfterMs === undefined &&
      !this.#target.signal?.aborted
    );
  }

  /** https://cloud.google.com/storage/docs/performing-resumable-uploads#status-check. Null when that fails, too. */
  async #inquire(): Promise<UploadProgress | null> {
    const call = this.#call(false, `bytes */${this.#target.size}`);
    try {
      return this.#progress(await this.#client.ask(call), call);
    } catch (error) {
      if (isAppError(error)) return null;
      throw error;
    }
  }

  #progress(answer: WireAnswer | GcsRefusal, call: GcsCall): UploadProgress {
    if (answer instanceof GcsRefusal) {
      if (answer.isConditionNotMet) return { outcome: 'exists' };
      throw this.#client.explain(answer, call);
    }
    if (answer.status !== 308) {
      const resource = this.#client.json(answer, call);
      if (!isWritten(resource, this.#target.key, this.#target.size)) throw this.#client.notUnderstood(call);
      return { outcome: 'created' };
    }
    const range = /^bytes=0-(\d+)$/.exec(answer.header('range') ?? '');
    return { persisted: range ? Number(range[1]) + 1 : 0 };
  }

  #call(commits: boolean, contentRange?: string): GcsCall {
    return {
      ...methods.insertPart,
      commits,
      path: this.#url,
      ...(contentRange === undefined ? {} : { headers: { 'content-range': contentRange } }),
      signal: this.#target.signal,
    };
  }
}

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
  const call: GcsCall = { ...methods.insert, signal, path: client.uploadPath, query, headers, body, commits: true };
  const answer = await client.ask(call);
  if (answer instanceof GcsRefusal) {
    if (answer.isConditionNotMet) return 'exists';
    throw client.explain(answer, call);
  }
  if (!isWritten(client.json(answer, call), key, body.byteLength)) throw client.notUnderstood(call);
  return 'created';
}

/** The object appears with the last part; an upload that failed is cancelled. */
export async function uploadInParts(
  client: Client,
  key: string,
  body: StreamBody,
  { partBytes, signal }: { readonly partBytes: number; readonly signal: Signal },
): Promise<CreateOutcome> {
  const { size } = body;
  const session = await UploadSession.start(client, { key, size, signal });
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
