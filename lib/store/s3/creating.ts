/**
 * Creating an object when its key is absent.
 *
 * Owns: what an answer to a conditional write means. The worst that can happen: `exists` is said where there is no
 * object, or `created` where another won; so a conflict is only ever settled by a look.
 */
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { AppError } from '../../errors.ts';
import type { Runtime } from '../../runtime.ts';
import { readBody } from '../parts.ts';
import { throwIfAborted } from '../signal.ts';
import type { Body, CreateOutcome } from '../store.ts';
import type { Reading } from './reading.ts';
import { isRefusal, type Refusal, type Requests } from './requests.ts';
import type { Sweep } from './sweep.ts';
import { type UploadSizes, uploadParts } from './upload.ts';

export interface CreatingOptions {
  readonly requests: Requests;
  readonly reading: Reading;
  readonly sweep: Sweep;
  readonly bucket: string;
  readonly location: string;
  readonly sizes: UploadSizes;
  readonly runtime: Runtime;
}

/** More in a row are no accident. */
const mostConflicts = 5;

export class Creating {
  readonly #options: CreatingOptions;

  constructor(options: CreatingOptions) {
    this.#options = options;
  }

  async create(key: string, body: Body, signal: AbortSignal | undefined): Promise<CreateOutcome> {
    // Bytes in memory are one request, whatever their number: no record of the log depends on a store's heeding the
    // condition when it completes parts.
    if (body instanceof Uint8Array) return this.#settle(key, () => this.#put(key, body, signal), signal);
    const { requests, bucket, reading, sweep, sizes } = this.#options;
    if (body.size <= sizes.partBytes) {
      const bytes = await readBody(body, signal);
      return this.#settle(key, () => this.#put(key, bytes, signal), signal);
    }
    // A large body is not sent in vain.
    if (await reading.describe(key, signal)) return 'exists';
    await sweep.run(key, signal);
    const target = { bucket, key, size: body.size, sizes, signal };
    return this.#settle(key, () => uploadParts(requests, target, body), signal);
  }

  async #put(Key: string, Body: Uint8Array, signal: AbortSignal | undefined): Promise<Refusal | null> {
    const { requests, bucket: Bucket } = this.#options;
    const command = new PutObjectCommand({ Bucket, Key, Body, IfNoneMatch: '*' });
    const expect = ['PreconditionFailed', 'ConditionalRequestConflict'];
    const answer = await requests.ask('PutObject', command, { signal, expect });
    return isRefusal(answer) ? answer : null;
  }

  /**
   * Makes attempts until one is decided. 409 says that the key was being written or deleted at that moment: whether it
   * is taken now, only a look tells. So does an upload that is gone after an attempt to complete it.
   * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
   */
  async #settle(key: string, attempt: () => Promise<Refusal | null>, signal?: AbortSignal): Promise<CreateOutcome> {
    let unsure = false;
    for (let conflicts = 0; conflicts < mostConflicts; conflicts++) {
      try {
        const refusal = await attempt();
        if (!refusal) return 'created';
        if (refusal.refused === 'PreconditionFailed') return 'exists';
        unsure ||= refusal.unsure;
        if (await this.#options.reading.describe(key, signal)) return 'exists';
        await this.#pause(conflicts, signal);
      } catch (error) {
        throw unsure ? this.#undecided('indeterminate', key, error) : error;
      }
    }
    throw this.#undecided(unsure ? 'indeterminate' : 'unavailable', key);
  }

  async #pause(conflicts: number, signal: AbortSignal | undefined): Promise<void> {
    const { runtime } = this.#options;
    const pausing = runtime.sleep(20 * 2 ** conflicts * (0.5 + runtime.random()), signal);
    await pausing.catch(() => undefined);
    throwIfAborted(signal);
  }

  #undecided(kind: 'indeterminate' | 'unavailable', key: string, cause?: unknown): AppError {
    const outcome = kind === 'indeterminate' ? 'whether it was created is not known' : 'nothing was created';
    const message = `${this.#options.location}: others were writing ${key} at the same time; ${outcome}.`;
    return new AppError(kind, message, { cause, hint: 'Try again.' });
  }
}
