import {
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
} from '@aws-sdk/client-s3';
import { AppError } from '../../errors.ts';
import { expectedBytes, gather, rangeHeader } from '../driver/bytes.ts';
import { isKey } from '../keys.ts';
import { orAborted, type Signal } from '../signal.ts';
import type { ByteRange, ListPage, ObjectInfo } from '../store.ts';
import { isProviderError } from './errors.ts';
import { isRefusal, type S3Refusal, type Requests } from './requests.ts';

export interface DescribedObject extends ObjectInfo {
  readonly etag: string | undefined;
}

export class Objects {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  async get(key: string, range: ByteRange | undefined, signal: Signal): Promise<Uint8Array | null> {
    const answer = await this.#ask(key, range, signal);
    if (!isRefusal(answer)) return this.#bytes(answer, range, signal);
    return answer.refused === 'NoSuchKey' ? null : new Uint8Array(0);
  }

  /**
   * Asks for one byte rather than by HEAD. It costs the same; its refusals say why; and it keeps the connection where a
   * store answers HEAD without a length, for Node then closes it: https://github.com/nodejs/node/issues/28438
   */
  async describe(key: string, signal: Signal): Promise<DescribedObject | null> {
    const first = { start: 0, end: 1 };
    const answer = await this.#ask(key, first, signal);
    if (isRefusal(answer)) return answer.refused === 'NoSuchKey' ? null : this.#describeEmpty(key, signal);
    const total = answer.ContentRange?.split('/')[1];
    if (total === undefined) discard(answer);
    else await this.#bytes(answer, first, signal);
    return described(key, total === undefined ? answer.ContentLength : Number(total), answer);
  }

  /** An empty object has no first byte, and the refusal does not say its date. */
  async #describeEmpty(key: string, signal: Signal): Promise<DescribedObject> {
    const command = new HeadObjectCommand({ Bucket: this.#requests.bucket, Key: key });
    const answer = await this.#requests.ask('HeadObject', command, { signal, expect: ['NotFound'] });
    if (!isRefusal(answer)) return described(key, answer.ContentLength, answer);
    throw new AppError('unavailable', `The store says both that ${key} exists and that it does not.`);
  }

  /** Absence is NoSuchKey alone: a bare 404 may also mean that the bucket is gone. */
  async #ask(key: string, range: ByteRange | undefined, signal: Signal): Promise<GetObjectCommandOutput | S3Refusal> {
    const command = new GetObjectCommand({
      Bucket: this.#requests.bucket,
      Key: key,
      Range: range && rangeHeader(range),
    });
    const expect = range ? ['NoSuchKey', 'InvalidRange'] : ['NoSuchKey'];
    return this.#requests.ask('GetObject', command, { signal, expect });
  }

  async #bytes(answer: GetObjectCommandOutput, range: ByteRange | undefined, signal: Signal): Promise<Uint8Array> {
    const { Body, ContentRange: contentRange, ContentLength: contentLength } = answer;
    try {
      const expected = expectedBytes({ contentRange, contentLength }, range);
      const chunks = Body as unknown as AsyncIterable<Uint8Array>;
      const bytes = expected && (await orAborted(signal, () => gather(chunks, expected)));
      if (bytes) return bytes;
    } catch (error) {
      throw isProviderError(error) ? this.#requests.mapAnswered('GetObject', error) : error;
    } finally {
      discard(answer);
    }
    throw this.#requests.misfit('GetObject', 'other bytes than were asked for');
  }

  /** Leaves out what is no key of the contract, such as the folders that AWS's console makes. */
  async list(Prefix: string, StartAfter: string | undefined, MaxKeys: number, signal: Signal): Promise<ListPage> {
    for (let ContinuationToken: string | undefined; ;) {
      const position = ContinuationToken === undefined ? { StartAfter } : { ContinuationToken };
      const command = new ListObjectsV2Command({ Bucket: this.#requests.bucket, Prefix, MaxKeys, ...position });
      const answer = await this.#requests.send('ListObjectsV2', command, signal);
      const objects = objectsOf(answer);
      const more = answer.IsTruncated === true;
      if (objects.length > 0 || !more) return { objects, more };
      ContinuationToken = answer.NextContinuationToken;
    }
  }
}

function discard({ Body }: GetObjectCommandOutput): void {
  (Body as unknown as Partial<{ destroy(): void }> | undefined)?.destroy?.();
}

function objectsOf({ Contents = [] }: ListObjectsV2CommandOutput): readonly ObjectInfo[] {
  return Contents.flatMap(({ Key = '', ...object }) => {
    if (!isKey(Key)) return [];
    const { key, size, modifiedAt } = described(Key, object.Size, object);
    return [{ key, size, modifiedAt }];
  });
}

interface Headers {
  readonly LastModified?: Date | undefined;
  readonly ETag?: string | undefined;
}

/** A size or date that is missing is not made up: someone may delete by it. */
function described(key: string, size: number | undefined, { LastModified, ETag }: Headers): DescribedObject {
  if (size === undefined || !Number.isSafeInteger(size) || !LastModified) {
    throw new AppError('unavailable', `The store sent no size or no date for ${key}.`);
  }
  // HTTP has whole seconds, lists of some stores have fractions; one object has one date.
  return { key, size, modifiedAt: new Date(Math.floor(LastModified.getTime() / 1000) * 1000), etag: ETag };
}
