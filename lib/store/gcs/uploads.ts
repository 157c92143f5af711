/**
 * Creates: small bodies in one request, large streams in parts.
 *
 * Owns: how a body is cut, in the memory of one part. An object appears with the last byte of its upload, whole, and
 * only if the key is still absent then. The worst that can happen: an upload that broke appears after all; so it is
 * cancelled, and the last part is sent only once the body has proved as long as it said.
 */
import { AppError } from '../../errors.ts';
import { bodyChunks } from '../body.ts';
import { readBody } from '../parts.ts';
import { throwIfAborted } from '../signal.ts';
import type { Body, CreateOutcome, StreamBody } from '../store.ts';
import type { Call, Client } from './client.ts';
import { methods } from './methods.ts';
import { isWritten } from './objects.ts';
import { Refusal } from './refusal.ts';
import { Session } from './session.ts';

/** Parts but the last have to be multiples of it: https://cloud.google.com/storage/docs/performing-resumable-uploads */
const partUnit = 256 * 1024;

export class Uploads {
  readonly #client: Client;
  readonly #partBytes: number;

  constructor(client: Client, partBytes: number) {
    if (partBytes <= 0 || partBytes % partUnit !== 0) {
      throw new AppError('invalid', `Parts of ${partBytes} bytes are not a multiple of 256 KiB.`);
    }
    this.#client = client;
    this.#partBytes = partBytes;
  }

  async create(key: string, body: Body, signal: AbortSignal | undefined): Promise<CreateOutcome> {
    if (body instanceof Uint8Array) return this.#whole(key, body, signal);
    if (body.size > this.#partBytes) return this.#inParts(key, body, signal);
    return this.#whole(key, await readBody(body, signal), signal);
  }

  /** https://cloud.google.com/storage/docs/uploading-objects#uploading-an-object (a single request, `uploadType=media`) */
  async #whole(key: string, body: Uint8Array, signal: AbortSignal | undefined): Promise<CreateOutcome> {
    const call: Call = {
      ...methods.insert,
      signal,
      path: this.#client.uploadPath,
      query: { uploadType: 'media', name: key, ifGenerationMatch: '0', fields: 'name,size' },
      headers: { 'content-type': 'application/octet-stream' },
      body,
      commits: true,
    };
    const answer = await this.#client.ask(call);
    if (answer instanceof Refusal) {
      if (answer.isConditionNotMet) return 'exists';
      throw this.#client.explain(answer, call);
    }
    if (!isWritten(await this.#client.json(answer, call), key, body.byteLength)) throw this.#client.notUnderstood(call);
    return 'created';
  }

  async #inParts(key: string, body: StreamBody, signal: AbortSignal | undefined): Promise<CreateOutcome> {
    const session = await Session.start(this.#client, key, body.size, signal);
    if (!session) return 'exists';
    try {
      return await this.#fill(session, body, signal);
    } catch (error) {
      await session.cancel();
      throw error;
    }
  }

  /** A full part is held back until a byte comes after it: the last one commits. */
  async #fill(session: Session, body: StreamBody, signal: AbortSignal | undefined): Promise<CreateOutcome> {
    const part = new Uint8Array(this.#partBytes);
    let filled = 0;
    for await (const chunk of bodyChunks(body)) {
      throwIfAborted(signal);
      for (let taken = 0; taken < chunk.byteLength;) {
        if (filled === part.byteLength) {
          if ((await session.send(part)) === 'exists') return 'exists';
          filled = 0;
        }
        const piece = chunk.subarray(taken, taken + part.byteLength - filled);
        part.set(piece, filled);
        filled += piece.byteLength;
        taken += piece.byteLength;
      }
    }
    throwIfAborted(signal);
    return session.finish(part.subarray(0, filled));
  }
}
