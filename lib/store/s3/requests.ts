import type { $Command, S3Client, ServiceInputTypes, ServiceOutputTypes } from '@aws-sdk/client-s3';
import type { AppError } from '../../errors.ts';
import type { Runtime } from '../../runtime.ts';
import { explain, explainStopped, garbled, ProviderFailure } from '../driver/failure.ts';
import { Interruption, interruptible } from '../driver/interruption.ts';
import type { Meter, RequestClass } from '../usage.ts';
import {
  type DirectAnswer,
  type DirectInput,
  DirectRequests,
  isDirect,
  mayPass,
  objectOf,
  refusalOf,
  type S3Target,
  textOf,
} from './direct.ts';
import { codeOf, isProviderError, mapError, mayHaveHappened, type ProviderError, type S3Request } from './errors.ts';
import type { Signal } from '../signal.ts';

type S3Command<I extends ServiceInputTypes, O extends ServiceOutputTypes> = $Command<
  I,
  O,
  S3Client['config'],
  ServiceInputTypes,
  ServiceOutputTypes
>;

export interface S3Refusal {
  readonly refused: string;
  /** An attempt before the refused one may have taken effect. */
  readonly unsure: boolean;
}

interface RequestKind {
  /** https://aws.amazon.com/s3/pricing/: DELETE and CANCEL are free. */
  readonly class: RequestClass;
  /** It shows something to readers, or hides it. An upload that was not completed is nothing yet. */
  readonly writes?: true;
  /** The store works on it in silence: on many bytes, none of which is on the way. */
  readonly isSlow?: true;
}

const kinds = {
  PutObject: { class: 'write', writes: true },
  GetObject: { class: 'read' },
  HeadObject: { class: 'read' },
  ListObjectsV2: { class: 'write' },
  CopyObject: { class: 'write', writes: true, isSlow: true },
  DeleteObjects: { class: 'free', writes: true },
  CreateMultipartUpload: { class: 'write' },
  UploadPart: { class: 'write' },
  UploadPartCopy: { class: 'write', isSlow: true },
  CompleteMultipartUpload: { class: 'write', writes: true, isSlow: true },
  AbortMultipartUpload: { class: 'free' },
  ListMultipartUploads: { class: 'write' },
} as const satisfies Readonly<Record<string, RequestKind>>;

export type RequestName = keyof typeof kinds;

export interface SendOptions {
  readonly signal?: Signal;
  readonly expect?: readonly string[];
}

export interface RequestsOptions {
  readonly bucket: string;
  readonly client: (isSlow: boolean) => S3Client;
  readonly location: string;
  readonly secrets: readonly string[];
  readonly meter: Meter | undefined;
  readonly runtime: Pick<Runtime, 'now'>;
}

export class Requests {
  readonly bucket: string;
  readonly #options: RequestsOptions;
  readonly #direct: DirectRequests;

  constructor(options: RequestsOptions) {
    this.bucket = options.bucket;
    this.#options = options;
    this.#direct = new DirectRequests(() => options.client(false), options.runtime);
  }

  async send<I extends ServiceInputTypes, O extends ServiceOutputTypes>(
    name: RequestName,
    command: S3Command<I, O>,
    signal: Signal,
  ): Promise<O> {
    const answer = await this.ask(name, command, { signal });
    if (isRefusal(answer)) throw new Error(`${name} was refused unexpectedly: ${answer.refused}`);
    return answer;
  }

  /** The answer, or a refusal that `expect` names. @throws AppError */
  async ask<I extends ServiceInputTypes, O extends ServiceOutputTypes>(
    name: RequestName,
    command: S3Command<I, O>,
    { signal, expect = [] }: SendOptions,
  ): Promise<O | S3Refusal> {
    const kind: RequestKind = kinds[name];
    const attempts = new Attempts(name, this.#options.meter);
    const { Key } = command.input as { Key?: string };
    attempts.watch(command, (request) => this.#direct.learn(request, Key));
    try {
      return await interruptible({ signal }, async (abortSignal) => {
        attempts.signal = abortSignal;
        const plain = await this.#askDirectly(name, command.input, attempts);
        if (plain) return plain as O;
        return this.#options.client(kind.isSlow === true).send(command, { abortSignal });
      });
    } catch (error) {
      const { unsure } = attempts;
      if (error instanceof Interruption) throw explainStopped(this.#request(name, unsure), error.cause);
      if (!isProviderError(error)) throw error;
      const code = codeOf(error);
      if (expect.includes(code)) return { refused: code, unsure };
      throw mapError(error, this.#request(name, unsure));
    }
  }

  /** The answer; null when it is for the SDK to ask, or to ask again. A refusal is thrown as the SDK does. */
  async #askDirectly(name: RequestName, input: object, attempts: Attempts) {
    if (!isDirect(name) || !this.#direct.isReady) return null;
    const asked = input as DirectInput;
    const send = (signal: AbortSignal) => this.#direct.send(name, asked, signal);
    const sent = { headers: { 'content-length': String(asked.Body?.byteLength ?? 0) } };
    const answer = await attempts.make(send, sent);
    if (!answer) return null;
    if (name === 'GetObject') return objectOf(answer);
    await textOf(answer);
    return {};
  }

  mapAnswered(name: RequestName, error: ProviderError): AppError {
    return mapError(error, this.#request(name, mayHaveHappened(error)));
  }

  misfit(name: RequestName, problem: string): AppError {
    const meaning = garbled('S3', 'Try again; if it happens often, check the network and S3_ENDPOINT.');
    return explain(meaning, this.#request(name, false), new ProviderFailure(problem, { code: problem }));
  }

  #request(name: RequestName, unsure: boolean): S3Request {
    const { location, secrets } = this.#options;
    const { writes }: RequestKind = kinds[name];
    return { location, name, writes: writes === true, unsure: writes === true && unsure, secrets };
  }
}

export function isRefusal(answer: object): answer is S3Refusal {
  return 'refused' in answer;
}

/** All attempts at one request: a first one that took effect must not be forgotten because the second is refused. */
class Attempts {
  readonly #name: RequestName;
  readonly #meter: Meter | undefined;
  signal: Signal;
  #underWay = false;
  #mayHaveHappened = false;

  constructor(name: RequestName, meter: Meter | undefined) {
    this.#name = name;
    this.#meter = meter;
  }

  get unsure(): boolean {
    return this.#underWay || this.#mayHaveHappened;
  }

  /** Below the SDK's retries, and below its signing. */
  watch<I extends ServiceInputTypes, O extends ServiceOutputTypes>(
    command: S3Command<I, O>,
    sent: (request: S3Target) => void,
  ): void {
    command.middlewareStack.add(
      (next) => async (args) => {
        // Nothing is sent then: the transport looks at the signal first.
        if (this.signal?.aborted) return next(args);
        const result = await this.#once(args.request, () => next(args));
        sent(args.request as S3Target);
        return result;
      },
      { step: 'finalizeRequest', priority: 'low', name: 'eiderWatch' },
    );
  }

  /** One before those of the SDK: null when it has to be repeated. */
  async make(send: (signal: AbortSignal) => Promise<DirectAnswer>, sent: object): Promise<DirectAnswer | null> {
    try {
      const { response } = await this.#once(sent, async () => {
        const answer = await send(this.signal!);
        if (answer.statusCode >= 300) throw await refusalOf(answer);
        return { response: answer };
      });
      return response;
    } catch (error) {
      if (this.signal?.aborted || !mayPass(error)) throw error;
      return null;
    }
  }

  async #once<T extends { readonly response: unknown }>(request: unknown, send: () => Promise<T>): Promise<T> {
    this.#underWay = true;
    try {
      const result = await send();
      this.#mayHaveHappened = true;
      requireNoPage(result.response);
      this.#count(request, result.response);
      return result;
    } catch (error) {
      this.#note(error, request);
      throw error;
    } finally {
      this.#underWay = false;
    }
  }

  #note(error: unknown, request: unknown): void {
    const answer = isProviderError(error) ? error.$response : undefined;
    const mayHave = mayHaveHappened(error);
    // What was stopped on its way may have arrived.
    if (mayHave || this.signal?.aborted) this.#mayHaveHappened = true;
    if (mayHave || answer) this.#count(request, answer);
  }

  #count(request: unknown, response: unknown): void {
    this.#meter?.({
      name: this.#name,
      class: kinds[this.#name].class,
      bytesUp: lengthOf(request),
      bytesDown: this.#name === 'HeadObject' ? 0 : lengthOf(response),
    });
  }
}

/** A web page with 200 reads as an empty list, or as a write that was done. @throws what stands for such an answer */
function requireNoPage(response: unknown): void {
  const { headers, statusCode } = response as NonNullable<ProviderError['$response']>;
  if (!headers?.['content-type']?.startsWith('text/html') || headers['x-amz-request-id'] !== undefined) return;
  const $response = { headers, ...(statusCode === undefined ? {} : { statusCode }) };
  throw Object.assign(new Error('The answer is a web page.'), { $response });
}

function lengthOf(message: unknown): number {
  if (typeof message !== 'object' || message === null || !('headers' in message)) return 0;
  const length = (message.headers as Readonly<Record<string, string | undefined>>)['content-length'];
  return length === undefined ? 0 : Number(length);
}
