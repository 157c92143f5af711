/**
 * The requests that are made for every commit and every record that is read, without the way that the SDK takes to each of them:
 * signed by its signer and sent by its transport. Where they go is learned from a request that the SDK made, so that its rules
 * for endpoints stay the only ones; and whatever is not a plain answer is asked again by the SDK, which knows how to repeat
 * it and what it means.
 */
import type { GetObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import type { Runtime } from '../../runtime.ts';
import { codeOf, isProviderError, type ProviderError, slowDown } from './errors.ts';

/** What is asked for, by a command's input. */
export interface DirectInput {
  readonly Key: string;
  readonly Range?: string | undefined;
  readonly IfNoneMatch?: string | undefined;
  readonly Body?: Uint8Array | undefined;
}

export interface DirectAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
}

/** Where a request of the SDK went. */
export interface S3Target {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number | undefined;
  readonly path: string;
}

type Signer = Awaited<ReturnType<S3Client['config']['signer']>>;
type Signed = Parameters<S3Client['config']['requestHandler']['handle']>[0];

const methods = { GetObject: 'GET', PutObject: 'PUT' } as const;
export type DirectName = keyof typeof methods;

export function isDirect(name: string): name is DirectName {
  return Object.hasOwn(methods, name);
}

export class DirectRequests {
  readonly #client: () => S3Client;
  readonly #runtime: Pick<Runtime, 'now'>;
  #target: S3Target | null = null;
  #signer: Promise<Signer> | null = null;

  constructor(client: () => S3Client, runtime: Pick<Runtime, 'now'>) {
    this.#client = client;
    this.#runtime = runtime;
  }

  /** Whether it is known where to send them. */
  get isReady(): boolean {
    return this.#target !== null;
  }

  /** Takes from a request of the SDK for `key`, or for a list, where objects are. */
  learn({ protocol, hostname, port, path }: S3Target, key: string | undefined): void {
    if (this.#target) return;
    const ofKey =
      key === undefined ? path.replace(/\/?$/, '/') : path.endsWith(`/${key}`) && path.slice(0, -key.length);
    if (ofKey !== false) this.#target = { protocol, hostname, port, path: ofKey };
  }

  /** The answer, whatever it says. Keys are plain: nothing in them is to be encoded. */
  async send(
    name: DirectName,
    { Key, Range, IfNoneMatch, Body }: DirectInput,
    abortSignal: AbortSignal,
  ): Promise<DirectAnswer> {
    const { config } = this.#client();
    const { protocol, hostname, port, path } = this.#target!;
    const headers: Record<string, string> = { host: port === undefined ? hostname : `${hostname}:${port}` };
    if (Range !== undefined) headers['range'] = Range;
    if (IfNoneMatch !== undefined) headers['if-none-match'] = IfNoneMatch;
    if (Body)
      Object.assign(headers, { 'content-length': String(Body.byteLength), 'content-type': 'application/octet-stream' });
    const request = {
      method: methods[name],
      protocol,
      hostname,
      port,
      path: `${path}${Key}`,
      query: {},
      headers,
      body: Body,
    };
    const signer = await (this.#signer ??= config.signer());
    const signingDate = new Date(this.#runtime.now() + config.systemClockOffset);
    const signed = (await signer.sign(request as unknown as Signed, { signingDate })) as Signed;
    const { response } = await config.requestHandler.handle(signed, { abortSignal });
    return response;
  }
}

/** An answer with an object, as the SDK gives it. */
export function objectOf({ headers, body }: DirectAnswer): GetObjectCommandOutput {
  const modifiedMs = Date.parse(headers['last-modified'] ?? '');
  const length = headers['content-length'];
  return {
    $metadata: {},
    Body: body as never,
    ContentRange: headers['content-range'],
    ContentLength: length === undefined ? undefined : Number(length),
    LastModified: Number.isNaN(modifiedMs) ? undefined : new Date(modifiedMs),
    ETag: headers['etag'],
  };
}

const mostTextBytes = 65_536;

/** A refusal as the SDK throws one. */
export async function refusalOf(answer: DirectAnswer): Promise<ProviderError> {
  const { statusCode, headers } = answer;
  const text = await textOf(answer);
  const [, Code] = /<Code>([\w.]+)<\/Code>/.exec(text) ?? [];
  const [, message = 'no reason was given'] = /<Message>([^<]*)<\/Message>/.exec(text) ?? [];
  const $metadata = { httpStatusCode: statusCode, attempts: 1 };
  return Object.assign(new Error(message), { $response: { statusCode, headers }, $metadata, ...(Code && { Code }) });
}

/** What the SDK repeats, or asks again with another clock. */
const passing = /Skew|Expired|Future|Signature|AuthFailure|Timeout/;

/** Whether the SDK is to ask again: what else was answered would be answered once more. */
export function mayPass(error: unknown): boolean {
  if (!isProviderError(error) || error.$response?.statusCode === undefined) return true;
  const { statusCode } = error.$response;
  const code = codeOf(error);
  return statusCode >= 500 || statusCode < 300 || statusCode === 429 || slowDown.test(code) || passing.test(code);
}

/** The body, at whose end the connection is free for the next request. */
export async function textOf({ body }: DirectAnswer): Promise<string> {
  let text = '';
  for await (const chunk of body) {
    text += Buffer.from(chunk).toString('latin1');
    if (text.length > mostTextBytes) break;
  }
  return text;
}
