/**
 * One request to S3, with all the attempts that the SDK makes of it.
 *
 * Owns: what was sent, what may have taken effect, and telling the meter. Knows nothing of what the requests are for.
 * The worst that can happen: a first attempt that took effect is forgotten because the second was refused; so every
 * attempt is watched.
 */
import type { $Command, S3Client, ServiceInputTypes, ServiceOutputTypes } from '@aws-sdk/client-s3';
import type { AppError } from '../../errors.ts';
import type { Meter, RequestClass } from '../meter.ts';
import { orAborted } from '../signal.ts';
import type { ProviderError } from './cause.ts';
import { codeOf, isProviderError, mapError, mayHaveHappened, type RequestContext, stoppedError } from './errors.ts';

type Command<I extends ServiceInputTypes, O extends ServiceOutputTypes> = $Command<
  I,
  O,
  S3Client['config'],
  ServiceInputTypes,
  ServiceOutputTypes
>;

/** A refusal that the caller asked to be told of. */
export interface Refusal {
  readonly refused: string;
  /** An attempt before the refused one may have taken effect. */
  readonly unsure: boolean;
}

export type RequestName =
  | 'PutObject'
  | 'GetObject'
  | 'HeadObject'
  | 'ListObjectsV2'
  | 'CopyObject'
  | 'DeleteObjects'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'UploadPartCopy'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload'
  | 'ListMultipartUploads';

/** https://aws.amazon.com/s3/pricing/: DELETE and CANCEL are free. */
const classes: Readonly<Partial<Record<RequestName, RequestClass>>> = {
  GetObject: 'read',
  HeadObject: 'read',
  DeleteObjects: 'free',
  AbortMultipartUpload: 'free',
};

/** Those that show something to readers, or hide it. An upload that was not completed is nothing yet. */
const writing: readonly RequestName[] = ['PutObject', 'CopyObject', 'DeleteObjects', 'CompleteMultipartUpload'];

export interface SendOptions {
  readonly signal?: AbortSignal | undefined;
  /** Codes that are answers rather than failures. */
  readonly expect?: readonly string[];
}

/** The store is silent while it works on these: on many bytes, and with none of them on the way. */
const slow: readonly RequestName[] = ['CopyObject', 'UploadPartCopy', 'CompleteMultipartUpload'];

export interface RequestsOptions {
  /** The client for requests that the store may be long about, and that for all others; each made when it is needed. */
  readonly client: (isSlow: boolean) => S3Client;
  readonly location: string;
  readonly secrets: readonly string[];
  readonly meter: Meter | undefined;
}

export class Requests {
  readonly #options: RequestsOptions;

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  /** The answer, when no refusal is expected. @throws AppError */
  async send<I extends ServiceInputTypes, O extends ServiceOutputTypes>(
    name: RequestName,
    command: Command<I, O>,
    signal: AbortSignal | undefined,
  ): Promise<O> {
    const answer = await this.ask(name, command, { signal });
    if (isRefusal(answer)) throw new Error(`${name} was refused with what nobody expected: ${answer.refused}`);
    return answer;
  }

  /** The answer, or a refusal that `expect` names. @throws AppError */
  async ask<I extends ServiceInputTypes, O extends ServiceOutputTypes>(
    name: RequestName,
    command: Command<I, O>,
    { signal, expect = [] }: SendOptions,
  ): Promise<O | Refusal> {
    const context = this.contextOf(name);
    const client = this.#options.client(slow.includes(name));
    // The SDK listens until the last byte of the answer, which may never be read; the caller's signal is let go before.
    const stopping = new AbortController();
    const watch = new Watch(name, this.#options.meter, stopping.signal);
    watch.addTo(command);
    try {
      // Raced, because the SDK sleeps between attempts whatever the signal says. It makes none after it is aborted.
      return await orAborted(signal, () => client.send(command, { abortSignal: stopping.signal }));
    } catch (error) {
      if (signal?.aborted) {
        const unsure = watch.unsure;
        stopping.abort(signal.reason);
        throw stoppedError(context, signal, unsure);
      }
      if (!isProviderError(error)) throw error;
      const code = codeOf(error);
      if (expect.includes(code)) return { refused: code, unsure: watch.unsure };
      throw mapError(error, context, watch.unsure);
    }
  }

  /** The error for what an answer tells of a part of what was asked. */
  mapAnswered(name: RequestName, error: ProviderError): AppError {
    return mapError(error, this.contextOf(name), mayHaveHappened(error));
  }

  /** Of requests whose answers break after they began. */
  contextOf(name: RequestName): RequestContext {
    const { location, secrets } = this.#options;
    return { location, name, writes: writing.includes(name), secrets };
  }
}

export function isRefusal(answer: object): answer is Refusal {
  return 'refused' in answer;
}

/** Sees every attempt at one request. */
class Watch {
  readonly #name: RequestName;
  readonly #meter: Meter | undefined;
  readonly #signal: AbortSignal;
  #underWay = false;
  #mayHaveHappened = false;

  constructor(name: RequestName, meter: Meter | undefined, signal: AbortSignal) {
    this.#name = name;
    this.#meter = meter;
    this.#signal = signal;
  }

  /** Whether an attempt may have taken effect. */
  get unsure(): boolean {
    return this.#underWay || this.#mayHaveHappened;
  }

  /** Below the SDK's retries, and below its signing. */
  addTo<I extends ServiceInputTypes, O extends ServiceOutputTypes>(command: Command<I, O>): void {
    command.middlewareStack.add(
      (next) => async (args) => {
        // Nothing is sent then: the transport looks at the signal first.
        if (this.#signal.aborted) return next(args);
        this.#underWay = true;
        try {
          const result = await next(args);
          // Also when the caller stops before he is told.
          this.#mayHaveHappened = true;
          this.#tell(args.request, result.response);
          return result;
        } catch (error) {
          this.#note(error, args.request);
          throw error;
        } finally {
          this.#underWay = false;
        }
      },
      { step: 'finalizeRequest', priority: 'low', name: 'eiderWatch' },
    );
  }

  #note(error: unknown, request: unknown): void {
    const answer = isProviderError(error) ? error.$response : undefined;
    const mayHave = mayHaveHappened(error);
    if (mayHave) this.#mayHaveHappened = true;
    if (mayHave || answer) this.#tell(request, answer);
  }

  #tell(request: unknown, response: unknown): void {
    this.#meter?.({
      name: this.#name,
      class: classes[this.#name] ?? 'write',
      bytesUp: lengthOf(request),
      bytesDown: this.#name === 'HeadObject' ? 0 : lengthOf(response),
    });
  }
}

/** Of the body, as the headers tell. */
function lengthOf(message: unknown): number {
  if (typeof message !== 'object' || message === null || !('headers' in message)) return 0;
  const length = (message.headers as Readonly<Record<string, string | undefined>>)['content-length'];
  return length === undefined ? 0 : Number(length);
}
