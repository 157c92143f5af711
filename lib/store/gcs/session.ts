/**
 * One resumable upload: https://cloud.google.com/storage/docs/performing-resumable-uploads
 *
 * Owns: how far the upload has come, and going on after a part whose answer was lost. Nothing of it is visible before
 * its last byte. The worst that can happen: bytes sent to another place than theirs; so the store is asked how far it
 * has come, and never believed to have what it did not confirm.
 */
import { AppError, isAppError } from '../../errors.ts';
import type { CreateOutcome } from '../store.ts';
import type { Call, Client } from './client.ts';
import { methods } from './methods.ts';
import { isWritten } from './objects.ts';
import { Refusal } from './refusal.ts';
import type { WireAnswer } from './wire.ts';

/** How often in a row a part may fail without that the upload comes further. */
const mostFailures = 3;

/** A cancellation is a courtesy; nobody waits long for it. */
const cancelIdleMs = 3000;

/** What the store says of an upload: its outcome, or how many bytes it has. */
type Progress = { readonly outcome: CreateOutcome } | { readonly persisted: number };

export class Session {
  readonly #client: Client;
  readonly #url: URL;
  readonly #key: string;
  readonly #size: number;
  readonly #signal: AbortSignal | undefined;
  /** Bytes that the store has confirmed. */
  #persisted = 0;
  /** The failure of a last part that may have taken effect. */
  #unsure: AppError | null = null;

  private constructor(client: Client, url: URL, key: string, size: number, signal: AbortSignal | undefined) {
    this.#client = client;
    this.#url = url;
    this.#key = key;
    this.#size = size;
    this.#signal = signal;
  }

  /** Null when the key is taken already; as a rule that shows only at the end. */
  static async start(
    client: Client,
    key: string,
    size: number,
    signal: AbortSignal | undefined,
  ): Promise<Session | null> {
    const call: Call = {
      ...methods.insert,
      signal,
      path: client.uploadPath,
      query: { uploadType: 'resumable', name: key, ifGenerationMatch: '0' },
      headers: { 'x-upload-content-type': 'application/octet-stream', 'x-upload-content-length': String(size) },
    };
    const answer = await client.ask(call);
    if (answer instanceof Refusal && answer.isConditionNotMet) return null;
    if (answer instanceof Refusal) throw client.explain(answer, call);
    await client.finish(answer);
    const location = answer.header('location');
    if (location === null || !URL.canParse(location)) throw client.notUnderstood(call);
    return new Session(client, new URL(location), key, size, signal);
  }

  /** Sends bytes after which more come. */
  async send(part: Uint8Array): Promise<'exists' | null> {
    const outcome = await this.#put(part, false);
    if (outcome === 'created') throw this.#client.notUnderstood(this.#call(false));
    return outcome;
  }

  /** Sends the last bytes: the object appears, unless its key was taken. */
  async finish(part: Uint8Array): Promise<CreateOutcome> {
    try {
      const outcome = await this.#put(part, true);
      if (outcome !== null) return outcome;
    } catch (error) {
      // A later failure of which it is known that nothing happened says nothing of the attempt before.
      throw isAppError(error, 'unavailable') && this.#unsure ? this.#unsure : error;
    }
    throw this.#client.notUnderstood(this.#call(true));
  }

  /** Best effort: an upload that is left alone is forgotten after a week, and never visible. */
  async cancel(): Promise<void> {
    const call: Call = { ...methods.cancelInsert, path: this.#url, idleMs: cancelIdleMs };
    try {
      // Google answers 499.
      const answer = await this.#client.ask(call);
      if (!(answer instanceof Refusal)) await this.#client.finish(answer);
    } catch (error) {
      if (!isAppError(error)) throw error;
    }
  }

  /** Null when the store has the part, and waits for more. */
  async #put(part: Uint8Array, isLast: boolean): Promise<CreateOutcome | null> {
    const start = this.#persisted;
    const end = start + part.byteLength;
    for (let failures = 0; this.#persisted < end;) {
      const before = this.#persisted;
      const progress = await this.#step(part.subarray(before - start), isLast);
      if ('outcome' in progress) return progress.outcome;
      if (progress.persisted < start || progress.persisted > end) throw lostTrack();
      this.#persisted = progress.persisted;
      failures = this.#persisted > before ? 0 : failures + 1;
      if (failures === mostFailures) throw new AppError('unavailable', 'An upload comes no further; it was given up.');
    }
    return null;
  }

  /** Sends `bytes`; when no answer tells what became of them, asks. */
  async #step(bytes: Uint8Array, isLast: boolean): Promise<Progress> {
    const [first, last] = [this.#persisted, this.#persisted + bytes.byteLength - 1];
    const call = { ...this.#call(isLast, `bytes ${first}-${last}/${this.#size}`), body: bytes };
    try {
      return await this.#progress(await this.#client.ask(call), call);
    } catch (error) {
      if (isAppError(error, 'indeterminate')) this.#unsure = error;
      const progress = this.#isWorthAsking(error) ? await this.#inquire() : null;
      if (progress) return progress;
      throw error;
    }
  }

  /** Not of a store that wants to be left alone for a while. */
  #isWorthAsking(error: unknown): boolean {
    return (
      isAppError(error, 'unavailable', 'indeterminate') && error.retryAfterMs === undefined && !this.#signal?.aborted
    );
  }

  /** https://cloud.google.com/storage/docs/performing-resumable-uploads#status-check. Null when that fails, too. */
  async #inquire(): Promise<Progress | null> {
    const call = this.#call(false, `bytes */${this.#size}`);
    try {
      return await this.#progress(await this.#client.ask(call), call);
    } catch (error) {
      if (isAppError(error)) return null;
      throw error;
    }
  }

  async #progress(answer: WireAnswer | Refusal, call: Call): Promise<Progress> {
    if (answer instanceof Refusal) {
      if (answer.isConditionNotMet) return { outcome: 'exists' };
      throw this.#client.explain(answer, call);
    }
    if (answer.status !== 308) {
      const resource = await this.#client.json(answer, call);
      if (!isWritten(resource, this.#key, this.#size)) throw this.#client.notUnderstood(call);
      return { outcome: 'created' };
    }
    await this.#client.finish(answer);
    // Absent when the store has nothing yet.
    const range = /^bytes=0-(\d+)$/.exec(answer.header('range') ?? '');
    return { persisted: range ? Number(range[1]) + 1 : 0 };
  }

  #call(commits: boolean, contentRange?: string): Call {
    return {
      ...methods.insertPart,
      commits,
      path: this.#url,
      ...(contentRange === undefined ? {} : { headers: { 'content-range': contentRange } }),
      signal: this.#signal,
    };
  }
}

function lostTrack(): AppError {
  return new AppError('unavailable', 'The store lost track of an upload; it was given up.');
}
